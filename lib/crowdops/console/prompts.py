"""Asking at a terminal: text on stderr, single keys and lines from whoever sits there."""

from __future__ import annotations

import sys
from collections.abc import Collection

import click

from crowdops.errors import UsageError


def require(otherwise: str) -> None:
    """Raise UsageError, which says what else can be done, unless somebody sits at a terminal."""
    if not sys.stdin.isatty():
        raise UsageError(f"There is no terminal to talk on. {otherwise}")


def key(question: str, allowed: Collection[str]) -> str:
    """Return which of these keys was pressed. The end of the input counts as q."""
    click.echo(f"{question} ", nl=False, err=True)
    while True:
        try:
            pressed = click.getchar().lower()
        except EOFError:
            pressed = "q"
        if pressed in allowed:
            click.echo(pressed, err=True)
            return pressed


def line(question: str) -> str:
    """Return the line that was typed, which may be empty."""
    return str(click.prompt(question, default="", show_default=False, err=True)).strip()
