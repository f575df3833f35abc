"""What providers answer, made fit to be worked with: read as JSON within limits, without our keys, in words.

A provider may be wrong, broken or hostile. What cannot be read is Unreadable here, at the wall, and nowhere a
KeyError further in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from crowdops.console import output
from crowdops.errors import Unreadable

MOST_VALUES = 200_000  # of one JSON document, which then takes about 40 MB
MOST_PAGES = 10_000  # of one list: a million HITs
MOST_EMPTY_PAGES = 100  # one after another
WORDS = 500  # characters that are shown of what a provider says
LEAST_SECRET = 8  # characters; a shorter one is a word that may stand anywhere
HIDDEN = "[secret]"

_HALVES = re.compile("[\ud800-\udfff]")  # of characters
# A string, or what stands before a value of a list or an object. Of the latter each has at most two strings.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{,]', re.DOTALL)
# What taking an answer apart may raise if something in it is missing, or of another type or size.
MISREAD = (
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    RuntimeError,  # botocore's for a moment that is none, and Python's for a depth that is too great
)


@contextmanager
def taken_apart(whom: str, what: str) -> Iterator[None]:
    """Turn what goes wrong while an answer is taken apart into Unreadable. `what` is what was asked for."""
    try:
        yield
    except MISREAD as error:
        missing = f"{error} is missing" if isinstance(error, KeyError) else ""
        reason = brief(missing or str(error) or type(error).__name__, 100)
        raise Unreadable(
            f"{whom} answered {what} with what cannot be read: {reason}. Try again. If it stays so, that"
            " server is broken, or another one than you mean."
        ) from error


def parse(body: bytes) -> Any:
    """Return the value of a JSON text. ValueError for anything else, and for more than memory should hold."""
    check_size(body)
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def check_size(body: bytes) -> None:
    """Raise ValueError for a JSON text that would take a multiple of its size in memory.

    It is counted as fast as memory is read; only what may have too many values is looked at more closely.
    """
    if sum(body.count(mark) for mark in (b"[", b"{", b",")) <= MOST_VALUES:
        return
    tokens = _TOKEN.finditer(body)
    for number, _ in enumerate(tokens):
        if number > 3 * MOST_VALUES:
            raise ValueError(f"it holds more than {MOST_VALUES} values")


def brief(text: str, most: int = WORDS) -> str:
    """Return a text as it can stand in a message: bounded, on one line, without control characters."""
    line = " ".join(output.clean(text[: 2 * most]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


class Redaction:
    """Cuts our keys out of what a provider returns, and what is no text out of its texts."""

    def __init__(self, *secrets: str | None) -> None:
        self._secrets = [secret for secret in secrets if secret and len(secret) >= LEAST_SECRET]

    def text(self, text: str) -> str:
        """Return a text without the keys. Halves of characters, which no file can hold, become U+FFFD."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        if not _HALVES.search(text):
            return text
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def value(self, value: Any) -> Any:
        """Return a JSON value with the keys cut out of all of its texts. RecursionError if it is too deep."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.value(name): self.value(item) for name, item in value.items()}
        return value


class Pages:
    """Watches over the pages of a list. A list that does not end is Unreadable."""

    def __init__(self, whom: str, what: str) -> None:
        self._whom, self._what = whom, what
        self._tokens: set[str] = set()
        self._empty = 0

    def turn(self, token: str, size: int) -> None:
        """Note the token of the next page, and how many items the present one had."""
        self._empty = 0 if size else self._empty + 1
        if token in self._tokens:
            raise Unreadable(f"{self._whom} sends {self._what} in a circle: it named the same page twice.")
        self._tokens.add(token)
        if len(self._tokens) > MOST_PAGES or self._empty > MOST_EMPTY_PAGES:
            raise Unreadable(f"{self._whom} sends {self._what} without end.")
