"""What was spent, in all and by day, beside the budget."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple


class Day(NamedTuple):
    """What was spent on a day (UTC) in dollars: when work was approved and bonuses were paid.

    `day` is None for what has no moment. `so_far` adds up all days until then.
    """

    day: date | None
    approved: int
    rewards: Decimal
    fees: Decimal
    bonuses: Decimal
    bonus_fees: Decimal
    spent: Decimal
    so_far: Decimal


class Costs(NamedTuple):
    """What was spent, as print_account has it, in dollars. `bound` is what has to be paid if all is approved.

    `budget` is the sum of every max_cost, None unless each run has one. `days` are in order, without days on
    which nothing was spent; what has no moment comes first.
    """

    approved: int
    rewards: Decimal
    fees: Decimal
    bonuses: Decimal
    bonus_fees: Decimal
    spent: Decimal
    unreviewed: int
    unreviewed_cost: Decimal
    to_spend: Decimal
    bound: Decimal
    budget: Decimal | None
    days: list[Day]
