"""The workers of a report, one by one."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

FAST_SHARE = 1 / 3  # of the median worker's time; less is unusually fast
FAST_WORKERS = 5  # with fewer workers nobody is called fast


class WorkerRow(NamedTuple):
    """What a worker did and got. Times in seconds, money in dollars, shares from 0 to 1.

    `is_fast`: the worker's median time is less than a third of the median of all workers' medians, where five
    or more have one. `agreed` of `compared` answers say what more than half of their unit's say.
    `gold_right` of `gold_answered` assignments match gold answers. `earned` and `hourly_pay` as in Pay, and
    `lift` is what would lift the worker to the line.
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
