"""What the registry and this machine know of the runs that are watched. No call to anybody."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from crowdops.config.settings import Selection, Settings
from crowdops.diagnosis import snapshot
from crowdops.diagnosis.snapshot import Process
from crowdops.payments import account, budgets, pricing
from crowdops.payments.account import Figures
from crowdops.registry import END_STATES, Registry, Run, backups, locks, selection, tally
from crowdops.registry.tally import Tally

RECENT = timedelta(days=1)  # a run that has ended is watched for so long: somebody reads this every morning
DUE = timedelta(days=1)  # before an auto-approval

Due = tuple[int, datetime]  # so many assignments, and when the first of them


class KnownRun(NamedTuple):
    """What the registry knows of a run. Dollars: see RunFacts; `unlaunched` is for units without a HIT.

    `unreviewed` assignments have not approved themselves yet, and those that are `due` do so within a day,
    by this machine's clock.
    """

    run: Run
    condition: str
    process: Process
    tally: Tally
    figures: Figures
    bound: Decimal
    unlaunched: Decimal
    collected: int
    last_submission: datetime | None
    unreviewed: int = 0
    due: Due | None = None


class Known(NamedTuple):
    """What is watched, and what the registry has beside it.

    `conditions` has every run, `run_counts` counts them by (task_name, state). `begun_at` is when the first
    run of the registry was made.
    """

    runs: list[KnownRun]
    conditions: Mapping[str, str]
    run_counts: Mapping[tuple[str, str], int]
    last_backup: datetime | None
    begun_at: datetime | None


def read(registry: Registry, settings: Settings, selected: Selection, now: datetime) -> Known:
    """Return what is known of the selected runs; without a selection, of all that want to be watched."""
    runs = registry.runs()
    conditions = {run.run_id: locks.condition(settings.home, run) for run in runs}
    unreviewed = registry.unreviewed_counts(now)
    if selected.takes_all:
        chosen = _watched(runs, registry.live_runs() | unreviewed.keys(), now)
    else:
        chosen = selection.select(registry, selected)
    tallies = tally.tallies(registry, chosen)
    due = due_approvals(registry, chosen, now)
    return Known(
        runs=[
            _known_run(registry, settings, run, conditions[run.run_id], tallies[run.run_id])._replace(
                unreviewed=unreviewed[run.run_id], due=due.get(run.run_id)
            )
            for run in chosen
        ],
        conditions=conditions,
        run_counts=Counter((run.task_name, run.state) for run in runs),
        last_backup=_last_backup(settings),
        begun_at=runs[0].created_at if runs else None,
    )


def _watched(runs: Sequence[Run], wanted: Set[str], now: datetime) -> list[Run]:
    """Return the runs that are `wanted` by their ids, and those that have ended just now."""
    return [
        run
        for run in runs
        if run.run_id in wanted or (run.ended_at is not None and now - run.ended_at < RECENT)
    ]


def _known_run(registry: Registry, settings: Settings, run: Run, condition: str, counts: Tally) -> KnownRun:
    [(_, figures)] = account.read(registry, [run])
    budget = budgets.Budget(registry, run)
    _, submitted = registry.last_work(run.run_id)
    return KnownRun(
        run=run,
        condition=condition,
        process=snapshot.read_process(registry, settings.home, run),
        tally=counts,
        figures=figures,
        bound=budget.bound,
        unlaunched=_unlaunched(run, counts, budget.bound),
        collected=registry.assignment_count(run.run_id),
        last_submission=submitted,
    )


def _unlaunched(run: Run, counts: Tally, bound: Decimal) -> Decimal:
    """Return what the units of a run that have no HIT yet will cost; max_cost lets no more be spent."""
    if run.state in END_STATES:
        return Decimal(0)
    units = counts.never_launched * run.parameters.assignments_per_unit
    cost = units * pricing.assignment_cost(run.parameters, run.environment)
    limit = run.parameters.max_cost
    return cost if limit is None else max(Decimal(0), min(cost, limit - bound))


def due_approvals(registry: Registry, runs: Sequence[Run], now: datetime) -> dict[str, Due]:
    """Return by run how much unreviewed work is approved by itself within a day, and when that begins."""
    return registry.due_approvals([run.run_id for run in runs], now, now + DUE)


def _last_backup(settings: Settings) -> datetime | None:
    with contextlib.suppress(OSError):  # a folder that nobody may look into holds no backup for us
        for backup in backups.existing(settings.home):
            return backup.made_at
    return None
