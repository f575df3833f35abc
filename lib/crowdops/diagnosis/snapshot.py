"""Everything about a run that can tell why it does not finish: looked at once, judged by diagnosis."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from crowdops import bulk
from crowdops.config.parameters import Parameters
from crowdops.config.settings import variable
from crowdops.context import Context
from crowdops.errors import Error, NotFound
from crowdops.hits import differences, scan
from crowdops.hits.differences import Difference
from crowdops.payments import budgets, pricing
from crowdops.providers import processes, task_server
from crowdops.providers.mturk.client import Hit, MTurk
from crowdops.registry import Event, Registry, Run, Server, locks
from crowdops.registry import locks as runs
from crowdops.registry.locks import Holder
from crowdops.servers.backend import backend_of
from crowdops.servers.status import ServerStatus
from crowdops.workers import eligibility
from crowdops.workers.eligibility import CapUse, Requirement

CLOCK_PRECISION = timedelta(seconds=2)  # an answer has its time by the second
SAMPLE = 100  # HITs with answers that are not collected, which are asked when the last one came


class Process(NamedTuple):
    """Who attends the run, if anybody; whether that process stands still; and the journal's last line about the run."""

    holder: Holder | None
    suspended: bool
    last: Event | None


class Pages(NamedTuple):
    """The run's task server. `status` is None where nobody could look; `serves` is the run that it says it serves."""

    kind: str
    server: Server | None
    status: ServerStatus | None
    answers: bool
    serves: str | None
    draining: bool
    note: str


class Work(NamedTuple):
    """What the endpoint has of the run. Counts are of assignments, but for `unseen`: HITs that ended untouched."""

    hits: list[Hit]
    available: int
    pending: int
    uncollected: int
    unseen: int
    broken: list[Difference]
    last_accept: datetime | None
    last_submission: datetime | None
    requirements: list[Requirement]
    balance: Decimal

    @property
    def assignable(self) -> int:
        return sum(hit.status == "Assignable" for hit in self.hits)

    @property
    def outstanding(self) -> int:
        return sum(hit.is_outstanding for hit in self.hits)


class Symptoms(NamedTuple):
    """What was seen. `work` is None when the endpoint could not be asked, for the reason that `silence` gives."""

    run: Run
    parameters: Parameters
    condition: str
    at: datetime
    process: Process
    units: Mapping[str, int]
    pages: Pages | None
    work: Work | None
    silence: Error | None
    clock_ahead: timedelta | None
    calls: int
    throttled: int
    caps: CapUse | None
    unit_cost: Decimal
    cost_is_reached: bool

    def count(self, *states: str) -> int:
        """Return how many units the registry has in these states."""
        return sum(self.units.get(state, 0) for state in states)

    @property
    def quiet_for(self) -> timedelta:
        """How long nothing was submitted, by the endpoint's clock: since the last submission, or since the launch."""
        ahead = self.clock_ahead or timedelta(0)
        now = self.at + ahead if abs(ahead) > CLOCK_PRECISION else self.at
        return now - ((self.work and self.work.last_submission) or self.run.created_at)


def look(context: Context, run: Run) -> Symptoms:
    """Look at everything, and change nothing. One walk over the account, and a few calls more.

    An endpoint or a server that cannot be asked is a symptom, never an error.
    """
    parameters, condition = run.parameters, runs.condition(context.settings.home, run)
    work, silence = None, None
    calls, throttled = context.provider.calls, context.provider.throttled
    try:
        work = _look_at_work(context, run, parameters, condition)
    except Error as error:
        silence = error
    unit_cost = parameters.assignments_per_unit * pricing.assignment_cost(parameters, run.environment)
    return Symptoms(
        *(run, parameters, condition, datetime.now(UTC)),
        process=_look_at_process(context, run),
        units=context.registry.unit_counts(run.run_id),
        pages=_look_at_pages(context, run, parameters),
        work=work,
        silence=silence,
        clock_ahead=context.provider.clock_ahead,
        calls=context.provider.calls - calls,
        throttled=context.provider.throttled - throttled,
        caps=eligibility.cap_use(context.registry, run),
        unit_cost=unit_cost,
        cost_is_reached=budgets.Budget(context.registry, run).units_left(unit_cost, 1) == 0,
    )


