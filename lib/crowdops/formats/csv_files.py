"""CSV as spreadsheets write and read it: any separator, and no cell that one takes for a formula."""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from crowdops.errors import UsageError
from crowdops.formats import files, json_text

MAX_CELL = 10_000_000  # characters
DELIMITERS = (",", ";", "\t")  # a spreadsheet's own language decides which one it writes
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*([eE][+-]?\d+)?", re.ASCII)
_LONE_RETURN = re.compile(r"\r(?!\n)")
_SIGNS = ("=", "+", "-", "@")
_MINUS = "\u2212"
_BREAKS = ("\t", "\r", "\n")
_BLANK_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # letters that look like nothing
_DECLARATION = re.compile(r'"?sep=([^\r\n"])"?[ ,;\t]*(\r\n|\r|\n|$)', re.IGNORECASE)
_NEAR = 0.75  # how alike a column's name is to one that is known, for difflib, if it is a misspelling of it


class Layout(NamedTuple):
    """How a CSV text is separated, and how many characters stand before its header to say so (`sep=;`)."""

    delimiter: str
    before_header: int = 0


class Row(NamedTuple):
    """A row of a table: its number, counted from 1 below the header, and its cells by column."""

    number: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return a cell as it was meant: stripped, without the apostrophe that stops formulas."""
        return plain(self.cells.get(column, ""))


def cell(value: object) -> str:
    """Return a value as a CSV cell that no spreadsheet takes for a formula (OWASP, "CSV injection")."""
    text = "" if value is None else value if isinstance(value, str) else json_text.dumps(value)
    # csv does not quote a carriage return that stands alone: a reader would start a new row at it.
    text = _LONE_RETURN.sub("\n", text.replace("\0", ""))
    is_formula = _looks_like_formula(text) and not _NUMBER.fullmatch(text.strip(" "))
    return f"'{text}" if is_formula else text


def _looks_like_formula(text: str) -> bool:
    """Return whether a spreadsheet may take a text for a formula, or for a number with a sign.

    The sign may stand behind what nobody sees, and may be a wide or small one: in some languages they count.
    """
    if text[:1].isalnum() and text.isascii():  # the usual case, which needs no closer look
        return False
    if text.startswith(_BREAKS):
        return True
    first = next((letter for letter in text if not _is_blank(letter)), "")
    return first == _MINUS or unicodedata.normalize("NFKC", first).startswith(_SIGNS)


def _is_blank(letter: str) -> bool:
    """Return whether a letter looks like nothing: white space, control characters, zero width."""
    if letter.isspace() or not letter.isprintable() or letter in _BLANK_LETTERS:
        return True
    return unicodedata.category(letter) in ("Mn", "Me")


def plain(text: str) -> str:
    """Return a cell's text stripped and without the apostrophe that cell() may have put in front."""
    for candidate in (text, text.strip()):  # what follows the apostrophe may itself be white space
        if candidate.startswith("'") and _looks_like_formula(candidate[1:]):
            return candidate[1:].strip()
    return text.strip()


def read(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Return the rows of a CSV file that are not empty. UsageError if the file is malformed. As parse()."""
    return parse(str(path), read_text(path), required, optional)


def read_text(path: Path) -> str:
    """Return the text of a file, without its byte order mark. UsageError if it cannot be read."""
    try:
        return decode(str(path), files.read(path))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}.") from error


def decode(place: str, content: bytes) -> str:
    """Return the text of what was read, without its byte order mark. UsageError if it is no text."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{place}: line {line} is not UTF-8. Save the file as CSV, UTF-8.") from error


