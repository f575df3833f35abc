"""Moments as people type them: ISO 8601, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from crowdops.errors import UsageError

_UNITS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_WORDS = {"second": "s", "sec": "s", "minute": "min", "m": "min", "hour": "h", "hr": "h"}
_WORDS |= {"day": "d", "week": "w"}
_AGO = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*([a-z]+?)s?(?:\s+ago)?")


def read(text: str, flag: str, now: datetime) -> datetime:
    """Return the moment that a text means, in UTC if it names no zone. UsageError says how to write one."""
    given = text.strip()
    if match := _AGO.fullmatch(given.casefold()):
        number, word = float(match[1]), match[2]
        if unit := _UNITS.get(_WORDS.get(word, word)):
            try:
                return now - number * unit
            except OverflowError:
                raise _refusal(text, flag) from None
    try:
        moment = datetime.fromisoformat(given)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refusal(text, flag) from None


def _refusal(text: str, flag: str) -> UsageError:
    return UsageError(
        f"{flag} {text!r} is no moment. Write it as 2026-11-22, as 2026-11-22T11:45 (UTC), or how long ago:"
        " '2 h', '90 min', '3 days'."
    )
