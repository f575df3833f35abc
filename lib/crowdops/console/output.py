"""What a script writes: data to stdout, talk to stderr."""

from __future__ import annotations

import errno
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, cast

import click

from crowdops.config.env_file import is_checkout
from crowdops.console import commands, layout, screen, status_line, streams, terminal, times
from crowdops.errors import Error, OutputLost, UsageError
from crowdops.formats import json_text

STDOUT = Path("-")  # as a file to write to
JOINERS = "\u200c\u200d"  # not seen: between letters of some scripts, and within emoji
CELL_WIDTH = 60  # characters; a longer cell is cut with an ellipsis so that tables stay tables


def say(text: str) -> None:
    """Write talk to stderr, one or more lines. Control characters come out as text.

    If stderr cannot be written, because nobody reads it any more or its disk is full, talk is lost from here
    on: no reason to let go of a run.
    """
    try:
        with status_line.hidden():
            screen.begin(terminal.STDERR)
            click.echo(fitted(text, terminal.STDERR), err=True)
    except OSError:
        streams.abandon(2)


def write(text: str) -> None:
    """Write data to stdout, one or more lines. Control characters come out as text.

    OutputLost if it cannot be written.
    """
    write_as_is(fitted(text, terminal.STDOUT))


def lines(text: str) -> str:
    """Return one or more lines, each as clean() returns it."""
    return "\n".join(clean(line) for line in text.split("\n"))


def has_begun() -> bool:
    """Return whether this command has written data to stdout."""
    return streams.has_begun(1)


def fitted(text: str, number: int) -> str:
    """Return lines for stdout or stderr: no control characters, and none wider than a terminal."""
    return layout.wrap(lines(text), terminal.width(number))


def write_as_is(text: str) -> None:
    """Write data to stdout that is known to be fit for it, colours and all. Raises as write() does."""
    streams.begin(1)
    with status_line.hidden(), to_stdout():
        screen.begin(terminal.STDOUT)
        click.echo(text, color=True)  # whoever paints has asked whether colour is wanted


@contextmanager
def to_stdout() -> Iterator[None]:
    """Say of a stdout that cannot be written why not: OutputLost. A reader who had enough is no failure."""
    try:
        yield
    except BrokenPipeError:
        raise
    except UnicodeEncodeError as error:
        letter, lacking = error.object[error.start], error.encoding
        raise OutputLost(
            f"stdout is {lacking} and has no {letter!a}. Write to a file, or set PYTHONIOENCODING=utf-8."
        ) from error
    except OSError as error:
        if is_hung_up():
            raise
        streams.abandon(1)
        why = "is closed" if error.errno == errno.EBADF else f"cannot be written: {error.strerror}"
        raise OutputLost(
            f"stdout {why}. What was done by then stands. Let stdout go elsewhere, such as > /dev/null"
        ) from error


def is_hung_up() -> bool:
    """Return whether stdout is a terminal that was closed. Nothing can be written to it any more."""
    try:
        os.write(1, b"")
    except OSError as error:
        return error.errno == errno.EIO
    return False


def remark(remarks: Iterable[str], *, quiet: bool) -> None:
    """Write remarks to stderr, one a line, unless none are wanted."""
    for text in () if quiet else remarks:
        say(f"Remark: {text}")


def document(value: object) -> None:
    """Write one JSON document to stdout. Times are ISO 8601 in UTC, money is a string."""
    value = value if is_checkout() else _in_place(value)
    as_escapes = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    write_as_is(document_text(value, as_escapes=as_escapes))


def document_text(value: object, *, as_escapes: bool = False) -> str:
    """Return the text of a JSON document, as document() writes it, for a file."""
    return json_text.visible(json.dumps(value, default=_plain, ensure_ascii=as_escapes, indent=2))


def either(as_json: bool, value: object, text: str) -> None:
    """Write a JSON document, or the same as text for people, to stdout."""
    if as_json:
        document(value)
    else:
        write(text)


def pairs(values: Mapping[str, object]) -> None:
    """Write names and values to stdout, one pair a line, however long."""
    width = max(map(len, values))
    for name, value in values.items():
        text = f"{name:<{width}}  {'' if value is None else clean(str(value))}".rstrip()
        write_as_is(layout.wrap(text, terminal.width(terminal.STDOUT), hang=width + 2))


