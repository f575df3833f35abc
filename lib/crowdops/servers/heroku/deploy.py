"""Deploys to Heroku, without git and without its CLI: from a folder to an app that answers, or to no app.

The order follows from what can go wrong between two steps. The app's name is written down before the app
exists, the app is marked before anything else is done to it, and a failed deploy leaves no app behind.
"""

from __future__ import annotations

import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import (
    AppLimitReached,
    InsufficientFunds,
    NameTaken,
    NotFound,
    ProviderError,
    ServerFailed,
    Unreachable,
    files_explained,
)
from crowdops.formats import words
from crowdops.providers.heroku import client
from crowdops.providers.heroku.client import Heroku
from crowdops.providers.heroku.models import App
from crowdops.registry import Server
from crowdops.servers.heroku import apps
from crowdops.servers.heroku.marks import KIND, mark_vars, new_name, of_row, was_intended
from crowdops.servers.status import is_answering

Pause = Callable[[float], None]

NAME_TRIES = 3
BUILD_SECONDS = 1500.0  # Heroku ends a build after 25 minutes
ADDON_SECONDS = 900.0  # Heroku speaks of five minutes
BOOT_SECONDS = 150.0  # Heroku gives a dyno 60 to listen, and may restart it once
LOOK_SECONDS = 1.0
LOG_LINES = 20
KILL = "make heroku-kill"


class Hosting(NamedTuple):
    """What an app runs on, the size and number of its web dynos, and the team that owns it, or ''."""

    size: str
    dynos: int
    team: str


class AppPlan(NamedTuple):
    """An app to deploy from a folder. `run_id` is None for one that serves no run of the registry.

    `postgres` is the plan of a crowd server's database; no other app has one.
    """

    folder: Path
    run_id: str | None
    task_name: str
    own_app: bool
    hosting: Hosting
    secrets: dict[str, str]
    postgres: str = ""

    def __repr__(self) -> str:
        return f"AppPlan({self.folder!r}, {self.run_id!r}, {self.task_name!r})"


def deploy(context: Context, plan: AppPlan, *, keep: bool, pause: Pause) -> Server:
    """Create an app, deploy the folder to it and return once it answers. Fails as backend.launch() does."""
    deployment = _Deployment(context, plan, pause)
    with _packed(plan.folder) as tarball:
        server, app = deployment.create()
        context.say(f"Created the app {app.name}")
        with ExitStack() as on_failure:
            on_failure.callback(deployment.give_up, server, app, keep=keep)
            server = deployment.bring_up(server, app, tarball)
            on_failure.pop_all()
    return server


def rebuild(context: Context, plan: AppPlan, server: Server, *, pause: Pause) -> Server:
    """Deploy a folder to an app that is there: if the build fails it serves as before. Safe to repeat."""
    deployment = _Deployment(context, plan, pause)
    with _packed(plan.folder) as tarball:
        return deployment.build(server, tarball)


@contextmanager
def _packed(folder: Path) -> Iterator[Path]:
    """Provide a folder's content as a .tar.gz, beside the folder: it is as private as that."""
    what = f"{folder} cannot be packed"
    with files_explained(what):
        place = tempfile.TemporaryDirectory(prefix=".deploy-", dir=folder.parent, ignore_cleanup_errors=True)
    with place:
        path = Path(place.name) / "source.tgz"
        with files_explained(what), tarfile.open(path, "w:gz", compresslevel=6) as archive:
            for entry in sorted(folder.iterdir()):
                archive.add(entry, entry.name, filter=_without_owner)
        yield path


def _without_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave the names of this machine's users out of the archive, and who may read what here."""
    mode = 0o755 if entry.mode & 0o100 else 0o644
    return entry.replace(mode=mode, uid=0, gid=0, uname="", gname="", deep=False)


