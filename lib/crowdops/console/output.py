"""What a script writes: data to stdout, talk to stderr."""

from __future__ import annotations

import errno
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import IO, TypeVar

import click

from crowdops.errors import UsageError

Opened = TypeVar("Opened")
CELL_WIDTH = 60  # characters; a longer cell is cut with an ellipsis so that tables stay tables


def say(text: str) -> None:
    """Write talk to stderr, one or more lines. Control characters come out as text.

    If nobody reads stderr any more, because a pipe or a terminal was closed, talk is lost from here on: no
    reason to let go of a run.
    """
    try:
        click.echo("\n".join(clean(line) for line in text.split("\n")), err=True)
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def is_hung_up() -> bool:
    """Return whether stdout is a terminal that was closed. Nothing can be written to it any more."""
    try:
        os.write(1, b"")
    except OSError as error:
        return error.errno == errno.EIO
    return False


def document(value: object) -> None:
    """Write one JSON document to stdout. Times are ISO 8601 in UTC, money is a string."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def either(as_json: bool, value: object, text: str) -> None:
    """Write a JSON document, or the same as text for people, to stdout."""
    if as_json:
        document(value)
    else:
        click.echo(text)


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write rows as an aligned table to stdout; an empty one prints its headers only."""
    from tabulate import tabulate

    assert all(len(row) == len(headers) for row in rows), f"a row does not fit the headers {headers}"
    cells = [[cell(value) for value in row] for row in rows]
    click.echo(tabulate(cells, headers=list(headers), disable_numparse=True))


def pairs(values: Mapping[str, object]) -> None:
    """Write names and values to stdout, one pair a line, however long."""
    width = max(map(len, values))
    for name, value in values.items():
        click.echo(f"{name:<{width}}  {'' if value is None else clean(str(value))}".rstrip())


def cell(value: object) -> str:
    """Return a value as text that cannot break a table: one line, no control characters, bounded."""
    text = "" if value is None else clean(str(_plain(value) if isinstance(value, datetime) else value))
    return text if len(text) <= CELL_WIDTH else text[: CELL_WIDTH - 1] + "…"


def clean(text: str) -> str:
    """Return the text with control characters (escape sequences, newlines) made visible or blank."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\t\r\n" else repr(c)[1:-1] for c in text)


def timestamp(moment: datetime | None) -> str | None:
    """Return a moment as ISO 8601 in UTC with a Z, to the second."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Decimal | Path):
        return str(value)
    raise TypeError(f"not a JSON value: {value!r}")


@contextmanager
def destination(path: Path | None) -> Iterator[IO[str]]:
    """Yield stdout, or a file that appears whole or not at all (written beside it, then renamed).

    A link is followed; a pipe or a device is written to as it is. UsageError if that cannot be done.
    """
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    if path.exists() and not path.is_file():
        with _explained(path, partial(path.open, "w", encoding="utf-8", newline="")) as file:
            yield file
        return
    path = path.resolve()
    handle, name = _explained(path, partial(tempfile.mkstemp, dir=path.parent, prefix=f".{path.name}."))
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _explained(path: Path, open_file: Callable[[], Opened]) -> Opened:
    try:
        return open_file()
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
