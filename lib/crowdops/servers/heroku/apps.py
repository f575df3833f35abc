"""Our apps at Heroku: which there are, what they do, and how one is taken down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from crowdops import bulk
from crowdops.context import Context
from crowdops.errors import AccessDenied, NotFound, ProviderError, WrongState
from crowdops.providers import task_server
from crowdops.providers.heroku import client
from crowdops.providers.heroku.client import App, Heroku
from crowdops.registry import Registry, Server
from crowdops.servers.heroku import marks as app_marks
from crowdops.servers.heroku.marks import PREFIX, Marks, read_marks
from crowdops.servers.status import ServerStatus, is_leftover

READERS = 8
STATES = ("creating", "up", "gone")
CUT_OFF = "its launch was cut off before it was marked; the registry has its name"


class Facts(NamedTuple):
    """What was read of one app. `config` is None where the key may not see it."""

    app: App
    config: dict[str, str] | None
    scaled: int
    dyno_state: str | None
    answers: bool
    cost: Decimal | None


class Account(NamedTuple):
    """Our servers in an account, and how many apps there belong to somebody or something else."""

    servers: list[ServerStatus]
    foreign: int


def is_answering(url: str, run_id: str | None, *, own_app: bool, timeout: float) -> bool:
    """Return whether our task server answers there for this run; of somebody's own app, whether anything does."""
    if own_app:
        return task_server.is_answering(url, timeout)
    return task_server.is_serving(url, run_id, timeout)


def web_state(heroku: Heroku, app_id: str) -> str | None:
    """Return what the web dynos do, such as "up", "crashed" or, where they differ, "starting, up"; None without any."""
    states = {dyno.state for dyno in heroku.dynos(app_id) if dyno.process_type == "web"}
    return ", ".join(sorted(states)) or None


# Looking


def look(context: Context, conditions: Mapping[str, str]) -> Account:
    """Return every server of ours in the account, by its marks or by the registry, and count the foreign apps.

    Three calls an app of ours, and its page; only reads.
    """
    heroku = client.connect(context.settings.timeout)
    email = heroku.account().email
    rows = _rows(context.registry)
    known_ids = {row.detail.get("app_id"): row for row in rows.values() if row.state != "gone"}
    apps = list(heroku.apps())
    ours = [app for app in apps if app.name.startswith(PREFIX) or app.id in known_ids]
    found: list[ServerStatus] = []
    for outcome in bulk.each(
        lambda app: _read(heroku, app, email, context.settings.timeout), ours, threads=READERS
    ):
        if outcome.result is None:
            if isinstance(outcome.error, NotFound):  # it went between the list and the look
                continue
            raise outcome.error or ProviderError("Heroku gave no answer.")
        row = rows.get(outcome.item.name) or known_ids.get(outcome.item.id)
        if status := _status(outcome.result, row, email, conditions):
            found.append(status)
    seen_ids, seen_names = {app.id for app in apps}, {app.name for app in apps}
    for row in rows.values():
        if row.state != "gone" and row.name not in seen_names and row.detail.get("app_id") not in seen_ids:
            found.append(_vanished(row, conditions))
    return Account(
        sorted(found, key=lambda status: (status.created_at, status.name)), len(apps) - _existing(found)
    )


def _rows(registry: Registry) -> dict[str, Server]:
    return {row.name: row for row in registry.servers(*STATES) if row.kind == "heroku"}


def _existing(found: list[ServerStatus]) -> int:
    return sum(status.exists for status in found)


def _read(heroku: Heroku, app: App, email: str, timeout: float) -> Facts:
    try:
        config: dict[str, str] | None = heroku.config_vars(app.id)
    except AccessDenied:
        return Facts(app, None, 0, None, False, None)
    marks = read_marks(config)
    formation = heroku.formation(app.id)
    age = max(0.0, (datetime.now(UTC) - app.created_at).total_seconds())
    costs = [client.dyno_dollars(entry.size, entry.quantity, age) for entry in formation if entry.quantity]
    known = [cost for cost in costs if cost is not None]
    url = app.web_url if marks and marks.creator == email else None  # somebody else's page is not ours to ask
    answers = bool(url and marks and is_answering(url, marks.run_id, own_app=marks.own_app, timeout=timeout))
    return Facts(
        *(app, config, sum(entry.quantity for entry in formation if entry.process_type == "web")),
        web_state(heroku, app.id),
        answers,
        sum(known, Decimal(0)).quantize(Decimal("0.0001")) if len(known) == len(costs) else None,
    )


