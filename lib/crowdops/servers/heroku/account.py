"""A Heroku account: whose it is, what its key may do, and how much room there is."""

from __future__ import annotations

from typing import Any, NamedTuple

from crowdops.config.settings import Settings
from crowdops.errors import AccessDenied
from crowdops.providers.heroku import client
from crowdops.providers.heroku.client import App, Heroku
from crowdops.servers.heroku.marks import PREFIX

APP_LIMIT = 100  # of an account, and of a team; Heroku raises it on request, and then this is too low


class Check(NamedTuple):
    """What was found. `sees_config` is None where there is no app yet to try it on."""

    email: str
    verified: bool
    calls_left: int
    apps: int
    apps_left: int
    apps_with_our_prefix: int
    sees_config: bool | None

    @property
    def can_launch(self) -> bool:
        """Whether a task server could be launched now, as far as can be told by reading."""
        return self.verified and self.apps_left > 0 and self.sees_config is not False


def check(settings: Settings) -> Check:
    """Read the account of the key; four calls. CredentialsRefused if the key is missing or not accepted."""
    heroku = client.connect(settings.timeout)
    account = heroku.account()
    apps = list(heroku.apps())
    own = [app for app in apps if app.team is None and app.owner == account.email]
    return Check(
        *(account.email, account.verified, heroku.rate_limit()),
        *(len(own), max(0, APP_LIMIT - len(own))),
        sum(app.name.startswith(PREFIX) for app in apps),
        _sees_config(heroku, own),
    )


def _sees_config(heroku: Heroku, own: list[App]) -> bool | None:
    """Heroku does not say what a key may do; a key of a lesser scope is refused the config vars of its own app."""
    if not own:
        return None
    try:
        heroku.config_vars(own[0].id)
    except AccessDenied:
        return False
    return True


def as_json(found: Check) -> dict[str, Any]:
    """Return a check as a JSON object."""
    return {**found._asdict(), "can_launch": found.can_launch}


def describe(found: Check) -> str:
    """Return a check in words, one fact a line."""
    sees = {
        True: "yes",
        False: "no: make one with a wider scope",
        None: "not known, there is no app to try it on",
    }
    return "\n".join(
        (
            f"Account:             {found.email}",
            f"May create apps:     {'yes' if found.verified else 'no: add a payment method first'}",
            f"May see config vars: {sees[found.sees_config]}",
            f"Apps:                {found.apps} of its own, {found.apps_left} more of {APP_LIMIT}",
            f"With our prefix:     {found.apps_with_our_prefix}",
            f"API calls left:      {found.calls_left}",
        )
    )
