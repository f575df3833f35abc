"""Cells and tables as spreadsheets have them."""

import csv
import itertools
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


SIGNS = "=+-@＝＋－＠﹣﹢⁺−"
UNSEEN = (
    "",
    " ",
    "\u00a0",
    "\u3000",
    "\t",
    "\r",
    "\x1f",
    "\u200b",
    "\ufeff",
    "\u202e",
    "\u00ad",
    " \u2060 ",
    "\u3164",
)


def test_no_sign_is_hidden_from_the_apostrophe() -> None:
    for before, sign in itertools.product(UNSEEN, SIGNS):
        text = f"{before}{sign}HYPERLINK(1)"
        assert csv_files.cell(text) == "'" + text.replace("\r", "\n")
        assert csv_files.plain(csv_files.cell(text)) == text.strip()
        if before not in ("\t", "\r"):
            assert csv_files.cell(f"{before}a{sign}1") == f"{before}a{sign}1"


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


HEADERS = [
    "worker_id,amount,note",
    "Worker ID;Amount;note",
    "WorkerId\tAMOUNT\tnote",
    "worker-id,amount,note,,",
]


@pytest.mark.parametrize("header", HEADERS)
def test_known_columns_may_be_spelt_in_any_usual_way(header: str) -> None:
    delimiter = next(sign for sign in ",;\t" if sign in header)
    text = f"{header}\n" + delimiter.join(["A1", "1", "x"]) + "\n"
    [row] = csv_files.parse("table.csv", text, ("worker_id",), ("amount",))
    assert row.cells == {"worker_id": "A1", "amount": "1", "note": "x"}


@pytest.mark.parametrize(
    "name", ["bonsu", "Bonnus", "bonus_usd", "Bonus ($)!x", "feeback", "Feedbacks", "fedback"]
)
def test_a_misspelt_optional_column_is_never_passed_over(name: str) -> None:
    with pytest.raises(UsageError, match="meant to be (bonus|feedback)\\? Write it so"):
        csv_files.parse("t.csv", f"id,{name}\n1,2\n", ("id",), ("bonus", "feedback"))


@pytest.mark.parametrize("name", ["note", "answer.bonus", "input.feedback", "label", "status", "Bonus note"])
def test_other_columns_are_the_users_own(name: str) -> None:
    assert csv_files.parse("t.csv", f"id,bonus,feedback,{name}\n1,2,3,4\n", ("id",), ("bonus", "feedback"))


def test_a_column_in_two_spellings_is_named_twice() -> None:
    with pytest.raises(UsageError, match="the header names worker_id twice"):
        csv_files.parse("t.csv", "worker_id,Worker ID\nA1,A2\n", ("worker_id",))


def test_a_misspelt_required_column_is_guessed_at() -> None:
    with pytest.raises(UsageError, match="no column decision .is it 'decison'\\?.. Nothing was done"):
        csv_files.parse("t.csv", "id,decison\n1,approve\n", ("id", "decision"))
