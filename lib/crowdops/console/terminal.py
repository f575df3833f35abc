"""The terminal that somebody looks at: whether there is one, how wide it is, and what was asked of it."""

from __future__ import annotations

import os
import shutil
import sys
from typing import NamedTuple

STDOUT, STDERR = 1, 2
WHEN = ("auto", "always", "never")
_USUAL_COLUMNS = 80
_WITHOUT_CODES = ("", "dumb", "unknown")  # values of TERM


class Wish(NamedTuple):
    """What the command line says of how things are shown: `color` is one of WHEN."""

    color: str = "auto"
    wide: bool = False


_wishes = [Wish()]  # the last one counts


def configure(wish: Wish) -> None:
    """Show things as a command line says, from now on."""
    _wishes[:] = [wish]


def is_wide() -> bool:
    """Return whether every column was asked for."""
    return _wishes[-1].wide


def is_one(number: int) -> bool:
    """Return whether stdout or stderr is a terminal."""
    stream = sys.stdout if number == STDOUT else sys.stderr
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def obeys(number: int) -> bool:
    """Return whether stdout or stderr is a terminal that can go back in a line and erase it."""
    return is_one(number) and os.environ.get("TERM", "") not in _WITHOUT_CODES


def has_color(number: int) -> bool:
    """Return whether colour is wanted on stdout or stderr. NO_COLOR: https://no-color.org"""
    color = _wishes[-1].color
    if color != "auto":
        return color == "always"
    return obeys(number) and not os.environ.get("NO_COLOR")


def columns(number: int) -> int:
    """Return how many columns a terminal has now; it may have been made wider or narrower meanwhile."""
    if (given := os.environ.get("COLUMNS", "")).isdecimal() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(number).columns or _USUAL_COLUMNS
    except OSError:
        return shutil.get_terminal_size((_USUAL_COLUMNS, 24)).columns


def width(number: int) -> int | None:
    """Return how many columns what goes to stdout or stderr may have; None for what is no terminal."""
    return columns(number) if is_one(number) else None
