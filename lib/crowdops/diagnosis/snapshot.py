"""Everything about a run that can tell why it does not finish, as it is at one moment."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crowdops.config.settings import variable
from crowdops.context import Context
from crowdops.errors import Error
from crowdops.hits import differences, scan
from crowdops.hits.differences import Difference
from crowdops.payments import budgets, pricing
from crowdops.providers import processes, task_server
from crowdops.providers.mturk.client import Hit, MTurk
from crowdops.registry import Event, Registry, Run, Server, locks
from crowdops.registry.locks import Holder
from crowdops.results.collect import Stored
from crowdops.servers.backend import backend_of
from crowdops.servers.status import ServerStatus
from crowdops.workers import eligibility
from crowdops.workers.eligibility import CapUse, Requirement

if TYPE_CHECKING:
    from crowdops.providers.crowd_server.client import Returns

CLOCK_PRECISION = timedelta(seconds=2)  # an answer has its time by the second
SAMPLE = 100  # HITs with answers that are not collected, which are asked when the last one came


class Process(NamedTuple):
    """Who attends the run, if anybody, whether that process stands still, and the run's last event."""

    holder: Holder | None
    is_suspended: bool
    last_event: Event | None


class Endpoint(NamedTuple):
    """How the endpoint answered just now: why it could not be asked, and how far its clock is ahead."""

    error: Error | None
    clock_ahead: timedelta | None
    calls: int
    throttled: int


class Pages(NamedTuple):
    """The run's task server. `status` is None where nobody could look, for the reason that `note` gives.

    `serves` is the run that it says it serves, `given_out` and `open_now` count its pages.
    """

    kind: str
    server: Server | None
    status: ServerStatus | None
    answers: bool
    serves: str | None
    is_draining: bool
    note: str
    given_out: int = 0
    open_now: int = 0


class Work(NamedTuple):
    """What the endpoint has of the run. `uncollected` counts assignments, `untouched` HITs that ended so.

    `returns` are None where the endpoint does not tell them.
    """

    hits: list[Hit]
    uncollected: int
    untouched: int
    differences: list[Difference]
    last_accept: datetime | None
    last_submission: datetime | None
    requirements: list[Requirement]
    balance: Decimal
    returns: Returns | None

    @property
    def assignable(self) -> int:
        """Return how many HITs can be accepted."""
        return sum(hit.status == "Assignable" for hit in self.hits)

    @property
    def outstanding(self) -> int:
        """Return how many HITs can be accepted or are being worked on."""
        return sum(hit.is_outstanding for hit in self.hits)

    @property
    def available(self) -> int:
        """Return how many assignments can be accepted."""
        return sum(hit.available for hit in self.hits if hit.status == "Assignable")

    @property
    def pending(self) -> int:
        """Return how many assignments are being worked on."""
        return sum(hit.pending for hit in self.hits)


class Snapshot(NamedTuple):
    """What there is to know of a run. `work` is None if the endpoint could not be asked; costs in dollars.

    `bound` is what the run has to pay if all that is out is approved.
    """

    run: Run
    condition: str
    at: datetime
    process: Process
    units: Mapping[str, int]
    pages: Pages | None
    endpoint: Endpoint
    work: Work | None
    caps: CapUse | None
    unit_cost: Decimal
    bound: Decimal
    cost_is_reached: bool

    def count(self, *states: str) -> int:
        """Return how many units the registry has in these states."""
        return sum(self.units.get(state, 0) for state in states)

    @property
    def given_back(self) -> int:
        """Return how many assignments were accepted, as far as anybody tells, and not submitted."""
        if self.work and self.work.returns:
            return self.work.returns.returned + self.work.returns.abandoned
        if self.work is None or self.work.last_submission or self.pages is None:
            return 0
        return max(0, self.pages.given_out - self.pages.open_now)

    @property
    def quiet_for(self) -> timedelta:
        """Return how long nothing was submitted, since the launch at most, by the endpoint's clock."""
        ahead = self.endpoint.clock_ahead or timedelta(0)
        now = self.at + ahead if abs(ahead) > CLOCK_PRECISION else self.at
        return now - ((self.work and self.work.last_submission) or self.run.created_at)


def take(context: Context, run: Run) -> Snapshot:
    """Look at everything, and change nothing. One walk over the account, and a few calls more.

    That an endpoint or a server cannot be asked is a part of the snapshot, never an error.
    """
    condition = locks.condition(context.settings.home, run)
    provider = context.provider
    calls, throttled = provider.calls, provider.throttled
    work, error = None, None
    try:
        work = _read_work(context, run, condition)
    except Error as failure:
        error = failure
    endpoint = Endpoint(error, provider.clock_ahead, provider.calls - calls, provider.throttled - throttled)
    assignment_cost = pricing.assignment_cost(run.parameters, run.environment)
    unit_cost = run.parameters.assignments_per_unit * assignment_cost
    budget = budgets.Budget(context.registry, run)
    return Snapshot(
        run=run,
        condition=condition,
        at=datetime.now(UTC),
        process=read_process(context.registry, context.settings.home, run),
        units=context.registry.unit_counts(run.run_id),
        pages=_read_pages(context, run),
        endpoint=endpoint,
        work=work,
        caps=eligibility.cap_use(context.registry, run),
        unit_cost=unit_cost,
        bound=budget.bound,
        cost_is_reached=not budget.first_left([unit_cost]),
    )


