"""How the credentials for Heroku are shown."""

from __future__ import annotations

from crowdops.console.columns import Column
from crowdops.servers.heroku.account import APP_LIMIT, Credentials

SEES_CONFIG = {
    True: "yes",
    False: "no: make one with a wider scope",
    None: "not known, there is no app to try it on",
}


def _verified_cell(key: Credentials) -> str:
    return "yes" if key.verified else "no: add a payment method first"


def _apps_cell(key: Credentials) -> str:
    return f"{key.apps} of its own, {key.apps_left} more of {APP_LIMIT}"


def _config_cell(key: Credentials) -> str:
    return SEES_CONFIG[key.sees_config]


CREDENTIALS: list[Column[Credentials]] = [
    Column("email", "Account", lambda key: key.email),
    Column("verified", "May create apps", lambda key: key.verified, _verified_cell),
    Column("sees_config", "May see config vars", lambda key: key.sees_config, _config_cell),
    Column("apps", "Apps", lambda key: key.apps, _apps_cell),
    Column("apps_left", None, lambda key: key.apps_left),
    Column("apps_with_our_prefix", "With our prefix", lambda key: key.apps_with_our_prefix),
    Column("calls_left", "API calls left", lambda key: key.calls_left),
    Column("can_launch", None, lambda key: key.can_launch),
]


def describe(key: Credentials) -> str:
    """Return credentials in words, one fact a line."""
    shown = [column for column in CREDENTIALS if column.heading]
    return "\n".join(f"{f'{column.heading}:':<20} {(column.cell or column.value)(key)}" for column in shown)
