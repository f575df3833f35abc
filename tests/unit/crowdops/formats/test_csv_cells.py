"""Cells of results, for every text there is."""

import csv
import io

from hypothesis import example, given
from hypothesis import strategies as st

from crowdops.formats.csv_files import cell

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4))
@example(["a\r=1+1", "b\r\nc", "\r", "x\0y"])
@example(["=1+1", "'=1", '"', ","])
def test_a_row_is_read_as_one_row_and_holds_no_formula(values: list[str]) -> None:
    cells = [cell(value) for value in values]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    assert list(csv.reader(io.StringIO(text.getvalue(), newline=""))) == [cells]
    for made in cells:
        assert not made.startswith(DANGEROUS) or made.lstrip("+-")[0].isdigit()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_numbers_are_left_alone(number: object) -> None:
    assert cell(str(number)) == str(number)


def test_other_values_come_as_json() -> None:
    assert [cell(value) for value in (None, 3, True, ["a", "é"], {"a": 1})] == [
        "",
        "3",
        "true",
        '["a", "é"]',
        '{"a": 1}',
    ]
