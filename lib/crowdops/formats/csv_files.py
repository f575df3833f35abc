"""CSV as spreadsheets write and read it: any separator, and no cell that one takes for a formula."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from crowdops.errors import UsageError

MAX_CELL = 10_000_000  # characters
DELIMITERS = (",", ";", "\t")  # a spreadsheet's own language decides which one it writes
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*([eE][+-]?\d+)?", re.ASCII)
_LONE_RETURN = re.compile(r"\r(?!\n)")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_MONEY = re.compile(r"\$?\s*(\d{1,9})(?:[.,](\d*))?", re.ASCII)


class Row(NamedTuple):
    """A row of a table: its number, counted from 1 below the header, and its cells by column."""

    number: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return a cell as it was meant: stripped, without the apostrophe that stops formulas."""
        return plain(self.cells.get(column, ""))


def cell(value: object) -> str:
    """Return a value as a CSV cell that no spreadsheet takes for a formula (OWASP, "CSV injection")."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # csv does not quote a carriage return that stands alone: a reader would start a new row at it.
    text = _LONE_RETURN.sub("\n", text.replace("\0", ""))
    dangerous = text.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text)
    return f"'{text}" if dangerous else text


def plain(text: str) -> str:
    """Return a cell's text stripped and without the apostrophe that cell() may have put in front."""
    for candidate in (text, text.strip()):  # what follows the apostrophe may itself be white space
        if candidate.startswith("'") and candidate[1:].startswith(_FORMULA_STARTS):
            return candidate[1:].strip()
    return text.strip()


def read(path: Path, required: Sequence[str]) -> list[Row]:
    """Return the rows of a CSV file that are not empty. UsageError if the file is malformed.

    The separator is the one that gives the header all required columns, and the most columns.
    """
    csv.field_size_limit(MAX_CELL)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}: line {line} is not UTF-8. Save the file as CSV, UTF-8.") from error
    delimiter = _delimiter(path, text, required)
    return list(_rows(path, text, delimiter))


def _delimiter(path: Path, text: str, required: Sequence[str]) -> str:
    headers = {delimiter: _header(text, delimiter) for delimiter in DELIMITERS}
    lacking = {
        delimiter: [name for name in required if name not in names] for delimiter, names in headers.items()
    }
    best = min(DELIMITERS, key=lambda delimiter: (len(lacking[delimiter]), -len(headers[delimiter])))
    if lacking[best]:
        raise UsageError(f"{path} has no column {' and no column '.join(lacking[best])}. Nothing was done.")
    return best


def _header(text: str, delimiter: str) -> list[str]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [name.strip() for name in next((row for row in rows if row), [])]


def _cells(path: Path, text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise UsageError(f"{path}: line {reader.line_num} is not CSV: {error}. Nothing was done.") from error


def _rows(path: Path, text: str, delimiter: str) -> Iterator[Row]:
    names: list[str] = []
    number = 0
    for cells in _cells(path, text, delimiter):
        if not names:
            names = [cell.strip() for cell in cells]
            if twice := sorted({name for name in names if name and names.count(name) > 1}):
                raise UsageError(f"{path}: the header names {', '.join(twice)} twice. Nothing was done.")
            continue
        number += 1
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(names):
            raise UsageError(
                f"{path}: row {number} has {len(cells)} cells, the header has {len(names)}. Nothing was done."
            )
        yield Row(number, dict(zip(names, cells, strict=True)))


def money(text: str) -> Decimal:
    """Return dollars as a spreadsheet writes them: 0.5, 0,50 or $0.50. ValueError says what is wrong."""
    match = _MONEY.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not an amount of dollars, such as 0.50")
    cents = (match[2] or "").rstrip("0")
    if len(cents) > 2:
        raise ValueError(f"{text!r} has more than two decimals")
    amount = Decimal(f"{match[1]}.{cents.ljust(2, '0')}")
    if not amount:
        raise ValueError("the amount is 0; the smallest is 0.01")
    return amount