def parse(place: str, text: str, required: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Return the rows of a table that are not empty, from the text of a CSV file. `place` names the file.

    Columns are known in any spelling that keeps their letters: Worker ID is worker_id. UsageError for a table
    that is malformed, and for a column that looks like a misspelt one of those that are known and not there;
    all others are the user's own.
    """
    csv.field_size_limit(MAX_CELL)
    found = layout(text, required)
    _check_header(place, text, found, required)
    return list(_rows(place, text, found, (*required, *optional)))


def spelling(name: str) -> str:
    """Return what all spellings of a column's name share: Worker ID, WorkerId, worker_id."""
    return re.sub(r"[\W_]+", "", name).casefold()


def header(text: str) -> list[str]:
    """Return the names in a CSV text's first row."""
    found = layout(text)
    return _first_rows(text[found.before_header :], found.delimiter)[0]


def layout(start: str, required: Sequence[str] = ()) -> Layout:
    """Return how a CSV text is separated, from as much of its beginning as the caller has read.

    What a spreadsheet's own first line says (`sep=;`), else the separator that gives the header the most of
    the required columns, then several, then as many as the first row has cells, then the most.
    """
    if declared := _DECLARATION.match(start):
        return Layout(declared[1], declared.end())
    return Layout(min(DELIMITERS, key=lambda delimiter: _rank(start, delimiter, required)))


def _rank(start: str, delimiter: str, required: Sequence[str]) -> tuple[int, bool, bool, int]:
    header, *first = _first_rows(start, delimiter)
    names = fitted(header, 0)
    fits = not first or len(fitted(first[0], len(names))) == len(names)
    return len(_lacking(required, names)), len(names) < 2, not fits, -len(names)


def _first_rows(start: str, delimiter: str) -> list[list[str]]:
    """Return the header, stripped, and one more row; an empty header where this separator breaks quotes."""
    rows = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, strict=True)
    found: list[list[str]] = []
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                found.append([cell.strip() for cell in row])
            if len(found) == 2:
                break
    except csv.Error:
        return found or [[]]
    return found or [[]]


def fitted(cells: Sequence[str], width: int) -> list[str]:
    """Return a row without the empty cells with which a spreadsheet may fill it up beyond `width`."""
    end = len(cells)
    while end > width and not cells[end - 1].strip():
        end -= 1
    return list(cells[:end])


def _lacking(required: Sequence[str], names: Sequence[str]) -> list[str]:
    spellings = {spelling(name) for name in names}
    return [name for name in required if spelling(name) not in spellings]


def _check_header(place: str, text: str, found: Layout, required: Sequence[str]) -> None:
    header = _first_rows(text[found.before_header :], found.delimiter)[0]
    if lacking := _lacking(required, header):
        columns = " and no column ".join(_and_nearest(name, header) for name in lacking)
        raise UsageError(f"{place} has no column {columns}. Nothing was done.")


def _and_nearest(name: str, names: Sequence[str]) -> str:
    meant = [other for other in names if is_near(other, name)]
    return f"{name} (is it {meant[0]!r}?)" if meant else name


def _cells(place: str, text: str, found: Layout) -> Iterator[list[str]]:
    table = io.StringIO(text[found.before_header :], newline="")
    reader = csv.reader(table, delimiter=found.delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        line = reader.line_num + (1 if found.before_header else 0)
        raise UsageError(f"{place}: line {line} is not CSV: {error}. Nothing was done.") from error


def _rows(place: str, text: str, found: Layout, known: Sequence[str]) -> Iterator[Row]:
    names: list[str] = []
    number = 0
    for cells in _cells(place, text, found):
        if not names:
            names = _known_names(place, fitted([cell.strip() for cell in cells], 0), known)
            continue
        number += 1
        if not any(cell.strip() for cell in cells):
            continue
        cells = fitted(cells, len(names))
        if len(cells) != len(names):
            raise UsageError(
                f"{place}: row {number} has {len(cells)} cells, the header has {len(names)}."
                " Nothing was done."
            )
        yield Row(number, dict(zip(names, cells, strict=True)))


def _known_names(place: str, names: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return a header with the known columns as we spell them. UsageError for misspelt or repeated ones."""
    spellings = {spelling(name): name for name in known}
    columns = [spellings.get(spelling(name), name) for name in names]
    if twice := sorted({name for name in columns if name and columns.count(name) > 1}):
        raise UsageError(f"{place}: the header names {', '.join(twice)} twice. Nothing was done.")
    for name in columns:
        meant = [other for other in known if other not in columns and is_near(name, other)]
        if name not in known and meant:
            raise UsageError(
                f"{place}: is the column {name!r} meant to be {meant[0]}? Write it so, or take it out."
                " Nothing was done."
            )
    return columns


def is_near(name: str, known: str) -> bool:
    """Return whether a column's name looks like a known one: misspelt, or with more words behind it."""
    first_words = "".join(re.findall(r"[^\W_]+", name)[: len(known.split("_"))])
    alike = difflib.SequenceMatcher(None, spelling(name), spelling(known)).ratio() >= _NEAR
    return "." not in name and (alike or first_words.casefold() == spelling(known))
