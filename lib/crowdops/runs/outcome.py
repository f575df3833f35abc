"""How attending a run ended, and what the run has come to by then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from crowdops.console import times
from crowdops.context import Context
from crowdops.formats import words
from crowdops.payments import pricing
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Run
from crowdops.registry.tally import Tally, tally

MOST_ERRORS = 3  # that are told of units that failed


class Outcome(NamedTuple):
    """How attending a run ended. `in_flight` are HITs with accepted work, and until when it can come in."""

    run_id: str
    state: str
    reason: str | None
    in_flight: Sequence[tuple[Hit, datetime]] = ()

    def describe_in_flight(self) -> list[str]:
        """Return a line for each HIT with accepted work."""
        return [
            f"HIT {hit.hit_id}: {hit.pending} accepted, not submitted; possible until {times.said(latest)}"
            " at the latest."
            for hit, latest in self.in_flight
        ]


class RunReport(NamedTuple):
    """An outcome with what the run has come to: units by state, assignments, dollars, calls and seconds.

    `tally` says what became of the units.
    """

    run: Run
    outcome: Outcome
    counts: Counter[str]
    tally: Tally
    assignments: int
    cost: Decimal
    api_calls: int
    seconds: float


def report(context: Context, outcome: Outcome, seconds: float) -> RunReport:
    """Return what a run has come to by the registry, after so many seconds of attending it."""
    run = context.registry.run(outcome.run_id)
    assert run is not None
    statuses = context.registry.status_counts(run.run_id)
    price = pricing.assignment_cost(run.parameters, run.environment)
    return RunReport(
        run=run,
        outcome=outcome,
        counts=context.registry.unit_counts(run.run_id),
        tally=tally(context.registry, run),
        assignments=statuses.total(),
        cost=price * (statuses.total() - statuses["Rejected"]),
        api_calls=context.provider.calls,
        seconds=round(seconds, 3),
    )


def shortfall(context: Context, run: Run, *, by_itself: bool) -> str | None:
    """Return in words what a run lacks that is left without any other reason, or None.

    Failed units are told in any case, and too few answers if the run has come to its end `by_itself`.
    """
    counts = tally(context.registry, run)
    lines = []
    if counts.failed:
        errors = context.registry.failures(run.run_id, MOST_ERRORS)
        units = words.count(counts.failed, "unit")
        lines.append(f"{units} failed: {'; '.join(error.rstrip('.') for error in errors)}.")
    if by_itself and counts.is_short:
        lines.append(f"Fewer answers came in than were asked for: {counts.answers} of {counts.asked}.")
    return " ".join(lines) or None


def exit_code(report: RunReport) -> int:
    """Return 0 for a run that went as it was asked to, 130 for one that was stopped, 1 for the others."""
    if report.outcome.state == "stopped":
        return 130
    return 1 if report.outcome.reason else 0
