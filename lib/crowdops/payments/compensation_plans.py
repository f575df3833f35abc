"""Which compensations are due: for workers who could not be paid otherwise, each named by somebody."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from crowdops import errors
from crowdops.bulk import BulkResult
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.formats import csv_files, money
from crowdops.payments import pricing
from crowdops.registry import Registry, Run
from crowdops.workers import worker_ids

REQUIRED = ("worker_id", "amount", "reason")
REASON_LENGTH = 1000


class Makeup(NamedTuple):
    """A compensation that somebody asked for. It is these values together: equal ones are one."""

    row: int | None
    worker_id: str
    amount: Decimal
    reason: str

    def identity(self, endpoint: str, task_name: str) -> str:
        """Return what tells this compensation from all others. Its endpoint is where it was seen first."""
        parts = (endpoint, task_name, self.worker_id, str(self.amount), self.reason)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def fee(self, environment: str) -> Decimal:
        """Return what it costs beside its amount. Dollars."""
        return pricing.fee(self.amount, 1, environment=environment)


class MakeupPlan(NamedTuple):
    """What is to be made, and what exists already. `original` is a run that they make up for."""

    original: Run
    due: list[Makeup]
    made: list[Makeup]

    @property
    def total(self) -> Decimal:
        """What it costs, fees included."""
        environment = self.original.environment
        return sum((makeup.amount + makeup.fee(environment) for makeup in self.due), Decimal(0))

    @property
    def known(self) -> BulkResult[Makeup]:
        """What comes of it without a call: what exists already."""
        return BulkResult(already=len(self.made))


def requested(workers: Sequence[str], amount: str, reason: str) -> list[Makeup]:
    """Return the compensations of these workers, which are alike. UsageError as read()."""
    place = "--worker, --amount, --reason"
    is_blank = not workers or not all(worker.strip() for worker in workers)
    named = [""] if is_blank else worker_ids.named(workers, None)
    return [_check(worker_id, amount, reason, place=place) for worker_id in named]


def read(path: Path) -> list[Makeup]:
    """Return the rows of a file. UsageError for any that cannot be made, and for two that are the same."""
    makeups: dict[tuple[str, Decimal, str], Makeup] = {}
    for row in csv_files.read(path, REQUIRED):
        worker_id, amount, reason = map(row.text, REQUIRED)
        makeup = _check(worker_id, amount, reason, place=f"{path}: row {row.number}", row=row.number)
        if twin := makeups.get(makeup[1:]):
            raise UsageError(f"{path}: row {row.number} is the same as row {twin.row}. Nothing was created.")
        makeups[makeup[1:]] = makeup
    return list(makeups.values())


def _check(worker_id: str, amount: str, reason: str, *, place: str, row: int | None = None) -> Makeup:
    try:
        dollars = money.dollars(amount)
    except ValueError as error:
        raise UsageError(f"{place}: {error}. Nothing was created.") from error
    if not worker_id or not 0 < len(reason) <= REASON_LENGTH or not reason.isprintable():
        raise UsageError(
            f"{place}: a worker and a reason of 1 to {REASON_LENGTH} characters on one line are needed; the"
            " worker reads the reason. Nothing was created."
        )
    return Makeup(row, worker_ids.check(worker_id, place), dollars, reason)


def plan(context: Context, task_name: str, makeups: Sequence[Makeup], runs: Sequence[Run]) -> MakeupPlan:
    """Return which of these still have to be made. No API call. UsageError if no run has the task_name."""
    original = next((run for run in reversed(runs) if run.task_name == task_name), None)
    if original is None:
        raise UsageError(
            f"No run at {context.settings.endpoint} has the task_name {task_name!r}."
            f"{errors.nearest(task_name, [run.task_name for run in runs])} See them: make runs"
        )
    makeup_plan = MakeupPlan(original, [], [])
    for makeup in makeups:
        run_id = context.registry.makeup_run(makeup.identity(context.first_endpoint, task_name))
        is_made = run_id is not None and _is_made(context.registry, run_id)
        (makeup_plan.made if is_made else makeup_plan.due).append(makeup)
    return makeup_plan


def _is_made(registry: Registry, run_id: str) -> bool:
    unit = registry.unit(run_id, 0)
    return unit is not None and unit.hit_id is not None
