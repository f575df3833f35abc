"""Cells and tables as spreadsheets have them."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crowdops.errors import UsageError
from crowdops.formats import csv_files

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=30)


@given(TEXTS.filter(lambda text: not text.startswith("'")))
@example("\n")
def test_a_text_comes_back_from_its_cell_and_never_runs(text: str) -> None:
    cell = csv_files.cell(text)
    assert csv_files.plain(cell) == text.strip()
    assert not cell.startswith(("=", "@", "\t", "\r", "\n"))
    assert not cell.startswith(("+", "-")) or set(cell) <= set("+-0123456789.,eE")


@pytest.mark.parametrize("number", ["-1", "+2.5", "1e5", "-3,25"])
def test_numbers_stay_numbers(number: str) -> None:
    assert csv_files.cell(number) == number


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([",", ";", "\t"]), st.lists(st.tuples(TEXTS, TEXTS), min_size=2, max_size=5))
def test_a_table_is_read_whole_in_every_dialect(
    tmp_path: Path, delimiter: str, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path / "table.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([("name", "value"), *rows])
    kept = [(number, row) for number, row in enumerate(rows, start=1) if any(cell.strip() for cell in row)]
    found = csv_files.read(path, ("name", "value"))
    assert [(row.number, (row.cells["name"], row.cells["value"])) for row in found] == kept


@pytest.mark.parametrize(
    "text,amount",
    [("0.5", "0.50"), ("0,50", "0.50"), ("$1.25", "1.25"), ("3", "3.00"), ("0.100", "0.10"), ("2.", "2.00")],
)
def test_money_is_read_as_it_is_written(text: str, amount: str) -> None:
    assert str(csv_files.money(text)) == amount
    assert csv_files.money(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text,why",
    [
        ("0.001", "more than two decimals"),
        ("0", "the amount is 0"),
        ("-1", "not an amount"),
        ("1e3", "not an amount"),
        ("1,000.00", "not an amount"),
        ("١", "not an amount"),
        ("", "not an amount"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        csv_files.money(text)


def test_what_a_table_lacks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a;b\n1;2\n")
    with pytest.raises(UsageError, match="has no column c and no column d"):
        csv_files.read(path, ("a", "c", "d"))
    path.write_text("a,b\n1,2\n3\n")
    with pytest.raises(UsageError, match="row 2 has 1 cells, the header has 2"):
        csv_files.read(path, ("a", "b"))


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\na;b\r\n1,0;2\r\n",
        '\ufeff"sep=|"\na|b\n1,0|2\n',
        "a;b;;\n1,0;2;;\n;;;\n",
        "a;b\n1,0;2;;;\n",
    ],
)
def test_what_a_spreadsheet_adds_is_no_part_of_the_table(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    assert csv_files.read(path, ("a", "b")) == [csv_files.Row(1, {"a": "1,0", "b": "2"})]


def test_a_broken_quote_below_a_declaration_is_found_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('sep=;\na;b\n1;"2"3\n')
    with pytest.raises(UsageError, match="line 3 is not CSV"):
        csv_files.read(path, ("a", "b"))
