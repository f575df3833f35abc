"""What workers are owed for a period. Days are those of UTC, and a period ends before its last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from crowdops.config.settings import Settings
from crowdops.console import columns, combinations, output
from crowdops.console.columns import Column
from crowdops.errors import UsageError
from crowdops.providers.crowd_server import people
from crowdops.providers.crowd_server.people import Person
from crowdops.workers import people_view

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Period(NamedTuple):
    """Days from one to another, which is not included."""

    since: date
    until: date


def read_period(month: str | None, since: str | None, until: str | None, today: date | None = None) -> Period:
    """Return the period that options mean; without any, the last whole month. UsageError for none."""
    today = today or datetime.now(UTC).date()
    if month:
        combinations.refuse("with --month", since=since, until=until)
        return _month(month)
    if not since:
        combinations.refuse("without --since", until=until)
        before = today.replace(day=1) - timedelta(days=1)
        return Period(before.replace(day=1), today.replace(day=1))
    period = Period(_day(since, "--since"), _day(until, "--until") if until else today)
    if period.since >= period.until:
        raise UsageError(
            f"There is no day from {period.since} to {period.until}: the last day is not included."
        )
    return period


def in_words(period: Period, today: date | None = None) -> str:
    """Return what a period is, and that it is not over yet if it is not."""
    today = today or datetime.now(UTC).date()
    text = f"Earned from {period.since} to {period.until} (UTC), the last day not included."
    if period.until <= today:
        return text
    return f"{text} It is not over yet: what is approved or paid by its end is still to come."


def write(settings: Settings, period: Period) -> None:
    """Write what each worker earned in a period to stdout, as CSV or as JSON."""
    moments = [datetime.combine(day, time(), UTC) for day in period]
    earners = [person for person in people.people(settings, *moments) if person.earned]
    shown = _columns(period)
    if settings.as_json:
        total = sum(person.earned for person in earners)
        output.document(
            {
                "since": str(period.since),
                "until": str(period.until),
                "total": f"{total:.2f}",
                "earnings": columns.documents(shown, earners),
            }
        )
    else:
        people_view.write_csv(shown, earners)


def _columns(period: Period) -> Sequence[Column[Person]]:
    return [
        Column("worker_id", None, lambda person: person.worker_id),
        Column("name", None, lambda person: person.name),
        Column("since", None, lambda person: str(period.since)),
        Column("until", None, lambda person: str(period.until)),
        Column("approved", None, lambda person: person.approved),
        Column("rewards", None, lambda person: person.rewards),
        Column("bonuses", None, lambda person: person.bonuses),
        Column("total", None, lambda person: person.earned),
    ]


def _month(text: str) -> Period:
    match = _MONTH.fullmatch(text)
    if not match or match[1] in ("0000", "9999"):
        raise UsageError(f"--month {text!r} is no month. Write it as 2026-11.")
    first = date(int(match[1]), int(match[2]), 1)
    return Period(first, (first + timedelta(days=31)).replace(day=1))


def _day(text: str, flag: str) -> date:
    try:
        if _DAY.fullmatch(text) and "1970" <= text < "9999":
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UsageError(f"{flag} {text!r} is no day. Write it as 2026-11-22.")
