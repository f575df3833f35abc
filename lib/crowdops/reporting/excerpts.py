"""Texts of strangers in a report: cut, and without the ids of workers where these are not wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crowdops.formats import json_text

MOST_LETTERS = 200
_READ = 1000  # letters that are read before they are cut, so that no part of an id is left at the cut
Conceal = Callable[[str], str]


def as_is(text: str) -> str:
    """Conceal nothing."""
    return text


def beginning(value: Any) -> str:
    """Return as much of a value, as text, as excerpt() reads of it."""
    return (value if isinstance(value, str) else json_text.dumps(value))[:_READ]


def excerpt(value: Any, conceal: Conceal) -> str:
    """Return a value as text of at most MOST_LETTERS, its end cut with an ellipsis."""
    text = conceal(beginning(value))
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
