"""The three standard streams as a script is given them: closed, full, or unable to write every letter."""

from __future__ import annotations

import os
import select
import sys
from typing import IO

_abandoned: set[int] = set()
_begun: set[int] = set()


def settle() -> None:
    """Give every stream that is closed a file, and let stdout write letters that it does not have as escapes.

    Otherwise the next file that is opened would be taken for the stream. Nothing comes from a closed stdin;
    writing to a closed stdout fails, as it should; what goes to a closed stderr is lost.
    """
    _begun.clear()
    if sys.stdin is None:
        sys.stdin = _stand_in(0, "r", os.O_RDONLY)
    if sys.stdout is None:
        sys.stdout = _stand_in(1, "w", os.O_RDONLY)  # for reading only: so that writing fails
    if sys.stderr is None:
        sys.stderr = _stand_in(2, "w", os.O_WRONLY)
        _abandoned.add(2)
    # Not those of a test, which need not be files.
    if (reconfigure := getattr(sys.stdout, "reconfigure", None)) is not None:
        reconfigure(errors="backslashreplace")


def abandon(number: int) -> None:
    """Let whatever is written to a stream from now on, and what it has not written yet, go nowhere."""
    _abandoned.add(number)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def begin(number: int) -> None:
    """Remember that something was written to a stream."""
    _begun.add(number)


def has_begun(number: int) -> bool:
    """Return whether this command has written something to a stream."""
    return number in _begun


def finish() -> None:
    """Write what is still to be written. What cannot be is lost: the interpreter would complain of it."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            abandon(number)


def reader_has_left(seconds: float) -> bool:
    """Wait so long, or until nobody reads what is written to stdout any more. Return whether that is so."""
    watch = select.poll()
    watch.register(1, 0)  # for nothing but the end
    return bool(watch.poll(seconds * 1000))


def is_abandoned(number: int) -> bool:
    """Return whether nobody sees what is written to a stream."""
    return number in _abandoned


def _stand_in(number: int, mode: str, access: int) -> IO[str]:
    """Return an empty file that is open in place of a stream, under the stream's number if that is free."""
    opened = os.open(os.devnull, access)
    try:
        os.fstat(number)
    except OSError:
        os.dup2(opened, number)
        os.close(opened)
        opened = number
    if opened == number:
        os.set_inheritable(number, True)
    return open(opened, mode, encoding="utf-8", errors="backslashreplace")
