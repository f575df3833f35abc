"""How the credentials for Heroku are shown."""

from __future__ import annotations

from crowdops.console.columns import Column
from crowdops.servers.heroku.account import APP_LIMIT, Credentials

_SEES_CONFIG = {
    True: "yes",
    False: "no: make one with a wider scope",
    None: "not known, there is no app to try it on",
}


def _verified_cell(credentials: Credentials) -> str:
    return "yes" if credentials.verified else "no: add a payment method first"


def _apps_cell(credentials: Credentials) -> str:
    return f"{credentials.apps} of its own, {credentials.apps_left} more of {APP_LIMIT}"


CREDENTIALS: list[Column[Credentials]] = [
    Column("email", "Account", lambda found: found.email),
    Column("verified", "May create apps", lambda found: found.verified, _verified_cell),
    Column(
        "sees_config",
        "May see config vars",
        lambda found: found.sees_config,
        lambda found: _SEES_CONFIG[found.sees_config],
    ),
    Column("apps", "Apps", lambda found: found.apps, _apps_cell),
    Column("apps_left", None, lambda found: found.apps_left),
    Column("apps_with_our_prefix", "With our prefix", lambda found: found.apps_with_our_prefix),
    Column("calls_left", "API calls left", lambda found: found.calls_left),
    Column("can_launch", None, lambda found: found.can_launch),
]


def describe(credentials: Credentials) -> str:
    """Return credentials in words, one fact a line."""
    shown = [column for column in CREDENTIALS if column.heading]
    return "\n".join(
        f"{f'{column.heading}:':<20} {(column.cell or column.value)(credentials)}" for column in shown
    )