class _Deployment:
    """One deploy under way, to the account of the key."""

    def __init__(self, context: Context, plan: AppPlan, pause: Pause) -> None:
        self._context, self._plan = context, plan
        self._line = Progress()
        self._pause = self._showing(pause)
        self._heroku = client.connect(context.settings.timeout, self._pause)
        self._email = self._heroku.account().email

    def _showing(self, pause: Pause) -> Pause:
        """Return a pause in which the line at a terminal goes on telling for how long this has lasted."""

        def show(seconds: float) -> None:
            self._line.update(0)
            pause(seconds)

        return show

    @contextmanager
    def _shown(self, what: str) -> Iterator[None]:
        """Show at a terminal what is being done."""
        with closing(self._context.working(what)) as self._line:
            self._line.update(0)
            yield

    def create(self) -> tuple[Server, App]:
        """Create the app, its name written down first; under another name if that one is taken."""
        registry = self._context.registry
        for _ in range(NAME_TRIES):
            server = self._intended()
            registry.add_server(server)
            try:
                app = self._heroku.create_app(server.name, team=self._plan.hosting.team or None)
            except Unreachable as error:
                app = self._settle(server, error)
            except ProviderError as error:
                registry.set_server(server.server_id, "gone", None, server.detail)
                if isinstance(error, NameTaken):
                    continue
                raise _advised(error) from error
            server = server._replace(url=app.web_url, detail={**server.detail, "app_id": app.id})
            registry.set_server(server.server_id, "creating", server.url, server.detail)
            return server, app
        raise ServerFailed(
            f"{NAME_TRIES} random app names in a row were taken. Nothing was created; try again."
        )

    def _intended(self) -> Server:
        plan = self._plan
        name = new_name(plan.task_name)
        told = {"own_app": plan.own_app, "task_name": plan.task_name, "creator": self._email}
        told |= {"crowd": True} if plan.postgres else {}
        detail = {**plan.hosting._asdict(), **told}
        server_id, now = f"{KIND}-{name}", datetime.now(UTC)
        return Server(server_id, plan.run_id, KIND, name, "creating", None, detail, now, None)

    def _settle(self, server: Server, error: Unreachable) -> App:
        """Find out by reading whether a creation took effect: nobody but us knew the random name."""
        app = self._heroku.find_app(server.name)
        if app is None:
            look = "make heroku-status"
            raise ServerFailed(f"{error} Whether the app {server.name} exists will show: {look}") from error
        if not was_intended(app, self._heroku.config_vars(app.id), server, self._email):
            raise ServerFailed(f"{error} An app {server.name} exists, and is not ours.") from error
        return app

    def bring_up(self, server: Server, app: App, tarball: Path) -> Server:
        """Mark the app, build it, scale it, and return its server once the pages answer."""
        plan, heroku = self._plan, self._heroku
        marks = of_row(server, self._email)
        # One call, and before there is code: each change of the config restarts the dynos.
        address = {"CROWD_PUBLIC_URL": server.url or ""} if plan.postgres else {}
        heroku.set_config(app.id, {**mark_vars(marks), **plan.secrets, **address})
        if plan.postgres:
            self._add_database(app)
        self._build(app, tarball)
        self._context.say(
            f"Starting {words.count(plan.hosting.dynos, 'dyno')} of size {plan.hosting.size} ..."
        )
        scale(heroku, app, plan.hosting.size, plan.hosting.dynos)
        self._wait(server, app)
        self._context.registry.set_server(server.server_id, "up", server.url, server.detail)
        return server._replace(state="up")

    def build(self, server: Server, tarball: Path) -> Server:
        """Build what is there already anew, and return once it answers again."""
        app = self._heroku.app(server.detail["app_id"])
        self._build(app, tarball)
        self._wait(server, app)
        return server

    def _build(self, app: App, tarball: Path) -> None:
        heroku, version = self._heroku, self._plan.run_id or app.name
        self._context.say(f"Building {app.name} ...")
        with self._shown(f"Uploading {tarball.stat().st_size / 1e6:.1f} MB to {app.name}"):
            source = heroku.upload_source(tarball)
            build = heroku.create_build(app.id, source, tarball, version)
        with self._shown(f"Building {app.name}"):
            heroku.wait_for_release(app.id, build.id, BUILD_SECONDS)

    def _wait(self, server: Server, app: App) -> None:
        with self._shown(f"Waiting for {app.name} to answer"):
            wait_until_up(self._heroku, app, server, self._context.settings.timeout, self._pause)

    def _add_database(self, app: App) -> None:
        """Order the crowd server's database, and wait until the app has it. No more than one is ordered."""
        self._context.say(f"Adding {self._plan.postgres} ...")
        addon = self._heroku.create_addon(app.id, self._plan.postgres)
        with self._shown(f"Waiting for {addon.name}"):
            self._heroku.wait_for_addon(app.id, addon, ADDON_SECONDS)
        if not self._heroku.config_vars(app.id).get("DATABASE_URL"):
            raise ServerFailed(f"{addon.name} is there, and {app.name} has no DATABASE_URL.")

    def give_up(self, server: Server, app: App, *, keep: bool) -> None:
        """Delete the app of a failed deploy. This process created it, so nothing has to be proved."""
        say = self._context.say
        if keep:
            say(f"The app {app.name} was kept, and costs money. Delete it: {KILL} NAME={app.name}")
            return
        try:
            self._heroku.delete_app(app.id)
        except ProviderError as error:
            say(f"The app {app.name} is left, and costs money: {error} Delete it: {KILL} NAME={app.name}")
            return
        self._context.registry.set_server(server.server_id, "gone", server.url, server.detail)
        say(f"The app {app.name} was deleted again.")


def _advised(error: ProviderError) -> ProviderError:
    """Add what to do to a refusal to create an app."""
    if isinstance(error, AppLimitReached):
        return AppLimitReached(f"{error} Leftovers of ours: {KILL} ARGS=--dry-run")
    if isinstance(error, InsufficientFunds):
        return InsufficientFunds(f"{error} Heroku creates apps only for accounts with a payment method.")
    return error


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
    """Wait until the web dynos are up and the pages answer.

    ServerFailed, with the end of the log, if they do not. That dynos are up says only that something listens;
    the answer says that it is the right code.
    """
    deadline = time.monotonic() + BOOT_SECONDS
    while True:
        state = apps.web_state(heroku, app.id)
        if state and "crashed" in state:
            raise _failure(heroku, app, "its web process crashed as it started")
        if state == "up" and is_answering(server, timeout):
            return
        if time.monotonic() > deadline:
            lack = ", and its page does not answer" if state == "up" else ""
            raise _failure(heroku, app, f"after {BOOT_SECONDS:g} seconds its dynos are {state}{lack}")
        pause(LOOK_SECONDS)


def _failure(heroku: Heroku, app: App, what: str) -> ServerFailed:
    try:
        lines = heroku.log_tail(app.id)
    except ProviderError as error:
        lines = [f"(the log cannot be read: {error})"]
    if any("Error R10" in line for line in lines):
        what = "its web process did not listen on $PORT within 60 seconds (R10)"
    tail = "\n".join(lines[-LOG_LINES:])
    return ServerFailed(f"The app {app.name} did not come up: {what}. The end of its log:\n{tail}")
