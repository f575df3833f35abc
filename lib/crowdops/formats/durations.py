"""Durations as people write and read them: "31 days", "30 min", "1 h 30 min"."""

from __future__ import annotations

import re
from decimal import Decimal

SECONDS = {"day": 86400, "h": 3600, "min": 60, "s": 1}
_UNITS = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "min": ("min", "mins", "m", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "day": ("d", "day", "days"),
    "week": ("w", "week", "weeks"),
}
_SECONDS_OF = {word: SECONDS.get(unit, 7 * 86400) for unit, words in _UNITS.items() for word in words}
_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([a-z]+)\s*(?:(?:,|and\b)\s*(?=[0-9]))?", re.IGNORECASE)
EXAMPLES = '"31 days", "30 min" or "1 h 30 min"'


def seconds(text: str) -> int:
    """Return how many seconds a text means: a bare number, or numbers with units, each unit once.

    ValueError if it means none, or no whole number of them.
    """
    if re.fullmatch(r"\s*[0-9]{1,12}\s*", text):
        return int(text)
    total, position, units = Decimal(0), 0, set()
    rest = text.strip()
    while match := _PART.match(rest, position):
        worth = _SECONDS_OF.get(match[2].lower())
        if worth is None or worth in units:
            break
        units.add(worth)
        total += Decimal(match[1]) * worth
        position = match.end()
    if not units or position < len(rest) or total != int(total):
        raise ValueError(f"{text!r} is no duration such as {EXAMPLES}")
    return int(total)


def words(duration: float) -> str:
    """Return a duration exactly, to the second: "31 days", "1 h 30 min"."""
    rest, parts = round(duration), []
    for unit, worth in SECONDS.items():
        number, rest = divmod(rest, worth)
        if number:
            parts.append(f"{number} {unit}{'s' if unit == 'day' and number != 1 else ''}")
    return " ".join(parts) or "0 s"


def roughly(duration: float) -> str:
    """Return a duration in its largest unit, as one says it: "40 s", "9 min", "17 h", "6 days"."""
    whole = abs(round(duration))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours = round(whole / 3600)
    if hours < 48:
        return f"{hours} h"
    return f"{round(whole / 86400)} days"
