"""Task servers at Heroku: launched for a run, looked at, restarted and taken down."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings, find, lookup, variable
from crowdops.console import output
from crowdops.context import Context
from crowdops.errors import NotFound, ProviderError, ServerFailed, Unreachable, UsageError, nearest
from crowdops.providers.heroku import client
from crowdops.registry import Run, Server
from crowdops.servers import app_files, bundle
from crowdops.servers.heroku import apps, deploy
from crowdops.servers.heroku.apps import survey, take_down, why_left
from crowdops.servers.heroku.deploy import AppPlan, Hosting
from crowdops.servers.heroku.marks import KIND, is_our_name
from crowdops.servers.status import is_answering, known_servers

__all__ = [  # as a Backend
    "is_answering",
    "is_our_name",
    "launch",
    "restart",
    "survey",
    "take_down",
    "why_left",
]

SINGLE_DYNO_SIZES = ("eco", "basic")
# Heroku Dev Center, "Dyno types"; and the families whose members depend on the space that an app is in.
SIZES = (
    "eco",
    "basic",
    "standard-1x",
    "standard-2x",
    "performance-m",
    "performance-l",
    "performance-l-ram",
    "performance-xl",
    "performance-2xl",
)
_OTHER_SIZES = re.compile(r"(private|shield)-[a-z0-9-]+|dyno-[0-9]+c-[0-9.]+gb")
_FORMER_SIZES = {"free": "eco", "hobby": "basic"}
HOSTING_PARAMETERS = ("dyno_size", "dynos", "team")
MOST_DYNOS = 100


def hosting_changes(flags: Mapping[str, str]) -> dict[str, Any]:
    """Return what --set flags say of an app's dynos and owner, by parameter name.

    UsageError for anything else.
    """
    changes: dict[str, Any] = {}
    for name, text in flags.items():
        if name not in HOSTING_PARAMETERS:
            raise UsageError(f"--set {name}: a server has {', '.join(HOSTING_PARAMETERS)}.")
        if name == "dynos" and not (text.isdecimal() and 1 <= int(text) <= MOST_DYNOS):
            raise UsageError(f"dynos {text!r} is not a whole number from 1 to {MOST_DYNOS}.")
        changes[name] = int(text) if name == "dynos" else text
    return changes


def read_hosting(flags: Mapping[str, str]) -> Hosting:
    """Return what an app runs on that serves no run: flags, environment, .env, defaults."""
    values = {name: lookup(find(name), flags).value or "" for name in HOSTING_PARAMETERS}
    changes = hosting_changes({**values, **flags})
    return Hosting(changes["dyno_size"], changes["dynos"], changes["team"])


def check(parameters: Parameters, settings: Settings) -> None:
    """UsageError, or CredentialsRefused, if a run's app cannot be made, as far as can be told by looking."""
    check_hosting(Hosting(parameters.dyno_size, parameters.dynos, parameters.team))
    _database(parameters)
    client.connect(settings.timeout)


def launch(context: Context, run: Run, token: str, *, keep: bool, should_stop: Callable[[], bool]) -> Server:
    """Deploy a run's task server, as Backend.launch() says.

    ServerFailed tells the end of the log. Another ProviderError if Heroku refuses: no app is left then,
    either, unless `keep`. UsageError before anything is created.
    """
    if standing := _standing(context, run.run_id):
        return standing
    parameters = run.parameters
    hosting = Hosting(parameters.dyno_size, parameters.dynos, parameters.team)
    secrets = {"CROWDOPS_RUN_TOKEN": token, **_database(parameters)}
    check_hosting(hosting)
    folder = bundle.of_run(context, run)
    own_app = parameters.app_dir is not None
    plan = AppPlan(folder, run.run_id, run.task_name, own_app, hosting, secrets)
    return deploy.deploy(context, plan, keep=keep, pause=deploy.pausing(should_stop))


def launch_app(context: Context, app_dir: Path, hosting: Hosting, *, keep: bool = False) -> Server:
    """Deploy somebody's own app, for no run, and return once it answers. Fails as launch() does."""
    check_hosting(hosting)
    output.remark(app_files.remarks(app_dir), quiet=context.settings.quiet)
    with tempfile.TemporaryDirectory(prefix=".deploy-", dir=context.settings.home) as place:
        folder = Path(place) / "app"
        bundle.copy_app(app_dir, folder)
        plan = AppPlan(folder, None, app_dir.resolve().name, True, hosting, {})
        return deploy.deploy(context, plan, keep=keep, pause=time.sleep)


def restart(context: Context, server: Server) -> Server:
    """Scale a server as the registry has it now, and start its dynos anew.

    ServerFailed if it stays down, Unreachable if Heroku does not answer.
    """
    heroku, app_id = client.connect(context.settings.timeout), server.detail.get("app_id", server.name)
    server = known_servers(context.registry, KIND).get(server.name, server)
    try:
        app = heroku.app(app_id)
        # A registry that was made again from the marks does not know the size: it stays as it is.
        deploy.scale(heroku, app, server.detail.get("size"), server.detail.get("dynos", 1))
        heroku.restart(app.id)
        context.registry.record("server-restarted", server.name, server.run_id)
        deploy.wait_until_up(heroku, app, server, context.settings.timeout, time.sleep)
    except (ServerFailed, Unreachable):
        raise
    except NotFound as error:
        raise ServerFailed(f"The app {server.name} is gone from Heroku, and its address with it.") from error
    except ProviderError as error:
        raise ServerFailed(f"{server.name} could not be restarted: {error}") from error
    return server


def _standing(context: Context, run_id: str) -> Server | None:
    """Return the server that the run has already, mended if need be; None if it has none (any more)."""
    for server in context.registry.servers("up", run_id=run_id):
        if server.kind != KIND:
            continue
        if is_answering(server, context.settings.timeout):
            return server
        if apps.find(client.connect(context.settings.timeout), server) is None:
            context.say(
                f"The app {server.name} is gone from Heroku. HITs that lead to it will not find their pages."
            )
            context.registry.set_server(server.server_id, "gone", server.url, server.detail)
            continue
        context.say(f"{server.name} does not answer; restarting it ...")
        return restart(context, server)
    return None


def check_hosting(hosting: Hosting) -> None:
    """UsageError for dynos that Heroku does not give to such an app."""
    size = hosting.size.lower()
    if size not in SIZES and not _OTHER_SIZES.fullmatch(size):
        hint = f" Did you mean {_FORMER_SIZES[size]}?" if size in _FORMER_SIZES else nearest(size, SIZES)
        raise UsageError(f"dyno_size is {hosting.size!r}; it can be {', '.join(SIZES)}.{hint}")
    if hosting.dynos > 1 and hosting.size.lower() in SINGLE_DYNO_SIZES:
        raise UsageError(
            f"{hosting.dynos} dynos of size {hosting.size}: Heroku allows one. Take standard-1x or more."
        )
    if hosting.team and hosting.size.lower() == "eco":
        raise UsageError("eco dynos are for personal apps; an app of a team needs dyno_size basic or more.")


def _database(parameters: Parameters) -> dict[str, str]:
    """Return where the dynos keep what they must share: only several that keep a cap need it."""
    if parameters.dynos == 1 or not parameters.allowed_concurrent or parameters.app_dir:
        return {}
    address = variable("DATABASE_URL")
    if not address:
        raise UsageError(
            "allowed_concurrent on several dynos needs a PostgreSQL database that they share:"
            " set DATABASE_URL in the environment or in .env, or set dynos to 1."
        )
    return {"DATABASE_URL": address}