def _look_at_process(context: Context, run: Run) -> Process:
    holder = locks.holder_of(context.settings.home, run.run_id)
    is_here = holder is not None and holder.host == socket.gethostname()
    suspended = is_here and holder is not None and processes.is_suspended(holder.pid)
    return Process(holder, suspended, context.registry.last_event(run.run_id))


def _look_at_work(context: Context, run: Run, parameters: Parameters, condition: str) -> Work:
    hits = scan.scan(context.provider).hits_by_run.get(run.run_id, [])
    waiting = {hit.hit_id: more for hit in hits if (more := _uncollected(context.registry, hit)) > 0}
    accepted, submitted = _last_work(context, run, sorted(waiting)[:SAMPLE])
    return Work(
        hits=hits,
        available=sum(hit.available for hit in hits if hit.status == "Assignable"),
        pending=sum(hit.pending for hit in hits),
        uncollected=sum(waiting.values()),
        unseen=sum(_ended_untouched(context.registry, hit) for hit in hits),
        broken=list(differences.find(context, run, condition, hits)),
        last_accept=accepted,
        last_submission=submitted,
        requirements=[
            eligibility.check(context.provider, requirement)
            for requirement in _asked_of_workers(context.provider, hits, parameters)
        ],
        balance=context.provider.balance(),
    )


def _uncollected(registry: Registry, hit: Hit) -> int:
    assert hit.mark is not None
    return (
        hit.submitted
        + hit.completed
        - registry.collected_of(hit.mark.run_id, hit.mark.unit_index, hit.hit_id)
    )


def _ended_untouched(registry: Registry, hit: Hit) -> bool:
    """Return whether a HIT's lifetime passed and nobody had taken it; one that was expired here does not count."""
    if hit.is_outstanding or hit.available < hit.max_assignments or hit.mark is None:
        return False
    unit = registry.unit(hit.mark.run_id, hit.mark.unit_index)
    return unit is None or unit.expired_at is None


def _last_work(context: Context, run: Run, uncollected: list[str]) -> tuple[datetime | None, datetime | None]:
    """Return when work was last accepted and submitted, of what was submitted: the API tells no more."""
    stored = context.registry.last_work(run.run_id)
    accepted, submitted = [stored[0]], [stored[1]]
    for outcome in bulk.each(
        lambda hit_id: context.provider.submissions(hit_id, 1), uncollected, threads=context.settings.threads
    ):
        for submission in outcome.result or []:
            accepted.append(submission.accepted_at)
            submitted.append(submission.submitted_at)
    return max(filter(None, accepted), default=None), max(filter(None, submitted), default=None)


def _asked_of_workers(provider: MTurk, hits: list[Hit], parameters: Parameters) -> list[dict[str, object]]:
    """Return the requirements as a HIT of the run has them: more than its run.toml says, where workers are blocked."""
    for hit in hits:
        try:
            return provider.definition(hit.hit_id).qualifications
        except NotFound:
            continue
    return parameters.qualifications


def _look_at_pages(context: Context, run: Run, parameters: Parameters) -> Pages | None:
    if parameters.server_kind == "none":
        return None
    mine = [server for server in context.registry.servers("creating", "up") if server.run_id == run.run_id]
    server = mine[-1] if mine else None
    status, note = _survey(context, run, parameters.server_kind)
    url = (server and server.url) or (status and status.server.url)
    health = task_server.health(url, context.settings.timeout) if url else None
    answers = health is not None
    if url and parameters.app_dir:
        answers = task_server.is_answering(url, context.settings.timeout)
    found = health or {}
    return Pages(
        *(parameters.server_kind, server, status, answers),
        serves=found.get("run_id"),
        draining=bool(found.get("draining")),
        note=note,
    )


def _survey(context: Context, run: Run, kind: str) -> tuple[ServerStatus | None, str]:
    """Return what the place where a server runs says of it, or why it was not asked."""
    if kind == "url":
        return None, "run by somebody else"
    if kind == "heroku" and not variable("HEROKU_API_KEY"):
        return None, "Heroku was not asked: HEROKU_API_KEY is not set"
    try:
        statuses = backend_of(kind).survey(context).statuses
        mine = [status for status in statuses if status.run_id == run.run_id]
    except Error as error:
        return None, str(error)
    existing = [status for status in mine if status.exists]
    return next(iter(existing or mine), None), ""
