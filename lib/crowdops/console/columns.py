"""What is shown of a thing: one list of columns gives the rows of a table and the keys of a JSON object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from crowdops.console import output

Thing = TypeVar("Thing")


class Column(NamedTuple, Generic[Thing]):
    """One fact of a thing. Without a `key` it is in no JSON object, without a `heading` in no table.

    `cell` gives what a table shows where that is not the value itself.
    """

    key: str | None
    heading: str | None
    value: Callable[[Thing], object]
    cell: Callable[[Thing], object] | None = None


def yes_or_no(fact: bool) -> str:
    """Return a fact as a table shows it."""
    return "yes" if fact else "no"


def table(columns: Sequence[Column[Thing]], things: Iterable[Thing]) -> None:
    """Write things as an aligned table to stdout, a row each; without any, the headings only."""
    output.table(headings(columns), [row(columns, thing) for thing in things])


def either(as_json: bool, key: str, columns: Sequence[Column[Thing]], things: Iterable[Thing]) -> None:
    """Write things as a JSON document, under this key, or as a table."""
    if as_json:
        output.document({key: documents(columns, things)})
    else:
        table(columns, things)


def headings(columns: Sequence[Column[Thing]]) -> list[str]:
    """Return the headings of a table."""
    return [column.heading for column in columns if column.heading is not None]


def row(columns: Sequence[Column[Thing]], thing: Thing) -> list[object]:
    """Return the cells of a thing under the headings."""
    return [(column.cell or column.value)(thing) for column in columns if column.heading is not None]


def document(columns: Sequence[Column[Thing]], thing: Thing) -> dict[str, Any]:
    """Return a thing as a JSON object, its keys in the order of the columns."""
    return {column.key: column.value(thing) for column in columns if column.key is not None}


def documents(columns: Sequence[Column[Thing]], things: Iterable[Thing]) -> list[dict[str, Any]]:
    """Return things as JSON objects."""
    return [document(columns, thing) for thing in things]
