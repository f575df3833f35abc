"""The dynos of a living run's app: how many, and of which size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from crowdops.bulk import Action, BulkResult, Outcome
from crowdops.config.settings import Selection
from crowdops.console.columns import Column, Show
from crowdops.context import Context
from crowdops.errors import ProviderError, UsageError, WrongState
from crowdops.providers.heroku import client
from crowdops.providers.heroku.client import Heroku
from crowdops.providers.heroku.models import App, dyno_dollars
from crowdops.registry import Run, Server, locks, selection
from crowdops.servers.heroku import apps, backend, deploy, marks
from crowdops.servers.heroku.deploy import Hosting
from crowdops.servers.heroku.marks import KIND
from crowdops.servers.status import LIVING, known_servers

HOUR = 3600.0  # seconds


class Dynos(NamedTuple):
    """A number of web dynos of a size. Heroku's words for sizes, in any case."""

    number: int
    size: str

    def __str__(self) -> str:
        return f"{self.number} x {self.size.lower()}"

    @property
    def dollars_an_hour(self) -> Decimal | None:
        """What they cost; None for a size whose price is not known."""
        dollars = dyno_dollars(self.size, self.number, HOUR)
        return None if dollars is None else dollars.quantize(Decimal("0.0001"))

    def is_same(self, other: Dynos) -> bool:
        """Return whether both mean the same, however the size is written."""
        return (self.number, self.size.lower()) == (other.number, other.size.lower())


class Scaling(NamedTuple):
    """A server, its app, the dynos that it has now and those that it is to have."""

    server: Server
    app: App
    now: Dynos
    then: Dynos

    @property
    def is_so(self) -> bool:
        """Whether Heroku and the registry both have what is asked for."""
        known = Dynos(self.server.detail.get("dynos", 0), self.server.detail.get("size", ""))
        return self.now.is_same(self.then) and known.is_same(self.then)


def _price(dynos: Dynos) -> str:
    return "not known" if dynos.dollars_an_hour is None else f"${dynos.dollars_an_hour}"


SCALING: list[Column[Scaling]] = [
    Column("name", "server", lambda scaling: scaling.server.name, is_id=True),
    Column("run_id", "run", lambda scaling: scaling.server.run_id, show=Show.WIDE, is_id=True),
    Column("dynos_before", None, lambda scaling: scaling.now.number),
    Column("dyno_size_before", None, lambda scaling: scaling.now.size.lower()),
    Column(None, "now", lambda scaling: str(scaling.now)),
    Column(None, "an hour now", lambda scaling: _price(scaling.now)),
    Column("dynos", None, lambda scaling: scaling.then.number),
    Column("dyno_size", None, lambda scaling: scaling.then.size.lower()),
    Column(None, "then", lambda scaling: str(scaling.then)),
    Column(
        "dollars_an_hour",
        "an hour then",
        lambda scaling: scaling.then.dollars_an_hour,
        lambda scaling: _price(scaling.then),
    ),
]


def choose(context: Context, run_ids: Sequence[str], names: Sequence[str]) -> list[Server]:
    """Return the servers at Heroku that a command means, by their runs or by their names. No call for a run.

    UsageError for a run without one, a run that is not alive, and a name that is none of ours.
    """
    if not run_ids and not names:
        raise UsageError("Say which server: its NAME, or --run RUN_ID. See them: make heroku-status")
    rows = [row for row in context.registry.servers("creating", "up") if row.kind == KIND]
    servers = []
    for run in selection.select(context.registry, Selection(runs=tuple(run_ids))) if run_ids else ():
        of_run = [row for row in rows if row.run_id == run.run_id]
        if not of_run:
            raise UsageError(f"Run {run.run_id} has no server at Heroku. See them: make heroku-status")
        servers += of_run
    for name in names:
        servers += [row for row in rows if row.name == name] or [_none_of_ours(context, name)]
    servers = list({server.server_id: server for server in servers}.values())
    for server in servers:
        _require_living(context, server)
    return servers


def _none_of_ours(context: Context, name: str) -> Server:
    """Raise what is to be said of a name that no server of the registry has."""
    why = apps.why_left(context, name) if marks.is_our_name(name) else None
    if why == apps.CAME_UP:
        why = "this registry does not know it (make rebuild, if it is yours)"
    raise UsageError(
        f"{name} {'is left alone: ' + why if why else 'is none of our servers'}."
        " See them: make heroku-status. Nothing was done."
    )


def _require_living(context: Context, server: Server) -> None:
    if server.state != "up":
        raise UsageError(f"{server.name} is not up yet. Look again: make heroku-status. Nothing was done.")
    run = context.registry.run(server.run_id) if server.run_id else None
    if run is None:
        return
    condition = locks.condition(context.settings.home, run)
    if condition not in LIVING:
        kill = f"take it down: make heroku-kill NAME={server.name}"
        then = "make recover ends it" if condition == "crashed" else kill
        raise UsageError(f"{server.name}: its run {run.run_id} is {condition}; {then}. Nothing was done.")