def _status(
    facts: Facts, row: Server | None, email: str, conditions: Mapping[str, str]
) -> ServerStatus | None:
    """Return what an app with our name or in our registry is; None for one that is somebody else's."""
    app, found = facts.app, read_marks(facts.config)
    if found and found.creator != email and row is None:
        return None
    intended = facts.config is not None and app_marks.was_intended(app, facts.config, row, email)
    refusal = CUT_OFF if intended else app_marks.refusal(app, facts.config, email)
    is_marked = found is not None and refusal is None
    marks = found or Marks(row.run_id if row and intended else None, None, "")
    return ServerStatus(
        *(app.name, "heroku", marks.run_id, marks.task_name, app.web_url, True),
        *(facts.scaled, facts.dyno_state, facts.answers),
        leftover=(is_marked or intended) and is_leftover(conditions, marks.run_id),
        created_at=app.created_at,
        cost_so_far=facts.cost,
        server_id=row.server_id if row else None,
        marked=is_marked,
        detail={**_detail(app, marks), **(row.detail if row else {}), "app_id": app.id},
        note=refusal or ("in maintenance mode" if app.maintenance else ""),
    )


def _detail(app: App, marks: Marks) -> dict[str, object]:
    """Return what the registry's row would hold, for a server that only its marks tell of."""
    return {"team": app.team or "", "own_app": marks.own_app, "task_name": marks.task_name}


def _vanished(row: Server, conditions: Mapping[str, str]) -> ServerStatus:
    return ServerStatus(
        *(row.name, "heroku", row.run_id, None, row.url, False, 0, None, False),
        leftover=is_leftover(conditions, row.run_id),
        created_at=row.created_at,
        cost_so_far=None,
        server_id=row.server_id,
        marked=True,
        detail=row.detail,
        note="the registry has it, Heroku has not",
    )


# Taking down


def take_down(context: Context, server: Server, *, named: bool = False) -> bool:
    """Delete the app of a server of ours; False if it was gone already. Safe to repeat.

    It is read again first. WrongState if it lacks one of our three signs or was renamed meanwhile; one that has our
    prefix and no marks is deleted only when its name was typed (`named`). An app whose launch was cut off before
    it was marked is marked first: the registry says what its marks would have been.
    """
    heroku = client.connect(context.settings.timeout)
    email = heroku.account().email
    app = find(heroku, server)
    if app is not None:
        _check(context.registry, heroku, app, server, email, named=named)
    deleted = app is not None and heroku.delete_app(app.id)
    if app is not None and find(heroku, server) is not None:
        raise ProviderError(f"Heroku took the deletion of {server.name}, and still shows the app. Try again.")
    context.registry.set_server(server.server_id, "gone", server.url, server.detail)
    return deleted


def find(heroku: Heroku, server: Server) -> App | None:
    """Read a server's app: by its id if that is known, because names change hands."""
    try:
        return heroku.app(server.detail.get("app_id") or server.name)
    except (NotFound, AccessDenied):  # both are what Heroku says of an app that was deleted
        return None


def _check(registry: Registry, heroku: Heroku, app: App, server: Server, email: str, *, named: bool) -> None:
    if app.name != server.name:
        raise WrongState(f"the app is named {app.name} now; it was left alone")
    config = heroku.config_vars(app.id)
    row = _rows(registry).get(app.name)
    if row and app_marks.was_intended(app, config, row, email):
        intended = Marks(row.run_id, row.detail.get("task_name"), email, bool(row.detail.get("own_app")))
        heroku.set_config(app.id, app_marks.mark_vars(intended))
        config = heroku.config_vars(app.id)
    marks = read_marks(config)
    if marks is None and named and app.name.startswith(PREFIX) and (app.team or app.owner == email):
        return
    if refusal := app_marks.refusal(app, config, email):
        raise WrongState(f"{refusal}; it was left alone")
    if marks and marks.run_id != server.run_id:
        raise WrongState(f"the app serves run {marks.run_id} now; it was left alone")
