"""A run's max_cost as a wall: what it may still cost, counted so that it can never be exceeded."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, takewhile
from typing import NamedTuple

from crowdops.errors import BudgetReached, UsageError
from crowdops.formats import money
from crowdops.payments import pricing
from crowdops.registry import Registry, Run


class Budget:
    """What a run has bound itself to pay, and what its max_cost leaves. Read once; take() keeps count.

    Bound are all assignments of its open HITs, what was submitted elsewhere and not rejected, and the
    bonuses that were paid or may have been; each with its fee. max_cost is what the registry says now:
    somebody may have raised it since `run` was read.
    """

    def __init__(self, registry: Registry, run: Run) -> None:
        self._registry, self._run = registry, run
        self._refused = Decimal(0)
        self._read()

    def _read(self) -> None:
        registry, run = self._registry, self._run
        self._version = registry.version()  # first: what is written meanwhile is read the next time
        self._limit = (registry.run(run.run_id) or run).parameters.max_cost
        cost = pricing.assignment_cost(run.parameters, run.environment)
        self._extensions = registry.extension_count(run.run_id)
        self._taken = assignments_bound(registry, run) * cost
        self._read_bonuses()

    def _read_bonuses(self) -> None:
        amounts = self._registry.bonus_amounts(self._run.run_id, "sending", "paid")
        self._bonuses = pricing.bonus_cost(amounts, self._run.environment)

    @property
    def bound(self) -> Decimal:
        """What the run has to pay if everything is approved."""
        return self._taken + self._bonuses

    def refresh(self, *, is_attended: bool) -> None:
        """Read again what other processes may have bound the run to since, if any has written.

        Where this one attends the run, others extend its HITs and pay bonuses; else they launch as well.
        """
        if self._version == (version := self._registry.version()):
            return
        self._version = version
        if is_attended and self._extensions == self._registry.extension_count(self._run.run_id):
            self._read_bonuses()  # to count a million units takes a while
        else:
            self._read()

    def take(self, price: Decimal) -> None:
        """Bind the run to a price. BudgetReached, and nothing is bound, if that is over its max_cost."""
        if self._limit is not None and self.bound + price > self._limit:
            raise self.refusal(price)
        self._taken += price

    def release(self, price: Decimal) -> None:
        """Give back a price that the run is no longer bound to, such as that of work that is rejected."""
        self._taken -= price

    def has_room(self, price: Decimal) -> bool:
        """Return whether the run may still be bound to a price."""
        return self._limit is None or self.bound + price <= self._limit

    def first_left(self, prices: Sequence[Decimal]) -> int:
        """Return how many of these prices, taken in their order, the run may still be bound to."""
        if self._limit is None:
            return len(prices)
        left = self._limit - self.bound
        sums = accumulate(prices)
        return sum(1 for _ in takewhile(lambda total: total <= left, sums))

    def refusal(self, price: Decimal, others: Decimal = Decimal(0)) -> BudgetReached:
        """Return what says why a price is not taken, and the command that makes room.

        There will be room for all that was refused so far, and for `others` that were not tried.
        """
        self._refused += price
        enough = self.bound + self._refused + others
        return BudgetReached(
            f"${price} more would take the run over its max_cost: ${self.bound} of ${self._limit} are bound."
            f" Raise it: make raise-max-cost RUN={self._run.run_id} ARGS={enough}"
        )


def require_limit(run: Run) -> None:
    """BudgetReached for a run in production without a max_cost: nothing more is asked for without one."""
    if run.environment == "production" and run.parameters.max_cost is None:
        raise BudgetReached(
            "In production max_cost is required, and that of this run is not known since the registry was"
            f" rebuilt. Give its run.toml: make launch FILE=RUN.TOML ARGS='--resume {run.run_id}'"
        )


class Raise(NamedTuple):
    """A max_cost that is to be raised; `bound` is what the run has bound itself to pay."""

    run: Run
    before: Decimal
    after: Decimal
    bound: Decimal

    @property
    def is_done(self) -> bool:
        """Whether it is so already."""
        return self.before == self.after


def plan_raise(registry: Registry, run: Run, text: str) -> Raise:
    """Return what raising a run's max_cost to an amount comes to. UsageError if it would not be raised."""
    try:
        amount = money.dollars(text)
    except ValueError as error:
        raise UsageError(f"{error}. Nothing was changed.") from error
    limit = run.parameters.max_cost
    if limit is None:
        raise UsageError(f"Run {run.run_id} has no max_cost: nothing of it is refused for its cost.")
    if amount < limit:
        raise UsageError(
            f"max_cost of run {run.run_id} is ${limit}, and this raises it only: ${amount} is less. What it"
            f" has cost: make account RUN={run.run_id}"
        )
    return Raise(run, limit, amount, Budget(registry, run).bound)


def carry_out_raise(registry: Registry, planned: Raise) -> None:
    """Raise a run's max_cost, with an entry in the journal. UsageError if somebody else has changed it."""
    with registry.transaction():
        run = registry.run(planned.run.run_id)
        if run is None or run.parameters.max_cost != planned.before:
            raise UsageError(f"max_cost of run {planned.run.run_id} was just changed: look again.")
        parameters = run.parameters._replace(max_cost=planned.after)
        registry.set_max_cost(run.run_id, parameters, f"from ${planned.before} to ${planned.after}")


class Budgets:
    """The budgets of several runs, each read at its first use."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._read: dict[str, Budget] = {}

    def of(self, run: Run) -> Budget:
        """Return the budget of a run."""
        if run.run_id not in self._read:
            self._read[run.run_id] = Budget(self._registry, run)
        return self._read[run.run_id]


def assignments_bound(registry: Registry, run: Run) -> int:
    """Return how many assignments a run has to pay if all that is out and unreviewed is approved."""
    counts, statuses = registry.unit_counts(run.run_id), registry.status_counts(run.run_id)
    out, per_unit = counts["creating"] + counts["outstanding"], run.parameters.assignments_per_unit
    kept = statuses.total() - statuses["Rejected"]
    open_places = out * per_unit + registry.further_places(run.run_id, per_unit)
    open_places += registry.places_being_sent(run.run_id, per_unit)
    return open_places + kept - registry.collected_of_open_units(run.run_id)
