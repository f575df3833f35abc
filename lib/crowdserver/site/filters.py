"""Money, times and spans as workers read them; the pages' filters."""

from datetime import UTC, datetime
from decimal import Decimal

from flask import Blueprint

from crowdserver.operations.workers import Worker
from crowdserver.protocol.question_form import selection_counts

_PARTS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def money(amount: Decimal) -> str:
    """Return dollars with two decimals: `$0.25`."""
    return f"${amount:,.2f}"


def duration(seconds: float) -> str:
    """Return a span in its two largest parts: `1 hour 30 minutes`. What is over is `no time`."""
    remaining, words = max(0, int(seconds)), []
    for name, size in _PARTS:
        count, remaining = divmod(remaining, size)
        if count:
            words.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(words[:2]) or "no time"


def clock(moment: float) -> str:
    """Return a moment's day and time in UTC: `22 Nov 14:05 UTC`."""
    return f"{datetime.fromtimestamp(moment, UTC):%-d %b %H:%M} UTC"


def iso(moment: float) -> str:
    """Return a moment as ISO 8601 in UTC, for machines."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


def person(worker: Worker) -> str:
    """Return whom a worker is known as: `Ada (A1B2C3)`, or the id alone."""
    return f"{worker.name} ({worker.worker_id})" if worker.name else worker.worker_id


def register(blueprint: Blueprint) -> None:
    """Give the pages these filters."""
    for filter_ in (money, duration, clock, iso, person, selection_counts):
        blueprint.add_app_template_filter(filter_)
