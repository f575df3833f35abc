"""A run's max_cost as a wall: what it may still cost, counted so that it can never be exceeded."""

from __future__ import annotations

from decimal import Decimal

from crowdops import payments
from crowdops.parameters import Parameters
from crowdops.registry import Registry, Run


class Budget:
    """What a run has bound itself to pay, and what its max_cost leaves. Read once; take() keeps count.

    Bound are all assignments of its open HITs, what was submitted elsewhere and not rejected, and the
    bonuses that were paid or may have been; each with its fee.
    """

    def __init__(self, registry: Registry, run: Run) -> None:
        parameters = Parameters.from_json(run.parameters)
        self._limit = parameters.max_cost
        self.bound = assignments_bound(registry, run, parameters) * payments.assignment_cost(
            parameters, run.environment
        )
        for amount in registry.bonus_amounts(run.run_id, "sending", "paid"):
            self.bound += amount + payments.bonus_fee(amount, run.environment)

    def take(self, price: Decimal) -> bool:
        """Bind the run to a price. False, and nothing is bound, if that is over its max_cost."""
        if self._limit is not None and self.bound + price > self._limit:
            return False
        self.bound += price
        return True

    def units_left(self, price: Decimal, wanted: int) -> int:
        """Return how many units of a price the run may still have, at most so many as are wanted."""
        if self._limit is None:
            return wanted
        return max(0, min(wanted, int((self._limit - self.bound) / price)))

    def refusal(self, price: Decimal) -> str:
        """Say why a price was not taken."""
        return (
            f"${price} more would take the run over its max_cost: ${self.bound} of ${self._limit} are bound"
        )


def assignments_bound(registry: Registry, run: Run, parameters: Parameters) -> int:
    """Return how many assignments a run has to pay if all that is out and unreviewed is approved."""
    counts, statuses = registry.unit_counts(run.run_id), registry.status_counts(run.run_id)
    out = counts.get("creating", 0) + counts.get("outstanding", 0)
    kept = sum(statuses.values()) - statuses.get("Rejected", 0)
    return out * parameters.assignments_per_unit + kept - registry.collected_of_open_units(run.run_id)
