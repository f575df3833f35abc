"""Deploys to Heroku, without git and without its CLI: from a folder to an app that answers, or to no app at all.

The order follows from what can go wrong between two steps. The app's name is written down before the app exists, the
app is marked before anything else is done to it, and a failed deploy leaves no app behind.
"""

from __future__ import annotations

import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from crowdops.context import Context
from crowdops.errors import (
    AccessDenied,
    AppLimitReached,
    InsufficientFunds,
    NameTaken,
    NotFound,
    ProviderError,
    ServerFailed,
    Unreachable,
)
from crowdops.providers.heroku import client
from crowdops.providers.heroku.client import App, Heroku
from crowdops.registry import Registry, Server
from crowdops.servers.heroku import apps
from crowdops.servers.heroku.marks import Marks, mark_vars, new_name, was_intended

Say = Callable[[str], None]
Pause = Callable[[float], None]

NAME_TRIES = 3
BUILD_SECONDS = 1500.0  # Heroku ends a build after 25 minutes
BOOT_SECONDS = 150.0  # Heroku gives a dyno 60 to listen, and may restart it once
LOOK_SECONDS = 1.0
LOG_LINES = 20
KILL = "scripts/heroku/kill_servers.py"


class Fleet(NamedTuple):
    """What an app runs on: the size and number of its web dynos, and the team that owns it ('' is nobody's)."""

    size: str
    dynos: int
    team: str


class Wanted(NamedTuple):
    """An app that is to be deployed from a folder. `run_id` is None for one that serves no run of the registry."""

    folder: Path
    run_id: str | None
    task_name: str
    own_app: bool
    fleet: Fleet
    secrets: dict[str, str]


def deploy(context: Context, wanted: Wanted, *, keep: bool, pause: Pause) -> Server:
    """Create an app, deploy the folder to it and return once it answers. Fails as heroku_servers.launch does."""
    heroku = client.connect(context.settings.timeout, pause)
    email = heroku.account().email
    with _packed(wanted.folder) as tarball:
        server, app = _create(context.registry, heroku, wanted, email)
        context.say(f"Created the app {app.name}")
        try:
            return _bring_up(context, heroku, server, app, wanted, email, tarball, pause)
        except BaseException:
            if not keep:
                _discard(context, heroku, server, app)
            else:
                context.say(f"The app {app.name} was kept, and costs money. Delete it: {KILL} {app.name}")
            raise


@contextmanager
def _packed(folder: Path) -> Iterator[Path]:
    """Provide a folder's content as a .tar.gz, beside the folder: it is as private as that."""
    with tempfile.TemporaryDirectory(prefix=".deploy-", dir=folder.parent) as place:
        path = Path(place) / "source.tgz"
        with tarfile.open(path, "w:gz", compresslevel=6) as archive:
            for entry in sorted(folder.iterdir()):
                archive.add(entry, entry.name, filter=_nobodys)
        yield path


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave the names of this machine's users out of the archive."""
    return entry.replace(uid=0, gid=0, uname="", gname="", deep=False)


def _create(registry: Registry, heroku: Heroku, wanted: Wanted, email: str) -> tuple[Server, App]:
    """Create the app, its name written down first; another name if that one is taken."""
    for _ in range(NAME_TRIES):
        server = _intended(wanted)
        registry.add_server(server)
        try:
            app = heroku.create_app(server.name, team=wanted.fleet.team or None)
        except Unreachable as error:
            app = _settle(heroku, server, email, error)
        except ProviderError as error:
            registry.set_server(server.server_id, "gone", None, server.detail)
            if isinstance(error, NameTaken):
                continue
            raise _advised(error) from error
        server = server._replace(url=app.web_url, detail={**server.detail, "app_id": app.id})
        registry.set_server(server.server_id, "creating", server.url, server.detail)
        return server, app
    raise ServerFailed(f"{NAME_TRIES} random app names in a row were taken. Nothing was created; try again.")


def _intended(wanted: Wanted) -> Server:
    name = new_name(wanted.task_name)
    detail = {**wanted.fleet._asdict(), "own_app": wanted.own_app, "task_name": wanted.task_name}
    return Server(
        *(f"heroku-{name}", wanted.run_id, "heroku", name, "creating", None),
        *(detail, datetime.now(UTC), None),
    )


