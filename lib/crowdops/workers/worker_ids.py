"""Workers whom a command names: as arguments, in a file, or on stdin."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from crowdops.errors import UsageError
from crowdops.formats import csv_files


def read(workers: Sequence[str], file: Path | None) -> list[str]:
    """Return the workers of the arguments and of a file, each once; "-" among the arguments is stdin.

    UsageError if that is nobody.
    """
    arguments = [worker_id for worker_id in workers if worker_id != "-"]
    if "-" in workers:
        arguments += _lines(sys.stdin.read())
    worker_ids = named(arguments, file)
    if not worker_ids:
        raise UsageError("Say which workers: as arguments, in a --file, or on stdin as -. Nothing was done.")
    return list(dict.fromkeys(worker_ids))


def named(workers: Sequence[str], file: Path | None) -> list[str]:
    """Return the workers of the arguments and of a file, possibly none."""
    return [*workers, *(_read_file(file) if file else [])]


def _read_file(path: Path) -> list[str]:
    """Return the worker ids of a file: one a line, or a CSV with a column worker_id."""
    if path.suffix.lower() == ".csv":
        return [row.text("worker_id") for row in csv_files.read(path, ("worker_id",))]
    try:
        return _lines(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
