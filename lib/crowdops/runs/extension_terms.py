"""What HITs are to get when they are extended, as a command's options say it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from crowdops.errors import UsageError
from crowdops.formats import durations, moments, words
from crowdops.hits import extend


class Terms(NamedTuple):
    """What HITs are to get: more assignments, and more seconds from their end on, or an end at a moment."""

    assignments: int = 0
    seconds: int = 0
    until: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the terms as an order has them."""
        until = self.until and self.until.isoformat()
        return {"assignments": self.assignments, "seconds": self.seconds, "until": until}

    @property
    def is_for_time(self) -> bool:
        """Whether HITs are to be open for longer."""
        return bool(self.seconds or self.until)

    def describe(self) -> str:
        """Return in words what each HIT is to get."""
        parts = [words.count(self.assignments, "more assignment")] if self.assignments else []
        if self.seconds:
            parts.append(f"{durations.words(self.seconds)} more")
        if self.until:
            parts.append(f"time until {self.until:%Y-%m-%dT%H:%M:%SZ}")
        return " and ".join(parts)


def read_terms(assignments: int | None, hours: float | None, until: str | None) -> Terms:
    """Return the terms of a command's options. UsageError if they ask for nothing, or for what cannot be."""
    if hours is not None and until is not None:
        raise UsageError("--hours and --until say the same: give one of them. Nothing was done.")
    if assignments is None and hours is None and until is None:
        raise UsageError("Say what the HITs are to get: --assignments N, --hours H or --until MOMENT.")
    seconds = 0 if hours is None else _read_hours(hours)
    moment = None if until is None else _read_until(until)
    return Terms(assignments or 0, seconds, moment)


def _read_hours(hours: float) -> int:
    """Return hours as seconds. UsageError if a HIT cannot be extended by so many."""
    seconds = hours * 3600
    if not extend.LEAST.total_seconds() <= seconds <= extend.MOST.total_seconds():  # so it is for nan
        raise UsageError(f"--hours {hours:g}: a HIT is extended by a minute at least, and by a year at most.")
    return round(seconds)


def _read_until(until: str) -> datetime:
    """Return the moment that is meant, to the second. UsageError if a HIT cannot be open until then."""
    now = datetime.now(UTC)
    moment = moments.read(until, "--until", now)
    if not extend.LEAST <= moment - now <= extend.MOST:
        raise UsageError(f"--until {until}: that must be within a year, and at least a minute from now.")
    return moment.replace(microsecond=0)
