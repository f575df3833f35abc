"""A crowd server at Heroku: deployed with a database and a first key, which is shown once."""

from __future__ import annotations

import secrets
import string
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from crowdops.context import Context
from crowdops.errors import Error, UsageError
from crowdops.providers.crowd_server import client
from crowdops.providers.crowd_server.people import NewKey
from crowdops.registry import Server
from crowdops.servers import bundle
from crowdops.servers.heroku import apps, backend, deploy
from crowdops.servers.heroku.deploy import AppPlan, Hosting

ADDON = "heroku-postgresql"
SMALLEST = "essential-0"
# Heroku Dev Center, "Heroku Postgres Essential Tier"; of larger plans no dynos that one would take need more.
CONNECTIONS = {"essential-0": 20, "essential-1": 20, "essential-2": 40}
CONNECTIONS_OF_DYNO = 16  # two processes of eight each: lib/crowdserver/Procfile
NAME = "crowd"
# The address that Heroku's router has for a dyno: it adds the browser's own to X-Forwarded-For.
ROUTER = "10.0.0.0/8"


class Launched(NamedTuple):
    """A crowd server that answers, its first key, and a worker's link; None if that could not be made."""

    server: Server
    key: NewKey
    invitation: str | None


def launch(context: Context, hosting: Hosting, plan: str, *, keep: bool) -> Launched:
    """Deploy a crowd server with a Postgres add-on of this plan, and return once it answers.

    UsageError before anything is created. Fails as backend.launch() does.
    """
    backend.check_hosting(hosting)
    most = CONNECTIONS.get(plan)
    if most and hosting.dynos * CONNECTIONS_OF_DYNO > most:
        raise UsageError(
            f"{hosting.dynos} dynos open up to {hosting.dynos * CONNECTIONS_OF_DYNO} connections to the"
            f" database, and {plan} takes {most}: fewer dynos, or a larger --plan."
        )
    key = _new_key()
    pair = {"CROWD_ACCESS_KEY_ID": key.access_key_id, "CROWD_SECRET_ACCESS_KEY": key.secret_access_key}
    with _folder(context) as folder:
        config = {**pair, "CROWD_TRUSTED_PROXIES": ROUTER}
        app = AppPlan(folder, None, NAME, False, hosting, config, f"{ADDON}:{plan}")
        server = deploy.deploy(context, app, keep=keep, pause=time.sleep)
    return Launched(server, key, _invite(context, server, key))


def update(context: Context, name: str) -> Server:
    """Build this version for a crowd server in the account, and return once it answers. Safe to repeat.

    Its database is brought up as it starts. UsageError if no crowd server of ours has this name.
    """
    crowds = {one.name: one.server for one in apps.survey(context).statuses if one.is_crowd and one.marked}
    if name not in crowds:
        raise UsageError(f"{name} is no crowd server of ours at Heroku. See them: make heroku-status")
    with _folder(context) as folder:
        app = AppPlan(folder, None, NAME, False, Hosting("", 0, ""), {})
        return deploy.rebuild(context, app, crowds[name], pause=time.sleep)


@contextmanager
def _folder(context: Context) -> Iterator[Path]:
    """Provide the folder that a crowd server is deployed from."""
    with tempfile.TemporaryDirectory(prefix=".deploy-", dir=context.settings.home) as place:
        folder = Path(place) / NAME
        bundle.of_crowd(folder)
        yield folder


def _new_key() -> NewKey:
    letters = string.ascii_uppercase + string.digits
    key_id = "CROWD" + "".join(secrets.choice(letters) for _ in range(15))
    return NewKey("first", key_id, secrets.token_urlsafe(30))


def _invite(context: Context, server: Server, key: NewKey) -> str | None:
    """Make the first worker's link. The key is in no file for that."""
    endpoint = (server.url or "").rstrip("/")
    settings = context.settings._replace(environment="local", endpoint=endpoint)
    try:
        return client.invite(settings, key=(key.access_key_id, key.secret_access_key)).url
    except Error as error:
        context.say(f"No worker is invited yet: {error} With the key in place: make invite ARGS='--name Ada'")
        return None
