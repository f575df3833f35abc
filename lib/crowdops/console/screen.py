"""A terminal that shows one thing again and again: each time in place of what it showed before."""

from __future__ import annotations

from datetime import datetime

import click

from crowdops.console import layout, terminal

_HOME_AND_ERASE = "\x1b[H\x1b[J"

_blanks: list[str] = []  # one if something is to be set apart
_titles: list[str] = []  # of what is to take the place of all that is shown; at most one


def begin_anew(title: str) -> None:
    """Let what is written next, under this title, take the place of all that a terminal shows.

    Elsewhere it comes after what was written before.
    """
    if terminal.obeys(terminal.STDOUT):
        _titles[:] = [title]
        _blanks.clear()


def set_apart() -> None:
    """Leave a line blank before what a terminal shows next."""
    _blanks[:] = ["\n"]


def begin(number: int) -> None:
    """Write what comes before what is about to be written to stdout or stderr.

    That is a blank line after a table; or the terminal is erased, and gets a title.
    """
    if _blanks and terminal.is_one(number):
        click.echo(_blanks.pop(), nl=False, err=number == terminal.STDERR)
    while _titles:
        title = f"{datetime.now().astimezone():%H:%M:%S} · {_titles.pop()}"
        shown = layout.shorten(title, terminal.columns(terminal.STDOUT))
        click.echo(f"{_HOME_AND_ERASE}{shown}\n", color=True)
