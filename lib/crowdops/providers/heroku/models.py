"""What Heroku's API tells of, as values, and what a dyno costs."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from crowdops.providers import fields

HOURS_IN_BILLED_MONTH = 720
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
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


class Addon(NamedTuple):
    """An add-on of an app; `state` is provisioning, provisioned or deprovisioned."""

    id: str
    name: str
    state: str


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


# Each of the following takes an answer of the API apart. KeyError, TypeError or ValueError if it is not as
# its schema says.


def read_account(answer: Any) -> Account:
    """Return the account in an answer of the API."""
    return Account(fields.text(answer, "email"), fields.flag(answer, "verified"))


def read_app(answer: Any) -> App:
    """Return the app in an answer of the API."""
    owner, team = answer["owner"] or {}, answer.get("team")
    return App(
        id=_name(answer, "id"),
        name=_name(answer, "name"),
        owner=fields.text_or_none(owner, "email") or "",
        team=fields.text(team, "name") if team else None,
        web_url=fields.text_or_none(answer, "web_url"),
        created_at=fields.moment(answer, "created_at"),
        maintenance=fields.flag(answer, "maintenance"),
    )


def read_config(answer: Any) -> dict[str, str]:
    """Return the config vars in an answer of the API."""
    return {name: fields.text(answer, name) for name in fields.an_object(answer)}


def read_source(answer: Any) -> tuple[str, str]:
    """Return where a source is put, and where it is fetched from, as an answer of the API says."""
    blob = answer["source_blob"]
    return fields.text(blob, "put_url"), fields.text(blob, "get_url")


def read_build(answer: Any) -> Build:
    """Return the build in an answer of the API."""
    release_id = fields.text_or_none(answer.get("release") or {}, "id")
    output_url = fields.text(answer, "output_stream_url")
    return Build(fields.text(answer, "id"), fields.text(answer, "status"), output_url, release_id)


def read_addon(answer: Any) -> Addon:
    """Return the add-on in an answer of the API."""
    return Addon(fields.text(answer, "id"), fields.text(answer, "name"), fields.text(answer, "state"))


def read_formation(answer: Any) -> Formation:
    """Return how a process type is scaled, as an answer of the API says."""
    quantity = fields.number(answer, "quantity")
    return Formation(fields.text(answer, "type"), quantity, fields.text(answer, "size"))


def read_dyno(answer: Any) -> Dyno:
    """Return the dyno in an answer of the API."""
    return Dyno(fields.text(answer, "name"), fields.text(answer, "type"), fields.text(answer, "state"))


def _name(answer: Any, name: str) -> str:
    """Return what names an app: it becomes part of paths, of file names and of tables."""
    value = fields.text(answer, name)
    if not _NAME.fullmatch(value):
        raise ValueError(f"{name} names no app")
    return value