def cell(value: object) -> str:
    """Return a value as text that cannot break a table: one line, no control characters, bounded."""
    text = "" if value is None else clean(str(_plain(value) if isinstance(value, datetime) else value))
    return text if len(text) <= CELL_WIDTH else text[: CELL_WIDTH - 1] + "…"


def line(value: object) -> str:
    """Return a value as one line of printable text for people, times by their clock."""
    return "" if value is None else clean(times.brief(value) if isinstance(value, datetime) else str(value))


def clean(text: str) -> str:
    """Return the text with control characters (escape sequences, newlines) made visible or blank.

    The commands that it proposes are those that can be typed here.
    """
    text = commands.in_place(text)
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _visible(letter) for letter in text)


def _visible(letter: str) -> str:
    if letter in "\t\r\n" or unicodedata.category(letter) == "Zs":
        return " "
    return letter if letter in JOINERS else repr(letter)[1:-1]


def timestamp(moment: datetime | None) -> str | None:
    """Return a moment as ISO 8601 in UTC with a Z, to the second."""
    return None if moment is None else times.iso(moment)


def _in_place(value: object) -> object:
    """Return a JSON value in whose texts the commands are those that can be typed here."""
    if isinstance(value, str):
        return commands.in_place(value)
    if isinstance(value, Mapping):
        return {name: _in_place(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_in_place(inner) for inner in value]
    return value


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Decimal | Path):
        return str(value)
    raise TypeError(f"not a JSON value: {value!r}")


@contextmanager
def destination(path: Path | None) -> Iterator[IO[str]]:
    """Yield stdout, or a file that appears whole or not at all (written beside it, then renamed).

    A link is followed; a pipe or a device is written to as it is. UsageError if it cannot be opened,
    OutputLost if it cannot be written to the end.
    """
    if path is None:
        with _exact_stdout() as file:
            yield file
        return
    with _explained(path, UsageError):
        is_special = path.exists() and not path.is_file()
        path = path if is_special else path.resolve()
        file, draft = _open_as_it_is(path) if is_special else _open_draft(path)
    try:
        with _explained(path, OutputLost), file:
            yield _seen(file)
            file.flush()
            if draft:
                os.fsync(file.fileno())
                draft.replace(path)
    finally:
        if draft:
            draft.unlink(missing_ok=True)


def _open_as_it_is(path: Path) -> tuple[IO[str], None]:
    return path.open("w", encoding="utf-8", newline=""), None


class _Terminal:
    """A terminal that data is written to: it shows control characters and does not obey them."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write a text as it can be seen."""
        return self._file.write(text if text.isprintable() else "".join(map(_shown, text)))

    def flush(self) -> None:
        """Let all of it be seen."""
        self._file.flush()

    def isatty(self) -> bool:
        """It is one."""
        return True


def _seen(file: IO[str]) -> IO[str]:
    """Return a file; of a terminal, what writes to it so that all can be seen."""
    return cast(IO[str], _Terminal(file)) if file.isatty() else file


def _shown(letter: str) -> str:
    is_seen = letter.isprintable() or letter in f"\n\t{JOINERS}" or unicodedata.category(letter) == "Zs"
    return letter if is_seen else repr(letter)[1:-1]


def _open_draft(path: Path) -> tuple[IO[str], Path]:
    """Open a new file beside a path, for nobody else to read."""
    import tempfile

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    return os.fdopen(handle, "w", encoding="utf-8", newline=""), Path(name)


@contextmanager
def _exact_stdout() -> Iterator[IO[str]]:
    """Yield stdout for data, in which a letter that it lacks must not become another."""
    reconfigure = getattr(sys.stdout, "reconfigure", lambda errors: None)
    reconfigure(errors="strict")
    streams.begin(1)
    try:
        with to_stdout():
            yield _seen(sys.stdout)
            sys.stdout.flush()
    finally:
        reconfigure(errors="backslashreplace")


@contextmanager
def _explained(path: Path, kind: type[Error]) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader of a pipe had enough
        raise
    except OSError as error:
        raise kind(f"{path} cannot be written: {error.strerror}.") from error
