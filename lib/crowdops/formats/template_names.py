"""The names under which a template sees a row: its fields, and spellings for those that are no names.

The task server (taskserver/names.py) has the same rule for itself: it is deployed alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

Row = dict[str, Any]

# What a template can use beside the row's fields. A task server fills them in; inside a HIT nobody knows them
# yet, so the page's own script or the worker site does.
GIVEN = {
    "assignmentId": "",
    "hitId": "",
    "workerId": "",
    "turkSubmitTo": "",
    "submit_url": "/mturk/externalSubmit",
    "preview": False,
}
TAKEN = (*GIVEN, "row", "self")  # the row itself, and what Jinja2 calls the template


def identifier(column: str) -> str:
    """Return a column's name as a template can write it: `my text` is my_text, `2nd` is _2nd."""
    name = re.sub(r"\W", "_", column)
    return f"_{name}" if name[:1].isdecimal() else name


def names(row: Row) -> Row:
    """Return all that a template sees of a row."""
    spelled, grouped = _spellings(tuple(row))
    groups = {
        head: SimpleNamespace(**{rest: row[column] for rest, column in parts.items()})
        for head, parts in grouped.items()
    }
    return {"row": row, **groups, **{name: row[column] for name, column in spelled.items()}, **row}


def known(columns: Iterable[str]) -> set[str]:
    """Return the names that a template may use over these columns."""
    columns = tuple(columns)
    spelled, grouped = _spellings(columns)
    return {*columns, *spelled, *grouped, *TAKEN}


def how_to_write(column: str, columns: Iterable[str]) -> str:
    """Return how a template shows a column."""
    if column.isidentifier():
        return f"{{{{ {column} }}}}"
    by_row = f'{{{{ row["{column}"] }}}}'
    spelled, _ = _spellings(tuple(columns))
    return f"{{{{ {identifier(column)} }}}} or {by_row}" if identifier(column) in spelled else by_row


@lru_cache(maxsize=256)
def _spellings(columns: tuple[str, ...]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return which spelling stands for which column, and for `Input.text` which part of `Input`.

    A spelling that two columns share, or that is a column's own name, stands for none of them.
    """
    odd = [column for column in columns if not column.isidentifier()]
    counts = Counter(map(identifier, odd))
    taken = {*columns, *TAKEN}
    spelled = {
        identifier(column): column
        for column in odd
        if counts[identifier(column)] == 1 and identifier(column) not in taken
    }
    grouped: dict[str, dict[str, str]] = {}
    for column in odd:
        head, dot, rest = column.partition(".")
        if dot and head not in taken and head not in spelled:
            grouped.setdefault(head, {})[rest] = column
    return spelled, grouped
