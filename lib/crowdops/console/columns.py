"""What is shown of a thing: one list of columns gives the rows of a table and the keys of a JSON object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto
from typing import Any, Generic, NamedTuple, TypeVar

from crowdops.console import output, tables, terminal
from crowdops.console.colour import Colouring
from crowdops.console.tables import Look

Thing = TypeVar("Thing")


class Show(Enum):
    """Where a column with a heading is shown. Pipes and --wide get the same columns."""

    ALWAYS = auto()
    WIDE = auto()  # not at a terminal without --wide
    BRIEF = auto()  # only at a terminal without --wide


class Column(NamedTuple, Generic[Thing]):
    """One fact of a thing. Without a `key` it is in no JSON object, without a `heading` in no table.

    `cell` gives what a table shows where that is not the value itself. An id is never shortened. `meaning`
    gives the colour of a cell at a terminal.
    """

    key: str | None
    heading: str | None
    value: Callable[[Thing], object]
    cell: Callable[[Thing], object] | None = None
    show: Show = Show.ALWAYS
    is_id: bool = False
    meaning: Colouring | None = None


def yes_or_no(fact: bool) -> str:
    """Return a fact as a table shows it."""
    return "yes" if fact else "no"


def table(
    columns: Sequence[Column[Thing]],
    things: Iterable[Thing],
    *,
    urgency: Callable[[Thing], int] | None = None,
) -> None:
    """Write things as an aligned table to stdout, a row each; without any, the headings only.

    At a terminal it is as wide as that, and the least `urgency` comes first.
    """
    shown = _of_table(columns)
    ordered = sorted(things, key=urgency) if urgency and terminal.is_one(terminal.STDOUT) else things
    looks = [Look(column.heading or "", column.is_id, column.meaning) for column in shown]
    tables.write(looks, [row(shown, thing) for thing in ordered])


def _of_table(columns: Sequence[Column[Thing]]) -> list[Column[Thing]]:
    """Return the columns of a table on stdout as it is now."""
    is_whole = terminal.is_wide() or not terminal.is_one(terminal.STDOUT)
    hidden = Show.BRIEF if is_whole else Show.WIDE
    return [column for column in columns if column.heading is not None and column.show is not hidden]


def either(
    as_json: bool,
    key: str,
    columns: Sequence[Column[Thing]],
    things: Iterable[Thing],
    *,
    urgency: Callable[[Thing], int] | None = None,
) -> None:
    """Write things as a JSON document, under this key, or as a table."""
    if as_json:
        output.document({key: documents(columns, things)})
    else:
        table(columns, things, urgency=urgency)


def row(columns: Sequence[Column[Thing]], thing: Thing) -> list[object]:
    """Return the cells of a thing."""
    return [(column.cell or column.value)(thing) for column in columns]


def document(columns: Sequence[Column[Thing]], thing: Thing) -> dict[str, Any]:
    """Return a thing as a JSON object, its keys in the order of the columns."""
    return {column.key: column.value(thing) for column in columns if column.key is not None}


def documents(columns: Sequence[Column[Thing]], things: Iterable[Thing]) -> list[dict[str, Any]]:
    """Return things as JSON objects."""
    return [document(columns, thing) for thing in things]
