"""Our apps at Heroku: which there are, what they do, and how one is taken down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from crowdops import bulk
from crowdops.console.unseen import Unseen
from crowdops.context import Context
from crowdops.errors import AccessDenied, NotFound, ProviderError, WrongState
from crowdops.providers.heroku import client
from crowdops.providers.heroku.client import Heroku
from crowdops.providers.heroku.models import App, Formation, dyno_dollars
from crowdops.registry import Registry, Server, locks
from crowdops.servers.heroku import marks
from crowdops.servers.heroku.marks import KIND, PREFIX, Marks
from crowdops.servers.status import (
    ServerStatus,
    Survey,
    is_answering,
    is_crowd,
    is_orphan,
    known_servers,
    vanished,
)

READERS = 8
CUT_OFF = "its launch was cut off before it was marked; the registry has its name"
VANISHED = "the registry has it, Heroku has not"
NOT_TRIED = "not tried: Heroku does not answer any more"
UNREADABLE = "its config vars may not be read with this key: whose it is is not known (make heroku-check)"
HOLDS = "a crowd server: it holds its workers, their answers and the money, and goes only by its name"
CAME_UP = "it was not there or could not be read a moment ago: type the same again"
COST_UNIT = Decimal("0.0001")


def web_state(heroku: Heroku, app_id: str) -> str | None:
    """Return what the web dynos do, such as "up" or "crashed"; None without any.

    Where they differ it is all of their states, as in "starting, up".
    """
    states = {dyno.state for dyno in heroku.dynos(app_id) if dyno.process_type == "web"}
    return ", ".join(sorted(states)) or None


def survey(context: Context) -> Survey:
    """Return every server of ours in the account, by its marks or by the registry, and count the other apps.

    Three calls an app of ours, and its page; only reads. What cannot be read of the account is unseen; raises
    if not even the first part of the list can be.
    """
    reader = _Reader(context)
    apps, unseen = _list_apps(reader.heroku)
    is_whole = not unseen
    waiting = {app.id: app for app in apps if reader.may_be_ours(app)}
    foreign = len(apps) - len(waiting)
    statuses: list[ServerStatus] = []
    for outcome in bulk.outcomes(reader.look, list(waiting.values()), threads=READERS):
        app = waiting.pop(outcome.item.id)
        if isinstance(outcome.error, NotFound):  # it went between the list and the look
            continue
        look = outcome.result or _Look(None, _unseen(app, outcome.error))
        statuses += [look.status] if look.status else []
        unseen += [look.unseen] if look.unseen else []
        foreign += look.status is None and look.unseen is None
    unseen += [_unseen(app, NOT_TRIED) for app in waiting.values()]
    if is_whole:
        vanished_statuses, elsewhere = reader.vanished(apps)
        statuses += vanished_statuses
        unseen += elsewhere
    by_age = sorted(statuses, key=lambda status: (status.server.created_at, status.name))
    return Survey(by_age, foreign, unseen)


def _list_apps(heroku: Heroku) -> tuple[list[App], list[Unseen]]:
    """Return the account's apps, and what is unseen of the list if it breaks off after its first part."""
    apps: list[App] = []
    try:
        apps.extend(heroku.apps())
    except ProviderError as error:
        if not apps:
            raise
        return apps, [Unseen(f"the list of apps at Heroku after the first {len(apps)}", str(error))]
    return apps, []


def _unseen(app: App, why: object) -> Unseen:
    return Unseen(f"app {app.name}", str(why))


class _Look(NamedTuple):
    """What an app of ours is, and what could not be read of it. Neither of a foreign one."""

    status: ServerStatus | None
    unseen: Unseen | None


class _Reader:
    """Reads apps, and tells by their marks and by the registry which are ours. Safe under threads."""

    def __init__(self, context: Context) -> None:
        self._timeout = context.settings.timeout
        self._conditions = locks.conditions(context.registry, context.settings.home)
        self.heroku = client.connect(self._timeout)
        self._email = self.heroku.account().email
        self._rows = known_servers(context.registry, KIND)
        self._living = [row for row in self._rows.values() if row.state != "gone"]
        self._by_app_id = {row.detail.get("app_id"): row for row in self._living}

    def may_be_ours(self, app: App) -> bool:
        """Return whether an app has our prefix, or was written down under another name."""
        return app.name.startswith(PREFIX) or app.id in self._by_app_id

    def look(self, app: App) -> _Look:
        """Return what an app with our name or in our registry is; nothing of one that is somebody else's."""
        row = self._rows.get(app.name) or self._by_app_id.get(app.id)
        config = self.heroku.visible_config(app.id)
        app_marks = marks.read_marks(config)
        if app_marks and app_marks.creator != self._email and row is None:
            return _Look(None, None)
        status = self._status(app, config, row)
        if config is not None:
            return self._with_dynos(status, app)
        may_be_ours = app.team is not None or app.owner == self._email
        return _Look(status, _unseen(app, UNREADABLE) if may_be_ours else None)

    def _status(self, app: App, config: Mapping[str, str] | None, row: Server | None) -> ServerStatus:
        app_marks = marks.read_marks(config)
        intended = config is not None and marks.was_intended(app, config, row, self._email)
        refusal = CUT_OFF if intended else marks.refusal(app, config, self._email)
        marked = app_marks is not None and refusal is None
        is_ours = app_marks is not None and app_marks.creator == self._email
        server = _server(app, app_marks or Marks(row.run_id if row and intended else None, None, ""), row)
        return ServerStatus(
            server,
            known=row is not None,
            exists=True,
            scaled=None,
            dyno_state=None,
            # Somebody else's page is not ours to ask.
            answers=is_ours and bool(app.web_url) and is_answering(server, self._timeout),
            orphan=(marked or intended) and is_orphan(self._conditions, server.run_id),
            cost_so_far=None,
            marked=marked,
            note=refusal or _note(app, server),
            never=refusal if refusal and refusal not in (CUT_OFF, marks.UNMARKED) else "",
        )

    def _with_dynos(self, status: ServerStatus, app: App) -> _Look:
        """Return a status with what the dynos of its app are, whose config vars the key may see."""
        try:
            formation = self.heroku.formation(app.id)
            dyno_state = web_state(self.heroku, app.id)
        except NotFound:
            raise
        except ProviderError as error:
            return _Look(status, Unseen(f"what the dynos of app {app.name} are", str(error)))
        with_dynos = status._replace(
            scaled=sum(entry.quantity for entry in formation if entry.process_type == "web"),
            dyno_state=dyno_state,
            cost_so_far=_cost(app, formation),
        )
        return _Look(with_dynos, None)

    def vanished(self, apps: Sequence[App]) -> tuple[list[ServerStatus], list[Unseen]]:
        """Return the servers that the registry has and that are none of the account's apps.

        Those that another account has created are unseen: this key does not show whether they are there.
        """
        names, ids = {app.name for app in apps}, {app.id for app in apps}
        gone, elsewhere = [], []
        for row in self._living:
            if row.name in names or row.detail.get("app_id") in ids:
                continue
            if why := marks.created_elsewhere(row, self._email):
                elsewhere.append(Unseen(f"app {row.name}", why))
            else:
                gone.append(vanished(row, self._conditions, VANISHED))
        return gone, elsewhere