def plan(context: Context, servers: Iterable[Server], count: int | None, size: str | None) -> list[Scaling]:
    """Return what the servers have and are to have: so many dynos, and of this size, where it is given.

    Three calls a server and one more; only reads. UsageError for what Heroku would refuse, and for an app
    that is not ours.
    """
    heroku = client.connect(context.settings.timeout)
    email = heroku.account().email
    return [_plan(context, heroku, email, server, (count, size)) for server in servers]


def _plan(
    context: Context, heroku: Heroku, email: str, server: Server, asked: tuple[int | None, str | None]
) -> Scaling:
    app = apps.find(heroku, server)
    if app is None:
        raise UsageError(f"The app {server.name} is gone from Heroku. See: make heroku-status")
    config = heroku.visible_config(app.id)
    if why := marks.refusal(app, config, email):
        raise UsageError(f"{app.name} is left alone: {why}. Nothing was done.")
    now = _web_dynos(heroku, app)
    if now is None:
        raise UsageError(f"{app.name} has no web process, so there is nothing to scale. Nothing was done.")
    count, size = asked
    then = Dynos(count or now.number or server.detail.get("dynos", 1), size or now.size)
    backend.check_hosting(Hosting(then.size, then.number, app.team or ""))
    run = context.registry.run(server.run_id) if server.run_id else None
    _check_leases(run, then, config or {})
    return Scaling(server, app, now, then)


def _check_leases(run: Run | None, then: Dynos, config: dict[str, str]) -> None:
    """UsageError if several dynos would each count what one worker has open."""
    if run is None or run.parameters.app_dir or not run.parameters.allowed_concurrent:
        return
    if then.number > 1 and not config.get("DATABASE_URL"):
        raise UsageError(
            f"{run.run_id} has allowed_concurrent, and its app was deployed without a DATABASE_URL that"
            " several dynos share. Take a larger dyno instead: --dyno-size. Nothing was done."
        )


def scale(context: Context, scalings: Sequence[Scaling], ask: Callable[[int], bool]) -> BulkResult[Scaling]:
    """Ask, and bring the apps to their dynos; each is waited for until it answers again.

    The new dynos are written down first: a restart takes them, and what is deployed for the run after this.
    Where that fails, what Heroku has is written down. Safe to repeat.
    """
    due = [scaling for scaling in scalings if not scaling.is_so]
    result: BulkResult[Scaling] = BulkResult(already=len(scalings) - len(due))
    if not due or not ask(len(due)):
        return result
    heroku = client.connect(context.settings.timeout)
    pause = deploy.pausing(lambda: context.interrupts.count > 0)

    def call(scaling: Scaling) -> None:
        deploy.scale(heroku, scaling.app, scaling.then.size, scaling.then.number)
        deploy.wait_until_up(heroku, scaling.app, scaling.server, context.settings.timeout, pause)

    def settle(outcome: Outcome[Scaling, None]) -> bool:
        if outcome.error:
            _write_down(context, outcome.item, _read(heroku, outcome.item), "scaling-failed")
        outcome.get()
        return False

    action = Action(
        call,
        settle,
        explain=lambda scaling, why: (scaling.server.name, str(why)),
        intend=lambda scaling: _write_down(context, scaling, scaling.then, "server-scaled"),
    )
    return result + context.carry_out(action, due, "scaled")


def _read(heroku: Heroku, scaling: Scaling) -> Dynos:
    """Return what an app has after a call that failed; what it was to have if that cannot be read."""
    try:
        return _web_dynos(heroku, scaling.app) or scaling.then
    except ProviderError:
        return scaling.then


def _web_dynos(heroku: Heroku, app: App) -> Dynos | None:
    web = [entry for entry in heroku.formation(app.id) if entry.process_type == "web"]
    return Dynos(web[0].quantity, web[0].size) if web else None


def _write_down(context: Context, scaling: Scaling, dynos: Dynos, kind: str) -> None:
    """Write the dynos of a server down, with it and with its run. WrongState if it is gone meanwhile."""
    registry, server = context.registry, scaling.server
    size = dynos.size.lower()
    with registry.transaction():
        row = known_servers(registry, KIND)[server.name]
        if row.state != "up":
            raise WrongState("it was taken down meanwhile")
        registry.set_server(row.server_id, "up", row.url, {**row.detail, "size": size, "dynos": dynos.number})
        run = registry.run(server.run_id) if server.run_id else None
        if run is not None:
            parameters = run.parameters._replace(dyno_size=size, dynos=dynos.number)
            registry.set_hosting(run.run_id, parameters)
        registry.record(kind, server.name, server.run_id, f"{server.name}: {dynos}")
