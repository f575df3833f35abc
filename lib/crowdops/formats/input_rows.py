"""The units' data: rows of a CSV, JSON Lines or JSON file, streamed, and the digest of what was read."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from crowdops.errors import UsageError
from crowdops.formats import csv_files

MAX_CELL = 1_000_000  # characters; a page holds 65,535 bytes, so a longer cell is a broken quote
PIECE = 65_536  # bytes that are read at once
START = 20  # lines that tell how a CSV file is separated
Row = dict[str, Any]


class InputRows:
    """The rows of a data file. Iterating reads the file once, and then its `digest` is known.

    Yields (index, row), the index from 0. A row of a CSV file maps column names to text; one of a JSON file
    is the object as it stands. Rows in which nothing is written are left out: `empty` counts them, and
    `number` is that of the latest row in the file, counted from 1 below the header, the empty ones included.
    UsageError names the row that cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._digest: str | None = None
        self.number = self.empty = 0

    @property
    def has_header(self) -> bool:
        """Whether every row has the columns of the first."""
        return self.path.suffix.lower() in (".csv", ".tsv")

    @property
    def digest(self) -> str:
        """The SHA-256, in hexadecimal, of the bytes that the rows were read from. Only once all were read."""
        assert self._digest is not None, "the rows were not read to the end"
        return self._digest

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        readers = {
            ".csv": _csv,
            ".tsv": _csv,
            ".jsonl": _json_lines,
            ".ndjson": _json_lines,
            ".json": _json,
        }
        reader = readers.get(self.path.suffix.lower())
        if reader is None:
            raise UsageError(
                f"{self.path}: the ending says none of .csv, .tsv, .jsonl, .json, so its format is unknown."
                " Save a spreadsheet as CSV, UTF-8."
            )
        self.number = self.empty = 0
        try:
            with io.BufferedReader(_File(self.path), buffer_size=PIECE) as file:
                for row in reader(self.path, file):
                    self.number += 1
                    if is_empty(row):
                        self.empty += 1
                    else:
                        yield self.number - self.empty - 1, row
                while file.read(PIECE):  # what follows the last row counts, too
                    pass
                self._digest = file.raw.sha256.hexdigest()
        except OSError as error:
            raise UsageError(f"{self.path}: {error.strerror}. Check `data` in run.toml.") from error
        if self.number == self.empty:
            but = f" with anything in them ({self.empty} are empty)" if self.empty else ""
            raise UsageError(f"{self.path} has no rows{but}. A run needs at least one unit.")


def is_empty(row: Row) -> bool:
    """Return whether nothing is written in a row, as in those that a spreadsheet appends."""
    return all(value is None or (isinstance(value, str) and not value.strip()) for value in row.values())


class _File(io.FileIO):
    """A file read in pieces, each of which goes into its digest."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.sha256 = hashlib.sha256()

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        self.sha256.update(memoryview(buffer)[:count])
        return count


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; reads it once, in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _csv(path: Path, file: io.BufferedReader[_File]) -> Iterator[Row]:
    csv.field_size_limit(MAX_CELL)
    byte_lines = _lines(file)
    start = list(islice(byte_lines, START))
    layout = csv_files.layout(b"".join(start).decode("utf-8-sig", "replace"))
    lines = _text_lines(chain(start, byte_lines))
    declared = 1 if layout.before_header else 0  # lines that are no part of the table
    reader = csv.reader(islice(lines, declared, None), delimiter=layout.delimiter, strict=True)
    names: list[str] = []
    row_number = 0
    try:
        for cells in reader:
            if not names:
                names = _header(path, cells)
            elif cells:
                row_number += 1
                place = f"{path}: row {row_number} (line {reader.line_num + declared})"
                yield dict(zip(names, _aligned(place, cells, len(names)), strict=True))
    except csv.Error as error:
        raise UsageError(f"{path}: row {row_number + 1} is not CSV: {error}.") from error
    except UnicodeDecodeError as error:
        place = f"row {row_number + 1}" if names else "the header"
        raise _not_utf8(path, f"{place} (line {reader.line_num + declared + 1})", error) from error


def _aligned(place: str, cells: list[str], columns: int) -> list[str]:
    """Return a row's cells, one a column. UsageError if there are fewer, or some are written beyond."""
    cells = csv_files.fitted(cells, columns)
    if len(cells) != columns:
        raise UsageError(f"{place} has {len(cells)} cells, the header has {columns}.")
    return cells


def _header(path: Path, cells: list[str]) -> list[str]:
    names = csv_files.fitted([cell.strip() for cell in cells], 0)
    if "" in names:
        raise UsageError(f"{path}: column {names.index('') + 1} of the header has no name.")
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"{path}: the header names {', '.join(sorted(twice))} twice.")
    return names


def _json_lines(path: Path, file: io.BufferedReader[_File]) -> Iterator[Row]:
    row_number = 0
    try:
        for text in _text_lines(file):
            if text.strip():
                row_number += 1
                yield _object(path, row_number, _parsed(path, row_number, text))
    except UnicodeDecodeError as error:
        raise _not_utf8(path, f"row {row_number + 1}", error) from error


def _parsed(path: Path, row_number: int, text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{path}: row {row_number} is not JSON: {error}.") from error
    except RecursionError as error:
        raise UsageError(f"{path}: row {row_number} is not JSON: it is nested too deeply.") from error


def _json(path: Path, file: io.BufferedReader[_File]) -> Iterator[Row]:
    import ijson

    if file.peek().startswith(BOM_UTF8):
        file.read(len(BOM_UTF8))
    if file.peek().lstrip().startswith(b"{"):
        raise UsageError(f"{path} has no rows. The file must be one array of objects.")
    row_number = 0
    try:
        for value in ijson.items(file, "item", use_float=True):
            row_number += 1
            yield _object(path, row_number, value)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise UsageError(
            f"{path}: row {row_number + 1} is not JSON: {reason}. The file must be one array."
        ) from error


def _object(path: Path, row_number: int, value: object) -> Row:
    if not isinstance(value, dict):
        raise UsageError(f"{path}: row {row_number} is not an object with named fields.")
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:  # JSON can write one half of a surrogate pair, UTF-8 cannot
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise UsageError(f"{path}: row {row_number} holds half a character ({half}).") from error
    except ValueError as error:
        raise UsageError(
            f"{path}: row {row_number} holds a number that JSON does not have, such as NaN or Infinity,"
            " or one that is too large. Write null or a text, or leave the field out."
        ) from error
    return value


def _lines(file: io.BufferedReader[_File]) -> Iterator[bytes]:
    """Yield a file's lines with their ends, which may be a carriage return alone, as on old Macs."""
    unfinished: list[bytes] = []
    while piece := file.read(PIECE):
        unfinished.append(piece)
        if b"\n" in piece or b"\r" in piece:
            *lines, rest = b"".join(unfinished).splitlines(keepends=True)
            yield from lines
            unfinished = [rest]  # even if it ends: what comes may be the second half of its end
    yield from b"".join(unfinished).splitlines(keepends=True)


def _text_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """Yield lines decoded one by one, so that a broken character can be located."""
    for number, line in enumerate(lines, start=1):
        yield line.decode("utf-8-sig" if number == 1 else "utf-8")


def _not_utf8(path: Path, place: str, error: UnicodeDecodeError) -> UsageError:
    return UsageError(
        f"{path}: {place} is not UTF-8 (byte {error.start + 1} of the line). Save the file as UTF-8."
    )
