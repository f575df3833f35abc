"""How a run ended: its last state, what its units came to, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from crowdops.context import Context
from crowdops.payments import pricing
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Run

LAUNCHED_STATES = ("outstanding", "finished", "disposed", "expired")


class Outcome(NamedTuple):
    """How attending a run ended. `in_flight` are HITs with accepted work, and until when it can be submitted."""

    run_id: str
    state: str
    reason: str | None
    in_flight: Sequence[tuple[Hit, datetime]] = ()


class Summary(NamedTuple):
    """An outcome with what the run has come to: units, assignments, dollars, calls and seconds of this command."""

    run: Run
    outcome: Outcome
    launched: int
    finished: int
    failed: int
    assignments: int
    cost: Decimal
    api_calls: int
    seconds: float


def summarize(context: Context, outcome: Outcome, seconds: float) -> Summary:
    """Return what a run has come to by the registry, after so many seconds of attending it."""
    run = context.registry.run(outcome.run_id)
    assert run is not None
    counts = context.registry.unit_counts(run.run_id)
    statuses = context.registry.status_counts(run.run_id)
    assignments = sum(statuses.values())
    paid = assignments - statuses.get("Rejected", 0)
    return Summary(
        run=run,
        outcome=outcome,
        launched=sum(counts.get(state, 0) for state in LAUNCHED_STATES),
        finished=counts.get("finished", 0),
        failed=counts.get("failed", 0),
        assignments=assignments,
        cost=pricing.assignment_cost(run.parameters, run.environment) * paid,
        api_calls=context.provider.calls,
        seconds=round(seconds, 3),
    )


def exit_code(summary: Summary) -> int:
    """Return 0 for a run that went as it was asked to, 130 for one that was stopped, 1 for the others."""
    if summary.outcome.state == "stopped":
        return 130
    return 1 if summary.outcome.reason or summary.failed else 0
