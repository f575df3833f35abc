"""Workers whom a command names: as arguments, in a file, or on stdin; every list is read in one way."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from crowdops.errors import UsageError
from crowdops.formats import csv_files

WORKER_ID = re.compile(r"A[A-Z0-9]{1,63}")  # CustomerId in the API's own model
_COLUMN = "worker_id"
_MOST_NAMED = 5
_BETWEEN = re.compile(r"[\s,;]+")
_QUOTES = "\"'\u201c\u201d\u2018\u2019"


class _Named(NamedTuple):
    """What is meant to be a worker's id, and where it stands."""

    place: str
    text: str


def read(workers: Sequence[str], file: Path | None) -> list[str]:
    """Return the workers of the arguments and of a file, each once; "-" among the arguments is stdin.

    UsageError if that is nobody, and for ids that cannot be ids.
    """
    worker_ids = named(workers, file)
    if not worker_ids:
        raise UsageError("Say which workers: as arguments, in a --file, or on stdin as -. Nothing was done.")
    return worker_ids


def named(workers: Sequence[str], file: Path | None) -> list[str]:
    """Return the workers of the arguments and of a file, each once, possibly none. UsageError as read().

    A list holds ids between blanks, commas or line ends, with or without quotes, and comments from # on; or
    it is a CSV file with a column worker_id, in any usual spelling, of which the other columns do not count.
    """
    names: list[_Named] = []
    for argument in workers:
        if argument == "-":
            names += _read("stdin", csv_files.decode("stdin", sys.stdin.buffer.read()))
        else:
            names += _read_line("argument", argument) or [_Named("argument", argument)]
    if file:
        names += _read(str(file), csv_files.read_text(file))
    _check(names)
    return list(dict.fromkeys(name.text for name in names))


def check(worker_id: str, place: str) -> str:
    """Return a worker's id. UsageError, which begins with a `place`, if it cannot be one."""
    _check([_Named(place, worker_id.strip())])
    return worker_id.strip()


def _read(place: str, text: str) -> list[_Named]:
    """Return what a file names: a list, or a table with a header."""
    text = _without_comments(text)
    if not any(csv_files.spelling(name) == csv_files.spelling(_COLUMN) for name in csv_files.header(text)):
        lines = [_read_line(f"{place}: line {number}", line) for number, line in _numbered(text)]
        return list(itertools.chain.from_iterable(lines))
    rows = csv_files.parse(place, text, (_COLUMN,))
    return [_Named(f"{place}: row {row.number}", _without_mark(row.text(_COLUMN))) for row in rows]


def _without_comments(text: str) -> str:
    """Return a text with its comment lines empty; what stands within quotes is none."""
    lines, quotes = [], 0
    for _, line in _numbered(text):
        is_comment = quotes % 2 == 0 and line.lstrip().startswith("#")
        lines.append("\n" if is_comment else line)
        quotes += 0 if is_comment else line.count('"')
    return "".join(lines)


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.splitlines(keepends=True), start=1)


def _read_line(place: str, line: str) -> list[_Named]:
    words = _BETWEEN.split(line.partition("#")[0])
    return [_Named(place, _without_mark(word)) for word in words if word]


def _without_mark(word: str) -> str:
    return word.partition("#")[0].strip().strip(_QUOTES)


def _check(names: Iterable[_Named]) -> None:
    wrong = [name for name in names if not WORKER_ID.fullmatch(name.text)]
    if not wrong:
        return
    described = [f"{place}: {_describe(text)}" for place, text in wrong[:_MOST_NAMED]]
    more = f"\nand {len(wrong) - _MOST_NAMED} more" if len(wrong) > _MOST_NAMED else ""
    raise UsageError("\n".join(described) + more + "\nNothing was done.")


def _describe(text: str) -> str:
    hint = f" Is it {text.upper()}?" if WORKER_ID.fullmatch(text.upper()) else ""
    what = f"{text!r} is not a worker id" if text else "there is no worker id"
    return f"{what}: A and then capital letters and digits.{hint}"
