"""What workers got an hour, against a line, and what would lift everybody to it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from crowdops.payments import pricing
from crowdops.registry import Result, Run
from crowdops.reporting import spread
from crowdops.reporting.spread import Bar, Spread

LINE = Decimal("12.00")  # dollars an hour: what Prolific recommends
FLOOR = Decimal("8.00")  # dollars an hour: what Prolific allows
HOUR = timedelta(hours=1)
REASON = "A bonus that brings your pay to"  # how the reason of a bonus begins that lifts somebody to a line
NEVER = datetime.min.replace(tzinfo=UTC)
NOTHING = Decimal("0.00")


class TopUp(NamedTuple):
    """A bonus that lifts a worker to the line, with the worker's assignment that was approved last.

    `twins` bonuses like it have been paid with that assignment before, for other work.
    """

    worker_id: str
    run_id: str
    assignment_id: str
    amount: Decimal
    twins: int = 0


class Pay(NamedTuple):
    """What workers got, in dollars an hour of time on task: a worker's rewards and bonuses by all their time.

    `by_worker` has a number for each worker with approved or unreviewed work, as if the latter were approved;
    `with_rejected` counts the time of rejected work, too, which earned nothing. `bars` are of `by_worker`.
    `below_line` and `below_floor` count workers. `lift` dollars would lift `lifted_workers` to the line, and
    cost `lift_cost` with fees. Of that, `due` is for approved work, and what a bonus file holds, in
    `due_workers` rows, at `due_cost` with fees; it takes bonuses that may have been sent for sent.
    `unreviewed`, `rejected` and `untimed` count assignments; those without time are left out, with their pay.
    """

    line: Decimal
    floor: Decimal
    by_worker: Spread | None
    with_rejected: Spread | None
    bars: list[Bar]
    below_line: int
    below_floor: int
    lifted_workers: int
    lift: Decimal
    lift_cost: Decimal
    due_workers: int
    due: Decimal
    due_cost: Decimal
    unreviewed: int
    rejected: int
    untimed: int


@dataclass(slots=True)
class Work:
    """Work of a worker: the time that it took, and the dollars that it brings."""

    time: timedelta = timedelta(0)
    pay: Decimal = NOTHING

    def add(self, time: timedelta, pay: Decimal) -> None:
        """Take an assignment in."""
        self.time += time
        self.pay += pay

    @property
    def hourly(self) -> float | None:
        """Dollars an hour, None without any time."""
        return float(self.pay) / (self.time / HOUR) if self.time else None

    def lift(self, line: Decimal) -> Decimal:
        """Return what lifts this work to a line of dollars an hour, rounded up to the cent."""
        microsecond = timedelta(microseconds=1)
        top, bottom = (100 * line).as_integer_ratio()
        cents = -(-(top * (self.time // microsecond)) // (bottom * (HOUR // microsecond)))
        return max(NOTHING, Decimal(cents).scaleb(-2) - self.pay)


@dataclass(slots=True)
class Earnings:
    """What a worker got in all (`earned`), and the timed work: approved, not reviewed, and rejected.

    `run` and `assignment_id` are those of the assignment that was approved last, at `approved_at`.
    """

    approved: Work
    unreviewed: Work | None = None
    rejected: Work | None = None
    earned: Decimal = NOTHING
    approved_at: datetime = NEVER
    assignment_id: str = ""
    run: Run | None = None

    def add(self, result: Result, run: Run, time: timedelta | None) -> None:
        """Take an assignment in."""
        assignment = result.assignment
        bonus = assignment.bonus or NOTHING
        reward = NOTHING if assignment.status == "Rejected" else run.parameters.task_reward
        self.earned += bonus + (reward if assignment.status == "Approved" else NOTHING)
        self.run = self.run or run
        if time is None:
            return
        self._work(assignment.status).add(time, reward + bonus)
        moment = (assignment.approved_at or NEVER, assignment.assignment_id)
        if assignment.status == "Approved" and moment > (self.approved_at, self.assignment_id):
            self.approved_at, self.assignment_id = moment
            self.run = run

    def _work(self, status: str) -> Work:
        if status == "Approved":
            return self.approved
        if status == "Rejected":
            self.rejected = self.rejected or Work()
            return self.rejected
        self.unreviewed = self.unreviewed or Work()
        return self.unreviewed

    @property
    def kept(self) -> Work:
        """The approved work and that which is not reviewed."""
        return _sum(self.approved, self.unreviewed)

    @property
    def all(self) -> Work:
        """All timed work."""
        return _sum(self.kept, self.rejected)


def _sum(one: Work, other: Work | None) -> Work:
    return one if other is None else Work(one.time + other.time, one.pay + other.pay)


class Given(NamedTuple):
    """Bonuses of before: dollars by worker that may have been sent, and how often which amount was paid.

    The latter by assignment, worker and amount, of such bonuses only as lift to a line.
    """

    sending: Mapping[str, Decimal]
    paid: Mapping[tuple[str, str, Decimal], int]


def top_ups(earnings: Iterable[tuple[str, Earnings]], line: Decimal, given: Given) -> list[TopUp]:
    """Return the bonuses that lift each worker's approved work to a line. Nobody is lifted twice for it.

    What may have been sent counts as sent.
    """
    due = []
    for worker_id, earned in earnings:
        amount = earned.approved.lift(line) - given.sending.get(worker_id, NOTHING)
        if amount > 0 and earned.run and earned.assignment_id:
            twins = given.paid.get((earned.assignment_id, worker_id, amount), 0)
            due.append(TopUp(worker_id, earned.run.run_id, earned.assignment_id, amount, twins))
    return due


class Counts(NamedTuple):
    """How many assignments have been left out of the pay, or may still be."""

    unreviewed: int
    rejected: int
    untimed: int


def pay(
    earnings: Iterable[Earnings], due: Iterable[TopUp], runs: Mapping[str, Run], line: Decimal, counts: Counts
) -> Pay:
    """Return what workers got an hour. `runs` are those of the bonuses that are `due`, by id."""
    kept, everything = array("d"), array("d")
    lifts: list[tuple[str, Decimal]] = []
    below_floor = 0
    for earned in earnings:
        _append(kept, earned.kept.hourly)
        _append(everything, earned.all.hourly)
        below_floor += earned.kept.lift(FLOOR) > 0
        lift = earned.kept.lift(line)
        if lift and earned.run:
            lifts.append((earned.run.environment, lift))
    rows = [(runs[top_up.run_id].environment, top_up.amount) for top_up in due]
    return Pay(
        line=line,
        floor=FLOOR,
        by_worker=spread.spread(kept),
        with_rejected=spread.spread(everything),
        bars=spread.bars(kept),
        below_line=len(lifts),
        below_floor=below_floor,
        lifted_workers=len(lifts),
        lift=_total(lifts),
        lift_cost=_cost(lifts),
        due_workers=len(rows),
        due=_total(rows),
        due_cost=_cost(rows),
        unreviewed=counts.unreviewed,
        rejected=counts.rejected,
        untimed=counts.untimed,
    )


def _append(values: array[float], value: float | None) -> None:
    if value is not None:
        values.append(value)


def _total(rows: Iterable[tuple[str, Decimal]]) -> Decimal:
    return sum((amount for _, amount in rows), NOTHING)


def _cost(rows: Iterable[tuple[str, Decimal]]) -> Decimal:
    return sum((pricing.bonus_cost([amount], environment) for environment, amount in rows), NOTHING)
