"""What Heroku's API tells of, as values, and what a dyno costs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

HOURS_IN_BILLED_MONTH = 720
# US dollars a month for one dyno that is never scaled down, as the official CLI 11.10.0 lists them (read
# 2026-11-22). Eco dynos share a pool of hours that is paid for once, so one more of them costs nothing.
DOLLARS_PER_MONTH = {
    "eco": Decimal(0),
    "basic": Decimal(7),
    "standard-1x": Decimal(25),
    "standard-2x": Decimal(50),
    "performance-m": Decimal(250),
    "performance-l": Decimal(500),
}


class Account(NamedTuple):
    """Whose key it is. An account that is not verified has no payment method and cannot create apps."""

    email: str
    verified: bool


class App(NamedTuple):
    """An app as the API shows it. `owner` is an email address; that of a team's app is the team's address.

    `web_url` is where it is served; it cannot be told from the name.
    """

    id: str
    name: str
    owner: str
    team: str | None
    web_url: str | None
    created_at: datetime
    maintenance: bool


class Build(NamedTuple):
    """`status` is pending, succeeded or failed; `release_id` is known once it succeeded."""

    id: str
    status: str
    output_url: str
    release_id: str | None


class Formation(NamedTuple):
    """How many dynos of a process type there should be; these are what is billed."""

    process_type: str
    quantity: int
    size: str


class Dyno(NamedTuple):
    """`state` is crashed, down, idle, starting or up."""

    name: str
    process_type: str
    state: str


def dyno_dollars(size: str, quantity: int, seconds: float) -> Decimal | None:
    """Return what so many dynos of a size cost in that time, in US dollars; None for an unknown size."""
    monthly = DOLLARS_PER_MONTH.get(size.lower())
    if monthly is None:
        return None
    return monthly * quantity * Decimal(seconds) / (HOURS_IN_BILLED_MONTH * 3600)


def read_app(answer: Mapping[str, Any]) -> App:
    """Return the app in an answer of the API."""
    return App(
        id=answer["id"],
        name=answer["name"],
        owner=(answer["owner"] or {}).get("email", ""),
        team=answer["team"]["name"] if answer.get("team") else None,
        web_url=answer["web_url"],
        created_at=datetime.fromisoformat(answer["created_at"]),
        maintenance=answer["maintenance"],
    )


def read_build(answer: Mapping[str, Any]) -> Build:
    """Return the build in an answer of the API."""
    release = answer.get("release") or {}
    return Build(answer["id"], answer["status"], answer["output_stream_url"], release.get("id"))
