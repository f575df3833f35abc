"""Colour by meaning, never alone: red for what went wrong, yellow for what is waited for, green for done."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum

from crowdops.console import terminal


class Meaning(Enum):
    """What a word says of a thing. The value is its colour's number (ECMA-48, SGR)."""

    BAD = 31
    WAITING = 33
    GOOD = 32


Colouring = Callable[[str], Meaning | None]  # takes a cell's text

_WORDS = {
    Meaning.BAD: "crashed failed refused rejected missing error errors gone unknown orphans critical",
    Meaning.WAITING: "launching running draining attended detached outstanding waiting creating elsewhere"
    " warning assignable unassignable submitted",
    Meaning.GOOD: "finished done approved reviewed up ok",
}
_MEANINGS = {word: meaning for meaning, words in _WORDS.items() for word in words.split()}


def of_words(text: str) -> Meaning | None:
    """Return what the words of a text mean; the worst of them counts."""
    meanings = {_MEANINGS.get(word) for word in re.findall(r"[a-z]+", text.lower())}
    return next((meaning for meaning in Meaning if meaning in meanings), None)


def good_if_yes(text: str) -> Meaning:
    """Return what an answer means of which yes is good news: no is waited for, anything else is not known."""
    return {"yes": Meaning.GOOD, "no": Meaning.WAITING}.get(text, Meaning.BAD)


def bad_unless_yes(text: str) -> Meaning | None:
    """Return what an answer means of which no is bad news; what is not known is waited for."""
    return {"yes": Meaning.GOOD, "no": Meaning.BAD, "NO": Meaning.BAD, "?": Meaning.WAITING}.get(text)


def bad_if_yes(text: str) -> Meaning | None:
    """Return what an answer means of which yes is bad news."""
    return Meaning.BAD if text == "yes" else None


def paint(text: str, meaning: Meaning | None, number: int) -> str:
    """Return a text for stdout or stderr in the colour of its meaning, if colour is wanted there."""
    if meaning is None or not text or not terminal.has_color(number):
        return text
    return f"\x1b[{meaning.value}m{text}\x1b[0m"
