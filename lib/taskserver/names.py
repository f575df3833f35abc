"""The names under which a template sees a row: its fields, and spellings for those that are no names."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from types import SimpleNamespace

TAKEN = ("assignmentId", "hitId", "workerId", "turkSubmitTo", "submit_url", "preview", "row", "self")


def names(row: Mapping[str, object]) -> dict[str, object]:
    """Return all that a template sees of a row.

    `row` is the row itself. A column `my text` is my_text, too, `2nd` is _2nd, and `Input.text` is a part of
    Input, as long as this stands for one column only and is nobody's own name.
    """
    spelled, grouped = _spellings(tuple(row))
    groups = {
        head: SimpleNamespace(**{rest: row[column] for rest, column in parts.items()})
        for head, parts in grouped.items()
    }
    return {"row": row, **groups, **{name: row[column] for name, column in spelled.items()}, **row}


def nothing_for_null(value: object) -> object:
    """Return what a template shows for a value: nothing for null."""
    return "" if value is None else value


def _identifier(column: str) -> str:
    name = re.sub(r"\W", "_", column)
    return f"_{name}" if name[:1].isdecimal() else name


@lru_cache(maxsize=256)
def _spellings(columns: tuple[str, ...]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return which spelling stands for which column, and for `Input.text` which part of `Input`."""
    odd = [column for column in columns if not column.isidentifier()]
    counts = Counter(map(_identifier, odd))
    taken = {*columns, *TAKEN}
    spelled = {
        _identifier(column): column
        for column in odd
        if counts[_identifier(column)] == 1 and _identifier(column) not in taken
    }
    grouped: dict[str, dict[str, str]] = {}
    for column in odd:
        head, dot, rest = column.partition(".")
        if dot and head not in taken and head not in spelled:
            grouped.setdefault(head, {})[rest] = column
    return spelled, grouped
