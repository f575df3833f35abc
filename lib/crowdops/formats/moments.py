"""Moments as people type them: ISO 8601, or how long ago."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

from crowdops.errors import UsageError
from crowdops.formats import durations


def read(text: str, flag: str, now: datetime) -> datetime:
    """Return the moment that a text means, in UTC if it names no zone. UsageError says how to write one."""
    given = text.strip()
    with contextlib.suppress(ValueError, OverflowError):
        if not given.isdecimal():  # 20261122 is a day
            return now - timedelta(seconds=durations.seconds(given.casefold().removesuffix("ago")))
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
