"""Extending the HITs of runs that go on: more time, more assignments, within max_cost, and exactly once.

What is asked for a run is an order. It is written down before the first call and is open until each of the
run's HITs has what was asked for, so that the same command, given again after a crash, goes on with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from crowdops.bulk import Action, BulkResult, Outcome
from crowdops.context import Context
from crowdops.errors import (
    BudgetReached,
    CredentialsRefused,
    DuplicateToken,
    Error,
    InsufficientFunds,
    NotFound,
    ProviderError,
    Unreachable,
    UsageError,
)
from crowdops.formats import words
from crowdops.hits import extend
from crowdops.hits.differences import read_hits
from crowdops.hits.expire import Target as Ended
from crowdops.hits.expire import fail_deleted, outstanding_by_hit
from crowdops.hits.extend import Goal
from crowdops.hits.walk import Walk
from crowdops.payments import pricing
from crowdops.payments.budgets import Budget, Budgets, require_limit
from crowdops.providers.mturk.client import LISTING_LAG, Hit
from crowdops.registry import END_STATES, ENDED_UNITS, Extension, Order, Run, Unit, locks
from crowdops.results.collect import Stored
from crowdops.runs.extension_terms import Terms

# After these it is not known whether it was done, or it can be done later: the order stays open.
PASSING = (BudgetReached, CredentialsRefused, DuplicateToken, InsufficientFunds, Unreachable)


class Target(NamedTuple):
    """A HIT that is to be extended, as it was listed. `places` are the answers that it may bring besides.

    `is_begun`: it was being extended by a command that is no more, or that is at it as well.
    """

    run: Run
    unit: Unit
    hit: Hit
    goal: Goal
    places: int
    is_begun: bool

    @property
    def cost(self) -> Decimal:
        """What it costs if all of that is approved."""
        return self.places * pricing.assignment_cost(self.run.parameters, self.run.environment)


class HitExtension(Walk[Target]):
    """The HITs of runs at one server that are to be extended; `already` have it, `refused` cannot: (id, why).

    look(), then carry_out(), and end() once what came of it was told. `went_on` are the orders of commands
    before that are gone on with, `over` are runs that have ended or are being ended.
    """

    done = "extended"

    def __init__(self, context: Context, runs: Sequence[Run], terms: Terms) -> None:
        super().__init__(context, runs)
        self._terms = terms
        self.over: list[str] = []
        self.already = 0
        self.refused: list[tuple[str, str]] = []
        self.went_on: list[Order] = []
        self._begun: dict[str, dict[str, Extension]] = {}
        self._orders: dict[str, Order] = {}
        self._unsettled: Counter[str] = Counter()  # HITs by run id
        self._budgets = Budgets(context.registry)

    def look(self) -> None:
        """Find what is to be extended, and whether the runs and the account can pay for it. Only reads."""
        super().look()
        self._unsettled.update(target.run.run_id for target in self.found)
        for run in self.runs:
            targets = [target for target in self.found if target.run.run_id == run.run_id]
            price = sum((target.cost for target in targets if not target.is_begun), Decimal(0))
            budget = Budget(self.context.registry, run)
            try:
                if price:
                    require_limit(run)
                budget.take(price)
            except BudgetReached as error:
                self.refused.append((run.run_id, str(error)))
                self.found = [target for target in self.found if target not in targets]
        self._check_account()

    def _check_account(self) -> None:
        cost = sum((target.cost for target in self.found), Decimal(0))
        if cost and (balance := self.context.provider.balance()) < cost:
            raise UsageError(f"The account has ${balance}, and this would cost ${cost}. Nothing was changed.")

    def _iter_items(self) -> Iterator[Target]:
        usable = {run.run_id: run for run in self.runs if self._is_usable(run)}
        listed: set[str] = set()
        for hit in self._hits():
            assert hit.mark is not None
            listed.add(hit.hit_id)
            if run := usable.get(hit.mark.run_id):
                yield from self._targets(run, hit)
        for run in usable.values():
            new = outstanding_by_hit(self.context.registry, run.run_id).keys() - listed
            for hit in read_hits(self.context, new).hits.values():
                yield from self._targets(run, hit)

    def _is_usable(self, run: Run) -> bool:
        """Return whether a run goes on, and note what was asked for it before."""
        if _is_over(run):
            self.over.append(run.run_id)
            return False
        order = self.context.registry.open_order(run.run_id)
        self._begun[run.run_id] = {}
        if order and order.terms == self._terms.as_json():
            self.went_on.append(order)
            self._begun[run.run_id] = self.context.registry.extensions(order.order_id)
        return True

    def _targets(self, run: Run, hit: Hit) -> Iterator[Target]:
        """Yield a HIT as a target if something is to be done, or note why nothing is."""
        stored = Stored.read(self.context.registry, hit)
        unit, begun = stored.unit, self._begun[run.run_id].get(hit.hit_id)
        if unit is None or unit.hit_id != hit.hit_id or unit.state not in ("outstanding", *ENDED_UNITS):
            return
        if begun and begun.state == "done":
            self.already += 1
            return
        # A list can be a minute old; what this registry has added is known.
        hit = hit._replace(max_assignments=max(hit.max_assignments, unit.places or 0))
        goal, why_not = self._goal(hit, unit, begun)
        if why_not:
            self.refused.append((hit.hit_id, why_not))
        elif goal is None:
            self.already += 1
        elif self._terms.assignments or hit.available or hit.pending:  # more time for no place is nothing
            places = self._places(unit, hit, goal)
            yield Target(run, unit, hit, goal, places, begun is not None)

    def _places(self, unit: Unit, hit: Hit, goal: Goal) -> int:
        """Return how many answers a HIT may bring besides those that its run is bound to pay for."""
        bound = hit.max_assignments
        if unit.state in ENDED_UNITS:
            bound = self.context.registry.collected_of(unit.run_id, unit.unit_index, hit.hit_id)
        return (goal.max_assignments or hit.max_assignments) - bound

    def _goal(self, hit: Hit, unit: Unit, begun: Extension | None) -> tuple[Goal | None, str]:
        """Return what a HIT is to have, None if it has that; or why it cannot have it."""
        now = extend.now_at(self.context.provider)
        most = begun.max_assignments if begun else self._most(hit)
        if most and not extend.can_have(hit, most):
            return None, (
                f"it has {words.count(hit.max_assignments, 'assignment')}: one with fewer than 10 can never"
                " have 10"
            )
        has_expired = hit.expiration <= now or (hit.available and not hit.is_outstanding)
        if has_expired and not self._terms.is_for_time:
            return None, "it has expired, and more assignments do not open it again: give it time as well"
        goal = Goal(most, self._end(hit, now, begun))
        if not begun and goal.has_time(hit) and goal.has_places(hit):
            return None, ""
        return goal, ""

    def _most(self, hit: Hit) -> int | None:
        """Return how many assignments a HIT is to have; None: as many as it has."""
        return hit.max_assignments + self._terms.assignments if self._terms.assignments else None

    def _end(self, hit: Hit, now: datetime, begun: Extension | None) -> datetime | None:
        """Return until when a HIT is to be open; None: as it is. What was begun keeps an end to come."""
        if not self._terms.is_for_time:
            return None
        if begun and begun.expires_at and begun.expires_at >= now + extend.LEAST:
            return begun.expires_at
        start = max(hit.expiration, now).replace(microsecond=0)
        return self._terms.until or start + timedelta(seconds=self._terms.seconds)

    def carry_out(self) -> BulkResult[Target]:
        """Extend what look() has found. Safe to repeat, and to be killed at any moment.

        UsageError if another process is at it. One that attends a run buys nothing of its own meanwhile.
        """
        run_ids = sorted({target.run.run_id for target in self.found})
        with locks.extend(self.context.settings.home, run_ids):
            for run_id in run_ids:
                if run_id not in self._orders:
                    self._orders[run_id] = self.context.registry.begin_order(run_id, self._terms.as_json())
            return super().carry_out()

    def end(self) -> None:
        """End the orders of which nothing is left to do: from now on the same terms are another order.

        To be called after what came of them was told, so that nobody has to ask for it again to know.
        """
        for order in [*self.went_on, *self._orders.values()]:
            if not self._unsettled[order.run_id]:
                self.context.registry.end_order(order.order_id)

    def _action(self) -> Action[Target, None]:
        return Action(
            call=self._extend,
            settle=self._settle,
            explain=lambda target, error: (target.hit.hit_id, str(error)),
            intend=self._intend,
        )

    def _extension(self, target: Target) -> Extension:
        order_id, goal = self._orders[target.run.run_id].order_id, target.goal
        return Extension(
            order_id,
            target.hit.hit_id,
            target.run.run_id,
            target.unit.unit_index,
            goal.max_assignments,
            goal.expires_at,
            "sending",
        )

    def _intend(self, target: Target) -> None:
        """Write a target down. BudgetReached if its run has spent meanwhile what was left for it.

        UsageError if the process that attends the run has asked for more answers of the unit since the look.
        """
        registry, goal = self.context.registry, target.goal
        with registry.transaction():
            unit = registry.unit(target.run.run_id, target.unit.unit_index)
            if unit is None or (goal.max_assignments and not _can_take(unit, target)):
                raise UsageError("its run has just asked for more answers itself: type the same again")
            if not target.is_begun:
                budget = self._budgets.of(target.run)
                budget.refresh(is_attended=False)
                budget.take(target._replace(places=self._places(unit, target.hit, goal)).cost)
            registry.intend_extension(self._extension(target))

    def _extend(self, target: Target) -> None:
        provider = self.context.provider
        hit = provider.hit(target.hit.hit_id) if target.is_begun else target.hit
        extend.extend(provider, hit, target.goal)

    def _settle(self, outcome: Outcome[Target, None]) -> bool:
        target, error, registry = outcome.item, outcome.error, self.context.registry
        run_id, index, hit_id = target.run.run_id, target.unit.unit_index, target.hit.hit_id
        if error is None or not _may_pass(error, target.hit, extend.now_at(self.context.provider)):
            self._unsettled[run_id] -= 1
            if isinstance(error, NotFound):
                fail_deleted(registry, Ended(run_id, index, hit_id))
            if error:
                registry.fail_extension(self._extension(target), str(error))
        outcome.get()
        run = registry.run(run_id)
        if run is None or _is_over(run):
            self.context.provider.expire(hit_id)
            error = ProviderError("its run was ended meanwhile: the HIT is expired again")
            registry.fail_extension(self._extension(target), str(error))
            raise error
        registry.set_extended(self._extension(target), f"unit {index}; {target.goal.describe()}")
        return False


def _can_take(unit: Unit, target: Target) -> bool:
    """Return whether a unit is as it was at the look, as far as it matters for what its HIT is to have."""
    is_open = unit.hit_id == target.hit.hit_id and unit.state in ("outstanding", *ENDED_UNITS)
    return is_open and unit.places in (target.unit.places, target.goal.max_assignments)


def _is_over(run: Run) -> bool:
    """Return whether nobody waits for what comes in to a run, or soon nobody will."""
    return run.state in END_STATES or run.state == "draining"


def _may_pass(error: Error, hit: Hit, now: datetime) -> bool:
    """Return whether what went wrong is unknown or passes. A HIT takes no change in its first seconds."""
    return isinstance(error, PASSING) or now - hit.created_at < LISTING_LAG


def look(context: Context, runs: Sequence[Run], terms: Terms) -> HitExtension:
    """Look at what extending the HITs of runs comes to; see HitExtension."""
    extension = HitExtension(context, runs, terms)
    extension.look()
    return extension


def cost(targets: Sequence[Target]) -> Decimal:
    """Return what targets cost if all that they may bring is approved."""
    return sum((target.cost for target in targets), Decimal(0))
