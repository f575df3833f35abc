"""What was spent, in all and by day, beside the budget."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

from crowdops.payments import account, pricing
from crowdops.payments.account import RunFigures
from crowdops.registry import Result, Run
from crowdops.reporting.outcome import RunOutcome

NOTHING = Decimal("0.00")


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


class Spending:
    """What was spent so far: a number for each day of a run, and the sums of each day's bonuses."""

    def __init__(self, runs: Mapping[str, Run]) -> None:
        self._runs = runs
        self._approved: Counter[tuple[date | None, str]] = Counter()
        self._bonuses: defaultdict[date | None, Decimal] = defaultdict(lambda: NOTHING)
        self._bonus_fees: defaultdict[date | None, Decimal] = defaultdict(lambda: NOTHING)

    def add(self, result: Result) -> None:
        """Take an assignment in."""
        if result.assignment.status == "Approved":
            self._approved[_day(result.assignment.approved_at), result.run_id] += 1

    def add_bonus(self, run_id: str, amount: Decimal, paid_at: datetime | None) -> None:
        """Take a bonus in that was paid."""
        day = _day(paid_at)
        self._bonuses[day] += amount
        self._bonus_fees[day] += pricing.bonus_cost([amount], self._runs[run_id].environment) - amount

    def days(self) -> list[Day]:
        """Return what was spent by day."""
        rewards: defaultdict[date | None, Decimal] = defaultdict(lambda: NOTHING)
        fees: defaultdict[date | None, Decimal] = defaultdict(lambda: NOTHING)
        counts: Counter[date | None] = Counter()
        for (day, run_id), count in self._approved.items():
            run = self._runs[run_id]
            reward, cost = (
                run.parameters.task_reward,
                pricing.assignment_cost(run.parameters, run.environment),
            )
            rewards[day] += reward * count
            fees[day] += (cost - reward) * count
            counts[day] += count
        days, so_far = [], NOTHING
        for day in sorted(counts.keys() | self._bonuses.keys(), key=lambda day: day or date.min):
            spent = rewards[day] + fees[day] + self._bonuses[day] + self._bonus_fees[day]
            so_far += spent
            days.append(
                Day(
                    day=day,
                    approved=counts[day],
                    rewards=rewards[day],
                    fees=fees[day],
                    bonuses=self._bonuses[day],
                    bonus_fees=self._bonus_fees[day],
                    spent=spent,
                    so_far=so_far,
                )
            )
        return days


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.astimezone(UTC).date()


def costs(figures: Iterable[RunFigures], outcomes: Sequence[RunOutcome], days: list[Day]) -> Costs:
    """Return what runs have cost: their figures and outcomes, and what was spent by day."""
    total = account.total(list(figures))
    limits = [run.max_cost for run in outcomes if run.max_cost is not None]
    return Costs(
        approved=total.approved,
        rewards=total.rewards,
        fees=total.fees,
        bonuses=total.bonuses,
        bonus_fees=total.bonus_fees,
        spent=total.spent,
        unreviewed=total.unreviewed,
        unreviewed_cost=total.unreviewed_cost,
        to_spend=total.to_spend,
        bound=sum((run.bound for run in outcomes), NOTHING),
        budget=sum(limits, NOTHING) if outcomes and len(limits) == len(outcomes) else None,
        days=days,
    )
