"""The workers of a report, one by one."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from crowdops.registry import Result, Run
from crowdops.reporting.pay import Earnings, Work
from crowdops.reporting.spread import median

FAST_SHARE = 1 / 3  # of the median worker's time; less is unusually fast
FAST_WORKERS = 5  # with fewer workers nobody is called fast


class WorkerRow(NamedTuple):
    """What a worker did and got. Times in seconds, money in dollars, shares from 0 to 1.

    `is_fast`: the worker's median time is less than a third of the median of all workers' medians, where five
    or more have one. Of `compared` answers, field by field, `agreed` say what more than half of their unit's
    say, two at least; units without such a majority say nothing. `gold_right` of `gold_answered` assignments
    match gold answers. `earned` is what the worker got; `hourly_pay` and `lift` are as in Pay.
    """

    worker_id: str
    assignments: int
    approved: int
    rejected: int
    unreviewed: int
    median_seconds: float | None
    is_fast: bool
    compared: int
    agreed: int
    agreement: float | None
    gold_answered: int
    gold_right: int
    gold_accuracy: float | None
    earned: Decimal
    hourly_pay: float | None
    lift: Decimal


@dataclass(slots=True)
class WorkerTally:
    """What is known of a worker so far: counts, money, and a number for each assignment's time."""

    approved: int = 0
    rejected: int = 0
    unreviewed: int = 0
    compared: int = 0
    agreed: int = 0
    gold_answered: int = 0
    gold_right: int = 0
    seconds: array[float] = field(default_factory=lambda: array("d"))
    earnings: Earnings = field(default_factory=lambda: Earnings(Work()))

    @property
    def assignments(self) -> int:
        """How many assignments the worker submitted."""
        return self.approved + self.rejected + self.unreviewed

    def add(self, result: Result, run: Run, time: timedelta | None, *, is_right: bool | None) -> None:
        """Take an assignment in; `is_right` by gold answers, None where there are none."""
        status = result.assignment.status
        self.approved += status == "Approved"
        self.rejected += status == "Rejected"
        self.unreviewed += status == "Submitted"
        self.gold_answered += is_right is not None
        self.gold_right += bool(is_right)
        if time is not None:
            self.seconds.append(time.total_seconds())
        self.earnings.add(result, run, time)


class Workers:
    """The workers so far, by id."""

    def __init__(self) -> None:
        self.tallies: dict[str, WorkerTally] = {}

    def of(self, worker_id: str) -> WorkerTally:
        """Return a worker's tally."""
        if worker_id not in self.tallies:
            self.tallies[worker_id] = WorkerTally()
        return self.tallies[worker_id]

    def earnings(self) -> Iterator[tuple[str, Earnings]]:
        """Yield each worker's id and what the worker earned, by id."""
        yield from ((worker_id, self.tallies[worker_id].earnings) for worker_id in sorted(self.tallies))

    def rows(self, line: Decimal) -> list[WorkerRow]:
        """Return a row for each worker, who did most first."""
        medians = {worker_id: median(tally.seconds) for worker_id, tally in self.tallies.items()}
        limit = fast_limit([seconds for seconds in medians.values() if seconds is not None])
        order = sorted(self.tallies.items(), key=lambda item: (-item[1].assignments, item[0]))
        return [_row(worker_id, tally, medians[worker_id], limit, line) for worker_id, tally in order]


def fast_limit(medians: list[float]) -> float:
    """Return below how many seconds a worker's median time is unusually fast; 0 for too few workers."""
    usual = median(medians)
    return usual * FAST_SHARE if usual is not None and len(medians) >= FAST_WORKERS else 0.0


def _row(worker_id: str, tally: WorkerTally, seconds: float | None, limit: float, line: Decimal) -> WorkerRow:
    kept = tally.earnings.kept
    return WorkerRow(
        worker_id=worker_id,
        assignments=tally.assignments,
        approved=tally.approved,
        rejected=tally.rejected,
        unreviewed=tally.unreviewed,
        median_seconds=seconds,
        is_fast=seconds is not None and seconds < limit,
        compared=tally.compared,
        agreed=tally.agreed,
        agreement=_share(tally.agreed, tally.compared),
        gold_answered=tally.gold_answered,
        gold_right=tally.gold_right,
        gold_accuracy=_share(tally.gold_right, tally.gold_answered),
        earned=tally.earnings.earned,
        hourly_pay=kept.hourly,
        lift=kept.lift(line),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
