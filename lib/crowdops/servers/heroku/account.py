"""A Heroku account: whose it is, what its key may do, and how much room there is."""

from __future__ import annotations

from typing import NamedTuple

from crowdops.config.settings import Settings
from crowdops.providers.heroku import client
from crowdops.servers.heroku.marks import PREFIX

APP_LIMIT = 100  # of an account, and of a team; Heroku raises it on request, and then this is too low


class Credentials(NamedTuple):
    """What a key is good for. `sees_config` is None where there is no app yet to try it on."""

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


def check(settings: Settings) -> Credentials:
    """Read the account of the key; four calls. CredentialsRefused if the key is missing or not accepted."""
    heroku = client.connect(settings.timeout)
    account = heroku.account()
    apps = list(heroku.apps())
    own = [app for app in apps if app.team is None and app.owner == account.email]
    return Credentials(
        email=account.email,
        verified=account.verified,
        calls_left=heroku.rate_limit(),
        apps=len(own),
        apps_left=max(0, APP_LIMIT - len(own)),
        apps_with_our_prefix=sum(app.name.startswith(PREFIX) for app in apps),
        # Heroku does not say what a key may do; one of a lesser scope is refused the config vars.
        sees_config=heroku.visible_config(own[0].id) is not None if own else None,
    )