def _settle(heroku: Heroku, server: Server, email: str, error: Unreachable) -> App:
    """Find out by reading whether a creation took effect: the random name is ours, so what bears it now is ours."""
    try:
        app = heroku.app(server.name)
    except (NotFound, AccessDenied):
        text = (
            f"{error} Whether the app {server.name} exists will show: scripts/heroku/print_server_status.py"
        )
        raise ServerFailed(text) from error
    if not was_intended(app, heroku.config_vars(app.id), server, email):
        raise ServerFailed(f"{error} An app {server.name} exists, and is not ours.") from error
    return app


def _advised(error: ProviderError) -> ProviderError:
    """Add what to do to a refusal to create an app."""
    if isinstance(error, AppLimitReached):
        return AppLimitReached(f"{error} Leftovers of ours: {KILL} --dry-run")
    if isinstance(error, InsufficientFunds):
        return InsufficientFunds(f"{error} Heroku creates apps only for accounts with a payment method.")
    return error


def _bring_up(
    context: Context,
    heroku: Heroku,
    server: Server,
    app: App,
    wanted: Wanted,
    email: str,
    tarball: Path,
    pause: Pause,
) -> Server:
    marks = Marks(wanted.run_id, wanted.task_name, email, wanted.own_app)
    # One call, and before there is code: each change of the config restarts the dynos.
    heroku.set_config(app.id, {**mark_vars(marks), **wanted.secrets})
    context.say(f"Building {app.name} ...")
    source = heroku.upload_source(tarball)
    build = heroku.create_build(app.id, source, tarball, wanted.run_id or app.name)
    heroku.wait_for_release(app.id, build.id, BUILD_SECONDS)
    context.say(f"Starting {wanted.fleet.dynos} dynos of size {wanted.fleet.size} ...")
    scale(heroku, app, wanted.fleet.size, wanted.fleet.dynos)
    wait_until_up(heroku, app, server, context.settings.timeout, pause)
    context.registry.set_server(server.server_id, "up", server.url, server.detail)
    return server._replace(state="up")


def scale(heroku: Heroku, app: App, size: str | None, dynos: int) -> None:
    """Bring an app to its web dynos. Safe to repeat. ServerFailed if its Procfile has none."""
    try:
        heroku.scale(app.id, "web", dynos, size)
    except NotFound as error:
        raise ServerFailed(f"{app.name} has no web process: the Procfile needs a line `web: ...`.") from error


def pausing(should_stop: Callable[[], bool]) -> Pause:
    """Return a sleep that raises ServerFailed when it is to stop: a deploy takes minutes."""

    def pause(seconds: float) -> None:
        if should_stop():
            raise ServerFailed("Stopped before the task server was up.")
        time.sleep(seconds)

    return pause


def wait_until_up(heroku: Heroku, app: App, server: Server, timeout: float, pause: Pause) -> None:
    """Wait until the web dynos are up and the pages answer. ServerFailed, with the end of the log, if they do not.

    That dynos are up says only that something listens; the answer says that it is the right code.
    """
    deadline = time.monotonic() + BOOT_SECONDS
    while True:
        state = apps.web_state(heroku, app.id)
        if state and "crashed" in state:
            raise _failure(heroku, app, "its web process crashed as it started")
        if state == "up" and is_answering(server, timeout):
            return
        if time.monotonic() > deadline:
            what = (
                "its dynos are up, and its page does not answer"
                if state == "up"
                else f"its dynos are {state}"
            )
            raise _failure(heroku, app, f"after {BOOT_SECONDS:g} seconds {what}")
        pause(LOOK_SECONDS)


def is_answering(server: Server, timeout: float) -> bool:
    """Return whether a server serves its pages."""
    own_app = bool(server.detail.get("own_app"))
    return apps.is_answering(server.url or "", server.run_id, own_app=own_app, timeout=timeout)


def _failure(heroku: Heroku, app: App, what: str) -> ServerFailed:
    try:
        lines = heroku.log_tail(app.id)
    except ProviderError as error:
        lines = [f"(the log cannot be read: {error})"]
    if any("Error R10" in line for line in lines):
        what = "its web process did not listen on $PORT within 60 seconds (R10)"
    tail = "\n".join(lines[-LOG_LINES:])
    return ServerFailed(f"The app {app.name} did not come up: {what}. The end of its log:\n{tail}")


def _discard(context: Context, heroku: Heroku, server: Server, app: App) -> None:
    """Delete the app of a failed deploy. This process created it, so nothing has to be proved."""
    try:
        heroku.delete_app(app.id)
    except ProviderError as error:
        context.say(f"The app {app.name} is left, and costs money: {error} Delete it: {KILL} {app.name}")
        return
    context.registry.set_server(server.server_id, "gone", server.url, server.detail)
    context.say(f"The app {app.name} was deleted again.")
