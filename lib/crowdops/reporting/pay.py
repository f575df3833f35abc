"""What workers got an hour, against a line, and what would lift everybody to it."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from crowdops.reporting.spread import Bar, Spread

LINE = Decimal("12.00")  # dollars an hour: what Prolific recommends
FLOOR = Decimal("8.00")  # dollars an hour: what Prolific allows


class TopUp(NamedTuple):
    """A bonus that lifts a worker to the line; paid with the worker's first approved assignment."""

    worker_id: str
    run_id: str
    assignment_id: str
    amount: Decimal


class Pay(NamedTuple):
    """What workers got, in dollars an hour of time on task: a worker's rewards and bonuses by all their time.

    `by_worker` has a number for each worker with approved or unreviewed work, as if the latter were approved;
    `with_rejected` counts the time of rejected work, too, which earned nothing. `bars` are of `by_worker`.
    `below_line` and `below_floor` count workers. `lift` dollars would lift `lifted_workers` to the line, and
    cost `lift_cost` with fees. Of that, `due` is for approved work, and what a bonus file holds, in
    `due_workers` rows, at `due_cost` with fees. `unreviewed`, `rejected` and `untimed` count assignments;
    those without time are left out.
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
