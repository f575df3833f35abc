"""What work costs: rewards, bonuses and fees, in Decimal from the file to the API. All amounts are dollars.

The shares stand in config.environments. They are added up and rounded half up to the cent, once.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from crowdops.config.environments import ENVIRONMENTS, MANY_ASSIGNMENTS, MASTERS, Fees
from crowdops.config.parameters import Parameters
from crowdops.formats import words

CENT = Decimal("0.01")


class Estimate(NamedTuple):
    """What a run costs if all of its work is approved."""

    units: int
    assignments: int
    reward: Decimal
    fee: Decimal
    rate: Decimal
    rate_for_many: Decimal  # the part of the rate that is for HITs with many assignments
    split_total: Decimal  # what it costs if no HIT has so many

    @property
    def total(self) -> Decimal:
        """Rewards and fees."""
        return self.reward + self.fee

    def describe(self) -> str:
        """Return the estimate in one line, and in a second what smaller HITs would save."""
        line = (
            f"{words.count(self.units, 'unit')}, {words.count(self.assignments, 'assignment')}:"
            f" ${self.reward} in rewards"
            f" + ${self.fee} in fees ({self.rate:.0%}) = ${self.total}"
        )
        assignments_per_unit = self.assignments // self.units if self.units else 0
        if assignments_per_unit < MANY_ASSIGNMENTS:
            return line
        hits = -(-assignments_per_unit // (MANY_ASSIGNMENTS - 1))
        return (
            f"{line}\nHITs with {MANY_ASSIGNMENTS} and more assignments cost another"
            f" {self.rate_for_many:.0%}. {hits} HITs of at most {MANY_ASSIGNMENTS - 1} in place of each would"
            f" cost ${self.split_total} in all."
        )


def estimate(parameters: Parameters, units: int, environment: str) -> Estimate:
    """Return what so many units of a run cost."""
    fees, masters = ENVIRONMENTS[environment].fees, asks_for_masters(parameters)
    reward, assignments = parameters.task_reward, units * parameters.assignments_per_unit
    rewards = (reward * assignments).quantize(CENT)
    return Estimate(
        units=units,
        assignments=assignments,
        reward=rewards,
        fee=(assignment_cost(parameters, environment) - reward) * assignments,
        rate=_rate(fees, parameters.assignments_per_unit, masters),
        rate_for_many=fees.share_for_many,
        split_total=rewards + fee(reward, 1, masters=masters, environment=environment) * assignments,
    )


def fee(
    reward: Decimal, assignments_per_unit: int, *, masters: bool = False, environment: str = "local"
) -> Decimal:
    """Return the fee for one assignment of a HIT that was made with so many assignments."""
    fees = ENVIRONMENTS[environment].fees
    return _rounded(reward * _rate(fees, assignments_per_unit, masters), fees)


def assignment_cost(parameters: Parameters, environment: str) -> Decimal:
    """Return what one approved assignment of a run costs, fee included."""
    masters = asks_for_masters(parameters)
    reward, assignments = parameters.task_reward, parameters.assignments_per_unit
    return reward + fee(reward, assignments, masters=masters, environment=environment)


def bonus_cost(amounts: Iterable[Decimal], environment: str) -> Decimal:
    """Return what bonuses cost, each with its fee."""
    fees = ENVIRONMENTS[environment].fees
    return sum((amount + _rounded(amount * fees.share, fees) for amount in amounts), Decimal(0))


def asks_for_masters(parameters: Parameters) -> bool:
    """Return whether only Masters may do the work."""
    return any(
        requirement["QualificationTypeId"] in MASTERS and requirement["Comparator"] == "Exists"
        for requirement in parameters.qualifications
    )


def _rate(fees: Fees, assignments_per_unit: int, masters: bool) -> Decimal:
    rate = fees.share + (fees.share_for_many if assignments_per_unit >= MANY_ASSIGNMENTS else 0)
    return rate + (fees.share_for_masters if masters else 0)


def _rounded(fee: Decimal, fees: Fees) -> Decimal:
    return max(fees.least, fee.quantize(CENT, ROUND_HALF_UP))
