"""How many workers a run's task server stands: page loads are stepped up until it does not keep up."""

from __future__ import annotations

import itertools
import math
import secrets
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from crowdops.config.settings import Selection
from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.formats import words
from crowdops.providers import task_server
from crowdops.registry import Run, Server, selection
from crowdops.servers import links

OURS = ("local", "heroku")
HEADROOM = 0.5  # workers come in waves, so no more than this share of what was reached is advised
SUBMIT_TO = "http://127.0.0.1:8730"  # a site that every task server knows; nothing is submitted
RELEASED_AT_ONCE = 1000


class Step(NamedTuple):
    """So many workers at once opened one unit's page after another. Times are milliseconds."""

    workers: int
    pages: int
    errors: int
    per_second: float
    median: float
    percentile_95: float

    def keeps_up(self, bound: float) -> bool:
        """Return whether every page came, and 95 % of them within the bound."""
        return self.pages > 0 and not self.errors and self.percentile_95 <= bound


class Target(NamedTuple):
    """The server that is measured, with what opens its pages."""

    run: Run
    server: Server
    token: str

    @property
    def dynos(self) -> int:
        return int(self.server.detail.get("dynos", 1))


class Advice(NamedTuple):
    """How many units may be out at once on this server, and how many dynos the run's own units would need."""

    max_num_concurrent_units: int
    dynos: int
    text: str


def target(context: Context, run_id: str) -> Target:
    """Return a run's task server. UsageError unless it is ours, is up, and nobody works on it."""
    (run,) = selection.select(context.registry, Selection(runs=(run_id,)))
    run_id = run.run_id
    servers = context.registry.servers("up", run_id=run_id)
    ours = [server for server in servers if server.kind in OURS and not server.detail.get("own_app")]
    if not ours:
        names = ", ".join(server.name for server in servers)
        what = f"only {names}, which is not a task server of ours" if servers else "no task server"
        raise UsageError(f"Run {run_id} has {what}. Start one: make serve RUN={run_id}")
    server = ours[-1]
    health = task_server.health(server.url or "", context.settings.timeout)
    if health is None or health.get("run_id") != run_id:
        raise UsageError(f"{server.name} does not answer for run {run_id}. Nothing was measured.")
    if health.get("active"):
        raise UsageError(
            f"Workers have {words.count(health['active'], 'page')} of {run_id} open. Measure while nobody"
            " works."
        )
    return Target(run, server, links.read_token(context.settings.run_folder(run_id)))


def measure(
    target: Target, progress: Progress, *, bound: float, seconds: float, most: int, timeout: float
) -> Iterator[Step]:
    """Yield a step for 1, 2, 4 … workers, up to and with the first that the server does not keep up with.

    Every page load takes a lease as a real one does; all are given back after the step.
    """
    workers = 1
    while True:
        step = _measure(target, workers, seconds, timeout)
        progress.update(workers, f"95 % within {step.percentile_95:.0f} ms")
        yield step
        if workers >= most or not step.keeps_up(bound):
            return
        workers = min(2 * workers, most)


def advise(target: Target, steps: Sequence[Step], *, bound: float, seconds_per_task: float) -> Advice:
    """Return what the steps mean for tasks of so many seconds: a worker opens one page in that time."""
    name, parameters, last = target.server.name, target.run.parameters, steps[-1]
    kept = [step for step in steps if step.keeps_up(bound)]
    if not kept:
        return Advice(0, 0, f"{name} does not keep up with a single worker: {_trouble(last, bound)}.")
    best = max(kept, key=lambda step: step.per_second)
    tasks = best.per_second * HEADROOM * seconds_per_task
    units = max(1, int(tasks / parameters.assignments_per_unit))
    units_out = min(parameters.max_num_concurrent_units or target.run.units, target.run.units)
    dynos = math.ceil(units_out * target.dynos / units)
    limit = "" if last.keeps_up(bound) else f", not with {last.workers} ({_trouble(last, bound)})"
    return Advice(
        units,
        dynos,
        f"{name} keeps up with {words.count(kept[-1].workers, 'page load')} at once"
        f" and {best.per_second:.0f} pages/s"
        f"{limit}: for tasks of {seconds_per_task:g} s set max_num_concurrent_units to {units} at most;"
        f" the {words.count(units_out, 'unit')} that this run has out at once"
        f" {words.choose(units_out, 'needs', 'need')} dynos = {dynos}.",
    )


def _trouble(step: Step, bound: float) -> str:
    if step.errors:
        return f"{step.errors} of {step.pages + step.errors} pages did not come"
    return f"95 % within {step.percentile_95:.0f} ms, over the bound of {bound:g} ms"


def _measure(target: Target, workers: int, seconds: float, timeout: float) -> Step:
    simulated = [_Worker(target, secrets.token_hex(4).upper(), number) for number in range(workers)]
    began = time.monotonic()
    until = began + seconds
    with ThreadPoolExecutor(max_workers=workers) as pool:
        lists = pool.map(lambda worker: worker.work(until, timeout), simulated)
        loads = list(itertools.chain.from_iterable(lists))
    took = time.monotonic() - began
    for worker in simulated:
        worker.release(timeout)
    times = sorted(load for load in loads if load is not None)
    errors = len(loads) - len(times)
    if not times:
        return Step(workers, 0, errors, 0.0, 0.0, 0.0)
    percentile_95 = times[math.ceil(0.95 * len(times)) - 1]
    return Step(workers, len(times), errors, len(times) / took, statistics.median(times), percentile_95)


class _Worker:
    """A simulated worker, who opens pages, each for an assignment that nobody else has."""

    def __init__(self, target: Target, salt: str, number: int) -> None:
        self._target, self._name = target, f"ACAPACITY{salt}{number}"
        self._opened = 0

    def work(self, until: float, timeout: float) -> list[float | None]:
        """Open pages until a moment of the monotonic clock, and at least one; return how long each took."""
        return list(task_server.load(self._visits(until), timeout))

    def _visits(self, until: float) -> Iterator[tuple[str, dict[str, str]]]:
        url, token = self._target.server.url or "", self._target.token
        while not self._opened or time.monotonic() < until:
            number, self._opened = self._opened, self._opened + 1
            query = {
                "assignmentId": f"{self._name}P{number}",
                "hitId": f"{self._name}H",
                "workerId": f"{self._name}W{number}",
                "turkSubmitTo": SUBMIT_TO,
            }
            yield links.unit_url(url, token, number % self._target.run.units), query

    def release(self, timeout: float) -> None:
        """Give all leases back."""
        url, token = self._target.server.url or "", self._target.token
        holders = [(f"{self._name}P{number}", f"{self._name}W{number}") for number in range(self._opened)]
        for start in range(0, len(holders), RELEASED_AT_ONCE):
            task_server.release(url, token, holders[start : start + RELEASED_AT_ONCE], timeout)