def _note(app: App, server: Server) -> str:
    notes = {"in maintenance mode": app.maintenance, HOLDS: is_crowd(server)}
    return "; ".join(text for text, holds in notes.items() if holds)


def _server(app: App, app_marks: Marks, row: Server | None) -> Server:
    """Return the registry's row of an app, or what it would be: the app's marks tell as much."""
    told = {
        "team": app.team or "",
        "own_app": app_marks.own_app,
        "crowd": app_marks.crowd,
        "task_name": app_marks.task_name,
        "creator": app_marks.creator or None,
    }
    detail = {**told, **(row.detail if row else {}), "app_id": app.id}
    server_id = row.server_id if row else f"{KIND}-{app.name}"
    return Server(
        server_id, app_marks.run_id, KIND, app.name, "up", app.web_url, detail, app.created_at, None
    )


def _cost(app: App, formation: Iterable[Formation]) -> Decimal | None:
    """Return what the present dynos have cost since the app was created; None where a price is not known."""
    age = max(0.0, (datetime.now(UTC) - app.created_at).total_seconds())
    costs = [dyno_dollars(entry.size, entry.quantity, age) for entry in formation if entry.quantity]
    if None in costs:
        return None
    return sum(filter(None, costs), Decimal(0)).quantize(COST_UNIT)


def take_down(context: Context, server: Server, *, named: bool = False) -> bool:
    """Delete the app of a server of ours; False if it was gone already. Safe to repeat.

    It is read again first. AccessDenied or WrongState if this key cannot tell whether it is gone. WrongState,
    too, if it lacks one of our three signs or was renamed meanwhile; one that has our prefix and no marks is
    deleted only when its name was typed (`named`). An app whose launch was cut off before it was marked is
    marked first: the registry says what its marks would have been.
    """
    heroku = client.connect(context.settings.timeout)
    email = heroku.account().email
    app = find(heroku, server)
    if app is None and (why := marks.created_elsewhere(server, email)):
        raise WrongState(f"{why}; whether it is gone is not known")
    if app is not None:
        _require_ours(context.registry, heroku, app, server, email, named=named)
    deleted = app is not None and heroku.delete_app(app.id)
    if app is not None and find(heroku, server) is not None:
        raise ProviderError(f"Heroku took the deletion of {server.name}, and still shows the app. Try again.")
    context.registry.set_server(server.server_id, "gone", server.url, server.detail)
    return deleted


def why_left(context: Context, name: str) -> str | None:
    """Return why an app is not ours to delete although its name is like ours; None if there is none."""
    heroku = client.connect(context.settings.timeout)
    try:
        app = heroku.app(name)
    except NotFound:
        return None
    except AccessDenied:
        return "it belongs to another account, which does not let this key see it"
    why = marks.refusal(app, heroku.visible_config(app.id), heroku.account().email)
    return why or CAME_UP


def find(heroku: Heroku, server: Server) -> App | None:
    """Read a server's app: by its id if that is known, because names change hands. None if it is gone.

    AccessDenied if it is there and the key may not see it.
    """
    try:
        return heroku.app(server.detail.get("app_id") or server.name)
    except NotFound:
        return None


def _require_ours(
    registry: Registry, heroku: Heroku, app: App, server: Server, email: str, *, named: bool
) -> None:
    if app.name != server.name:
        raise WrongState(f"the app is named {app.name} now; it was left alone")
    config = heroku.config_vars(app.id)
    row = known_servers(registry, KIND).get(app.name)
    if row and marks.was_intended(app, config, row, email):
        heroku.set_config(app.id, marks.mark_vars(marks.of_row(row, email)))
        config = heroku.config_vars(app.id)
    app_marks = marks.read_marks(config)
    if app_marks is None and named and app.name.startswith(PREFIX) and (app.team or app.owner == email):
        return
    if refusal := marks.refusal(app, config, email):
        raise WrongState(f"{refusal}; it was left alone")
    if app_marks and app_marks.run_id != server.run_id:
        raise WrongState(f"the app serves run {app_marks.run_id} now; it was left alone")
