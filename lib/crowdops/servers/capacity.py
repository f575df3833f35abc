"""How many workers a run's task server stands: page loads are stepped up until it does not keep up."""

from __future__ import annotations

import math
import secrets
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.providers import task_server
from crowdops.registry import Run, Server
from crowdops.servers import links

HEADERS = ("workers", "pages", "errors", "pages/s", "median ms", "95 % within ms")
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
    run = context.registry.run(run_id)
    if run is None:
        raise UsageError(f"The registry has no run {run_id!r}. See them all: make runs")
    mine = [row for row in context.registry.servers("up") if row.run_id == run_id]
    served = [row for row in mine if row.kind in OURS and not row.detail.get("own_app")]
    if not served:
        others = ", ".join(row.name for row in mine)
        what = f"only {others}, which is not a task server of ours" if mine else "no task server"
        raise UsageError(f"Run {run_id} has {what}. Start one: scripts/local/launch_server.py {run_id}")
    found = task_server.health(served[-1].url or "", context.settings.timeout)
    if found is None or found.get("run_id") != run_id:
        raise UsageError(f"{served[-1].name} does not answer for run {run_id}. Nothing was measured.")
    if found.get("active"):
        raise UsageError(
            f"Workers have {found['active']} pages of {run_id} open. Measure while nobody works."
        )
    return Target(run, served[-1], links.read_token(context.settings.home / "runs" / run_id))


def steps(
    target: Target, *, bound: float, seconds: float, most: int, timeout: float, progress: Progress
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


def advise(target: Target, taken: Sequence[Step], *, bound: float, seconds_per_task: float) -> Advice:
    """Return what the steps mean for tasks of so many seconds: a worker opens one page in that time."""
    parameters = target.run.parameters
    kept = [step for step in taken if step.keeps_up(bound)]
    if not kept:
        text = f"{target.server.name} does not keep up with a single worker: {_trouble(taken[-1], bound)}."
        return Advice(0, 0, text)
    best = max(kept, key=lambda step: step.per_second)
    each = parameters.assignments_per_unit
    units = max(1, int(best.per_second * HEADROOM * seconds_per_task / each))
    wanted = min(parameters.max_num_concurrent_units or target.run.units, target.run.units)
    dynos = math.ceil(wanted * target.dynos / units)
    end = (
        "" if taken[-1].keeps_up(bound) else f", not with {taken[-1].workers} ({_trouble(taken[-1], bound)})"
    )
    return Advice(
        units,
        dynos,
        f"{target.server.name} keeps up with {kept[-1].workers} page loads at once and {best.per_second:.0f} pages/s"
        f"{end}: for tasks of {seconds_per_task:g} s set max_num_concurrent_units to {units} at most;"
        f" the {wanted} units that this run has out at once need dynos = {dynos}.",
    )


def as_json(target: Target, taken: Sequence[Step], advice: Advice, bound: float) -> dict[str, Any]:
    """Return what was measured, and what it means, as a JSON object."""
    return {
        "run_id": target.run.run_id,
        "server": target.server.name,
        "url": target.server.url,
        "bound_ms": bound,
        "steps": [
            {
                "workers": step.workers,
                "pages": step.pages,
                "errors": step.errors,
                "pages_per_second": round(step.per_second, 1),
                "median_ms": round(step.median, 1),
                "percentile_95_ms": round(step.percentile_95, 1),
                "keeps_up": step.keeps_up(bound),
            }
            for step in taken
        ],
        "max_num_concurrent_units": advice.max_num_concurrent_units,
        "dynos": advice.dynos,
    }


def row(step: Step) -> tuple[object, ...]:
    """Return a step as the row of a table under HEADERS."""
    times = (f"{value:.1f}" for value in (step.per_second, step.median, step.percentile_95))
    return (step.workers, step.pages, step.errors, *times)


def _trouble(step: Step, bound: float) -> str:
    if step.errors:
        return f"{step.errors} of {step.pages + step.errors} pages did not come"
    return f"95 % within {step.percentile_95:.0f} ms, over the bound of {bound:g} ms"


def _measure(target: Target, workers: int, seconds: float, timeout: float) -> Step:
    visits = [Visits(target, secrets.token_hex(4).upper(), number) for number in range(workers)]
    until = time.monotonic() + seconds
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for future in [pool.submit(visit.go_on, until, timeout) for visit in visits]:
            future.result()
    took = time.monotonic() - began
    for visit in visits:
        visit.release(timeout)
    times = sorted(spent for visit in visits for spent in visit.times)
    errors = sum(visit.errors for visit in visits)
    if not times:
        return Step(workers, 0, errors, 0.0, 0.0, 0.0)
    last = times[math.ceil(0.95 * len(times)) - 1]
    return Step(workers, len(times), errors, len(times) / took, statistics.median(times), last)


class Visits:
    """One simulated worker's page loads, each of an assignment that nobody else has. Only the run's own server is asked."""

    def __init__(self, target: Target, salt: str, number: int) -> None:
        self._target, self._name = target, f"ACAPACITY{salt}{number}"
        self._opened = 0
        self.times: list[float] = []  # milliseconds, of the pages that came
        self.errors = 0

    def go_on(self, until: float, timeout: float) -> None:
        """Open one page after another until a moment of the monotonic clock, and at least one."""
        import requests

        with requests.Session() as session:
            while not self._opened or time.monotonic() < until:
                address, query = self._next()
                began = time.monotonic()
                try:
                    answer = session.get(address, params=query, timeout=timeout, allow_redirects=False)
                except requests.RequestException:
                    self.errors += 1
                    continue
                if answer.status_code == 200:
                    self.times.append(1000 * (time.monotonic() - began))
                else:
                    self.errors += 1

    def release(self, timeout: float) -> None:
        """Give all leases back."""
        holders = [(f"{self._name}P{number}", f"{self._name}W{number}") for number in range(self._opened)]
        for start in range(0, len(holders), RELEASED_AT_ONCE):
            batch = holders[start : start + RELEASED_AT_ONCE]
            task_server.release(self._target.server.url or "", self._target.token, batch, timeout)

    def _next(self) -> tuple[str, dict[str, str]]:
        number, self._opened = self._opened, self._opened + 1
        index = number % self._target.run.units
        query = {
            "assignmentId": f"{self._name}P{number}",
            "hitId": f"{self._name}H",
            "workerId": f"{self._name}W{number}",
            "turkSubmitTo": SUBMIT_TO,
        }
        return links.unit_url(self._target.server.url or "", self._target.token, index), query
