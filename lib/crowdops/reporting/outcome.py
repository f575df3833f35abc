"""What became of the runs of a report, in a sentence each, and what to type next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from crowdops.payments import budgets
from crowdops.payments.account import RunFigures
from crowdops.registry import Registry, Run, locks
from crowdops.registry.tally import Tally, tallies


class RunOutcome(NamedTuple):
    """A run and what became of it. Money in dollars; `tally` says what became of its units.

    `condition` is attended, detached, crashed or ended. `bound` is what it has to pay if all that is out is
    approved; it stays within `max_cost`, which may be None.
    """

    run_id: str
    task_name: str
    environment: str
    endpoint: str
    state: str
    condition: str
    reason: str | None
    created_at: datetime
    ended_at: datetime | None
    tally: Tally
    assignments_per_unit: int
    reward: Decimal
    unreviewed: int
    spent: Decimal
    bound: Decimal
    max_cost: Decimal | None
    verdict: str
    next_command: str


def outcomes(registry: Registry, home: Path, figures: Sequence[RunFigures]) -> list[RunOutcome]:
    """Return what became of the runs of these figures, in their order, from what the registry has."""
    counts = tallies(registry, [known.run for known in figures])
    return [_outcome(registry, home, known, counts[known.run.run_id]) for known in figures]


def worst(known: Sequence[RunOutcome]) -> RunOutcome | None:
    """Return the run that needs somebody most: crashed, then alive, then unreviewed; the newest of equals."""
    return max(known, key=lambda outcome: (_urgency(outcome), outcome.run_id), default=None)


def _urgency(outcome: RunOutcome) -> int:
    if outcome.condition == "crashed":
        return 3
    if outcome.condition != "ended":
        return 2
    return 1 if outcome.unreviewed else 0


def _outcome(registry: Registry, home: Path, known: RunFigures, counts: Tally) -> RunOutcome:
    run, figures = known
    condition = locks.condition(home, run)
    return RunOutcome(
        run_id=run.run_id,
        task_name=run.task_name,
        environment=run.environment,
        endpoint=run.endpoint,
        state=run.state,
        condition=condition,
        reason=run.reason,
        created_at=run.created_at,
        ended_at=run.ended_at,
        tally=counts,
        assignments_per_unit=run.parameters.assignments_per_unit,
        reward=run.parameters.task_reward,
        unreviewed=figures.unreviewed,
        spent=figures.spent,
        bound=budgets.Budget(registry, run).bound,
        max_cost=run.parameters.max_cost,
        verdict=_verdict(run, condition, counts, figures.unreviewed),
        next_command=_next_command(run, condition, counts, figures.unreviewed),
    )


def _verdict(run: Run, condition: str, counts: Tally, unreviewed: int) -> str:
    """Return in a sentence how a run stands."""
    if condition == "ended":
        words = f"{run.state}: {counts.describe()}"
    elif condition == "crashed":
        words = f"crashed, nobody attends it: {counts.describe()}"
    else:
        words = f"{run.state}, {condition}: {counts.describe()}"
    return f"{words}; {unreviewed} not reviewed." if unreviewed else f"{words}."


def _next_command(run: Run, condition: str, counts: Tally, unreviewed: int) -> str:
    """Return what to type next."""
    if condition == "crashed":
        return "make recover ARGS=--dry-run"
    if condition != "ended":
        return f"make status RUN={run.run_id}"
    if unreviewed:
        return f"make review RUN={run.run_id}"
    if counts.is_short:
        return f"make diagnose RUN={run.run_id}"
    return f"make results RUN={run.run_id}"