def read_process(registry: Registry, home: Path, run: Run) -> Process:
    """Return who attends a run, and what was last done to it. Calls nobody."""
    holder = locks.holder_of(home, run.run_id)
    is_here = holder is not None and holder.host == socket.gethostname()
    is_suspended = is_here and holder is not None and processes.is_suspended(holder.pid)
    return Process(holder, is_suspended, registry.last_event(run.run_id))


def _read_work(context: Context, run: Run, condition: str) -> Work:
    hits = scan.scan(context).hits_by_run.get(run.run_id, [])
    uncollected = {hit.hit_id: hit.answers - Stored.read(context.registry, hit).answers for hit in hits}
    due = sorted(hit_id for hit_id, count in uncollected.items() if count > 0)
    accepts, submissions = _times_of_work(context, run, due[:SAMPLE])
    returns = _read_returns(context, [hit.hit_id for hit in hits if hit.is_outstanding])
    if returns and returns.last_accept:
        accepts.append(returns.last_accept)
    wanted = _requirements(context.provider, run, hits)
    requirements = [eligibility.check(context.provider, requirement) for requirement in wanted]
    # Those who have reached a cap are told of by themselves.
    if not run.parameters.maximum_units_per_worker and (
        lack := eligibility.of_crowd(context.settings, wanted)
    ):
        requirements.append(lack)
    return Work(
        hits=hits,
        uncollected=sum(uncollected[hit_id] for hit_id in due),
        untouched=sum(_has_run_out_untouched(context.registry, hit) for hit in hits),
        differences=list(differences.find(context, run, condition, hits)),
        last_accept=max(accepts, default=None),
        last_submission=max(submissions, default=None),
        requirements=requirements,
        balance=context.provider.balance(),
        returns=returns,
    )


def _read_returns(context: Context, hit_ids: Sequence[str]) -> Returns | None:
    """Return what workers gave back of the HITs that are out, if the endpoint is one that tells."""
    from crowdops.providers.crowd_server import client  # it brings requests and an HTML parser

    return client.returns(context.settings, hit_ids) if hit_ids else None


def _has_run_out_untouched(registry: Registry, hit: Hit) -> bool:
    """Return whether a HIT's lifetime passed before anybody took it; one that we expired is not meant."""
    unit = Stored.read(registry, hit).unit
    return hit.ended_untouched and (unit is None or unit.expired_at is None)


def _times_of_work(
    context: Context, run: Run, uncollected: Sequence[str]
) -> tuple[list[datetime], list[datetime]]:
    """Return moments at which work was accepted and submitted, the last of each among them.

    Only of what was submitted: of other work the API tells no moment.
    """
    accepted, submitted = context.registry.last_work(run.run_id)
    accepts, submissions = [accepted], [submitted]
    for outcome in context.outcomes(lambda hit_id: context.provider.submissions(hit_id, 1), uncollected):
        for submission in outcome.result or []:
            accepts.append(submission.accepted_at)
            submissions.append(submission.submitted_at)
    return [*filter(None, accepts)], [*filter(None, submissions)]


def _requirements(provider: MTurk, run: Run, hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Return the requirements as a HIT of the run has them: with those that keep blocked workers away."""
    definition = scan.read_definition(provider, hits)
    return definition.qualifications if definition else run.parameters.qualifications


def _read_pages(context: Context, run: Run) -> Pages | None:
    kind, timeout = run.parameters.server_kind, context.settings.timeout
    if kind == "none":
        return None
    servers = context.registry.servers("creating", "up", run_id=run.run_id)
    server = servers[-1] if servers else None
    status, note = _server_status(context, run)
    url = (server and server.url) or (status and status.server.url)
    health = task_server.health(url, timeout) if url else None
    answers = health is not None
    if url and run.parameters.app_dir:
        answers = task_server.is_answering(url, timeout)
    health = health or {}
    return Pages(
        kind=kind,
        server=server,
        status=status,
        answers=answers,
        serves=health.get("run_id"),
        is_draining=bool(health.get("draining")),
        note=note,
        given_out=_count(health.get("served")),
        open_now=_count(health.get("active")),
    )


def _count(value: object) -> int:
    """Return a number that a server told; 0 for anything else, since it may be anybody's."""
    return value if isinstance(value, int) else 0


def _server_status(context: Context, run: Run) -> tuple[ServerStatus | None, str]:
    """Return what the place where the run's server is says of it, or why it was not asked."""
    kind = run.parameters.server_kind
    if kind == "url":
        return None, "run by somebody else"
    if kind == "heroku" and not variable("HEROKU_API_KEY"):
        return None, "Heroku was not asked: HEROKU_API_KEY is not set"
    try:
        survey = backend_of(kind).survey(context)
    except Error as error:
        return None, str(error)
    own = [status for status in survey.statuses if status.run_id == run.run_id]
    unseen = "; ".join(f"{one.what} could not be looked at: {one.why}" for one in survey.unseen)
    return next((status for status in own if status.exists), own[0] if own else None), unseen
