"""One list of columns gives a table's rows and a JSON object's keys."""

from typing import NamedTuple

import pytest

from crowdops.console import columns
from crowdops.console.columns import Column


class Thing(NamedTuple):
    name: str
    size: int
    parts: dict[str, int]


COLUMNS: list[Column[Thing]] = [
    Column("name", "what", lambda thing: thing.name),
    Column("size", "how big", lambda thing: thing.size, lambda thing: f"{thing.size} cm"),
    Column("parts", None, lambda thing: thing.parts),
    Column(None, "parts", lambda thing: len(thing.parts)),
]
THINGS = [Thing("table", 80, {"leg": 4, "top": 1}), Thing("stone", 5, {})]


def test_a_table_has_the_columns_with_a_heading_and_their_cells(capsys: pytest.CaptureFixture[str]) -> None:
    columns.table(COLUMNS, THINGS)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["what", "how", "big", "parts"]
    assert lines[2:] == [["table", "80", "cm", "2"], ["stone", "5", "cm", "0"]]


def test_without_things_there_are_the_headings(capsys: pytest.CaptureFixture[str]) -> None:
    columns.table(COLUMNS, [])
    assert capsys.readouterr().out.split() == ["what", "how", "big", "parts", *["-" * n for n in (6, 9, 7)]]


def test_a_document_has_the_columns_with_a_key_in_their_order_and_the_values_themselves() -> None:
    assert columns.documents(COLUMNS, THINGS) == [
        {"name": "table", "size": 80, "parts": {"leg": 4, "top": 1}},
        {"name": "stone", "size": 5, "parts": {}},
    ]
    assert list(columns.document(COLUMNS, THINGS[0])) == ["name", "size", "parts"]
