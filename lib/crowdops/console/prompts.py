"""Asking at a terminal: text on stderr, single keys and lines from whoever sits there."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator

import click

from crowdops.console import output, terminal
from crowdops.errors import UsageError


def require(otherwise: str) -> None:
    """Raise UsageError, which says what else can be done, unless somebody sits at a terminal."""
    if not sys.stdin.isatty():
        raise UsageError(f"There is no terminal to talk on. {otherwise}")


def key(question: str, allowed: str, compose: Callable[[], str]) -> str:
    """Return which of these keys was pressed. The end of the input counts as q.

    Several that come at once, as when something is pasted, are none: nobody meant them all.
    `compose` returns what the question is about, for the terminal as it is: shown now, and again whenever the
    window has changed its size.
    """

    def text() -> str:
        whole = "\n".join([compose(), question])
        return f"{output.fitted(whole, terminal.STDERR)} "

    click.echo(text(), nl=False, err=True)
    with answered(), _on_resize(lambda: _show_again(text())):
        while True:
            try:
                pressed = click.getchar().lower() or "q"  # of a terminal that is gone nothing can be read
            except EOFError:
                pressed = "q"
            if pressed in list(allowed):
                break
    click.echo(pressed, err=True)
    return pressed


@contextlib.contextmanager
def _on_resize(show: Callable[[], None]) -> Iterator[None]:
    """Show something again when the window has changed its size. For the main thread, which waits."""
    before = signal.signal(signal.SIGWINCH, lambda number, frame: show())
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _show_again(text: str) -> None:
    """Write a text in place of what stands on a terminal that takes single keys: it ends no line itself."""
    before = "\x1b[H\x1b[J" if terminal.obeys(terminal.STDERR) else "\n"
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.write(terminal.STDERR, (before + text).replace("\n", "\r\n").encode(errors="replace"))


def line(question: str) -> str:
    """Return the line that was typed, which may be empty."""
    text = output.fitted(question, terminal.STDERR)
    with answered():
        return str(click.prompt(text, default="", show_default=False, err=True)).strip()


def is_confirmed(question: str) -> bool:
    """Return whether the answer is yes."""
    with answered():
        return click.confirm(output.fitted(question, terminal.STDERR), default=False, err=True)


@contextlib.contextmanager
def answered() -> Iterator[None]:
    """End the line of a question that Ctrl-C or Ctrl-D leaves open: what is said next begins another."""
    try:
        yield
    except (click.Abort, KeyboardInterrupt):
        with contextlib.suppress(OSError):  # the terminal may be gone
            click.echo(err=True)
        raise
