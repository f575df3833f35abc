"""The run's input rows on disk, each found without reading any other."""

import json
import mmap
from pathlib import Path

from taskserver.errors import FolderError, PageError

OFFSET_BYTES = 8


class Rows:
    """Row i of rows.jsonl by way of rows.offsets.

    Both files are mapped: only what is read gets into memory, threads and forked processes share it without a
    lock, and a read does not give up the interpreter's lock, which under load costs more than the read.
    """

    def __init__(self, folder: Path) -> None:
        self._lines = _map(folder / "rows.jsonl")
        self._offsets = _map(folder / "rows.offsets")
        self._count, rest = divmod(len(self._offsets), OFFSET_BYTES)
        if rest:
            raise FolderError(f"rows.offsets is cut off: its size is not a multiple of {OFFSET_BYTES}")
        self._check_last()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> dict[str, object]:
        """Return the row of one unit. IndexError where there is none, PageError when it is broken."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        try:
            row = json.loads(self._lines[self._start(index) : self._start(index + 1)])
        except ValueError as error:
            raise PageError("row is not JSON") from error
        if not isinstance(row, dict):
            raise PageError("row is not a JSON object")
        return row

    def _start(self, index: int) -> int:
        place = index * OFFSET_BYTES
        if place == len(self._offsets):
            return len(self._lines)
        return int.from_bytes(self._offsets[place : place + OFFSET_BYTES], "little")

    def _check_last(self) -> None:
        """Find out at the start, not at the first worker, that the two files do not belong together."""
        try:
            self[self._count - 1]
        except PageError as error:
            raise FolderError(f"rows.offsets does not fit rows.jsonl: the last {error}") from error


def _map(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise FolderError(f"cannot read {path.name}: {error.strerror}") from error
    except ValueError as error:
        raise FolderError(f"{path.name} is empty") from error
