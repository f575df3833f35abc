"""Moments as people read them: by the clock on their wall, with how far off that is.

JSON, pipes and files have ISO 8601 in UTC instead.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from crowdops.console import terminal
from crowdops.formats import durations

_ISO = re.compile(r"\b[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z")


def iso(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC with a Z, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def said(moment: datetime) -> str:
    """Return a moment for a sentence: by the local clock with its distance at a terminal, else ISO."""
    is_read = terminal.is_one(terminal.STDOUT) and terminal.is_one(terminal.STDERR)
    return spoken(moment) if is_read else iso(moment)


def spoken(moment: datetime, now: datetime | None = None) -> str:
    """Return a moment by the local clock, and how far off it is: "16:11, in 9 min"."""
    now = now or datetime.now(UTC)
    away = (moment - now).total_seconds()
    distance = durations.roughly(away)
    return f"{_by_clock(moment, now)}, {f'in {distance}' if away > 0 else f'{distance} ago'}"


def by_clock(moment: datetime) -> str:
    """Return a moment by the local clock, with its date unless that is today's."""
    return _by_clock(moment, datetime.now(UTC))


def brief(moment: datetime, now: datetime | None = None) -> str:
    """Return a moment for a cell: of today as spoken(), of another day without the distance."""
    now = now or datetime.now(UTC)
    is_today = moment.astimezone().date() == now.astimezone().date()
    return spoken(moment, now) if is_today else _by_clock(moment, now)


def localized(text: str) -> str:
    """Return a text for people in which ISO times in UTC are those of the local clock."""
    now = datetime.now(UTC)
    return _ISO.sub(lambda found: _by_clock(datetime.fromisoformat(found[0]), now), text)


def _by_clock(moment: datetime, now: datetime) -> str:
    local, today = moment.astimezone(), now.astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%b}{year} {local:%H:%M}"
