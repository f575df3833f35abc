"""Launching the units of a run: as many at once as max_num_concurrent_units and max_cost allow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from crowdops.context import Context
from crowdops.errors import BudgetReached
from crowdops.hits.create import Creator
from crowdops.payments import budgets, pricing
from crowdops.registry import Run, Unit
from crowdops.results import collect
from crowdops.workers import blocks
from crowdops.workers.kept_out import requirements as kept_out_requirements
from crowdops.workers.unit_caps import WorkerCap


class UnitLauncher:
    """Launches planned units of one run: each is written down as 'creating' before its HIT is made.

    The process may die between any two lines here and leaves nothing but rows that say so.
    """

    def __init__(self, context: Context, run: Run, creator: Creator) -> None:
        self._context, self._run, self._creator = context, run, creator
        self._parameters = run.parameters
        self._unsent: deque[Unit] = deque()  # written down as 'creating'
        self._is_out_of_time = False
        self._refusal: BudgetReached | None = None

    def begin(self, cap: WorkerCap, blocked: blocks.Reading | None = None) -> Run:
        """Make or find the HIT types of the run, and return the run with them.

        `blocked` says who is kept out, if that was read ahead.

        The run is 'running' from here on; one that is to be left alone stays 'launching' until all is
        launched, so that a crash on the way does not look like a run that needs no process.
        """
        if self._parameters.maximum_units_per_worker:
            for failure in collect.refresh_others(self._context, self._run):
                self._context.say(failure)
        capped, provider = cap.requirements(), self._context.provider
        hit_type_id = self._run.hit_type_id
        if hit_type_id is None:
            barred = blocked.result() if blocked else blocks.requirements(provider, self._run.task_name)
            hit_type_id = provider.create_hit_type(self._parameters, [*barred, *capped])
        self._context.registry.set_hit_type(self._run.run_id, hit_type_id)
        self._begin_replacing(capped)
        if not self._run.detached:
            self._context.registry.set_run_state(self._run.run_id, "running")
        run = self._context.registry.run(self._run.run_id)
        assert run is not None
        return run

    def _begin_replacing(self, capped: list[dict[str, Any]]) -> None:
        """Make or find the HIT type of HITs that take another's place, if there are such to be made."""
        registry, provider, run = self._context.registry, self._context.provider, self._run
        if not (workers := registry.workers_to_keep_out(run.run_id)):
            return
        blocked = blocks.requirements(provider, run.task_name)
        kept_out = kept_out_requirements(self._context, run, workers)
        hit_type_id = provider.create_hit_type(self._parameters, [*blocked, *capped, *kept_out])
        registry.set_replacement_type(run.run_id, hit_type_id)

    def launch(self, may_go_on: Callable[[], bool], should_stop: Callable[[], bool]) -> bool:
        """Launch planned units, as many as there is room for, while it may go on: asked before each batch.

        Returns whether there was more to launch by then. What was sent and not answered is settled later.
        Raises the error that forbids to launch any more, such as BudgetReached, once what was sent is noted.
        """
        self._is_out_of_time, self._refusal = False, None
        try:
            self._creator.create(self._intend(may_go_on), should_stop)
        finally:
            self._context.registry.withdraw(self._run.run_id, [unit.unit_index for unit in self._unsent])
            self._unsent.clear()
        if failure := self._creator.failure or self._refusal:
            raise failure
        return self._is_out_of_time

    def _intend(self, may_go_on: Callable[[], bool]) -> Iterator[Unit]:
        """Yield planned units; each was written down as 'creating' before it is yielded."""
        room = self._room()
        has_limit = self._parameters.max_cost is not None
        budget = budgets.Budget(self._context.registry, self._run) if has_limit and room > 0 else None
        while room > 0:
            if not may_go_on():
                self._is_out_of_time = True
                return
            count = min(room, self._context.settings.threads)
            self._unsent.extend(self._context.registry.try_on(partial(self._write_down, budget, count)))
            if not self._unsent:
                return
            room -= len(self._unsent)
            while self._unsent:
                yield self._unsent.popleft()

    def _write_down(self, budget: budgets.Budget | None, count: int) -> list[Unit]:
        """Bind the run to pay for as many of `count` planned units as it can, and return these: 'creating'.

        Safe to repeat: nothing has changed if it fails.
        """
        registry, run_id = self._context.registry, self._run.run_id
        with registry.transaction():
            prices = self._prices(count) if budget else []
            affordable = self._affordable(budget, prices) if budget else count
            units = registry.intend(run_id, affordable)
        if budget:
            budget.take(sum(prices[: len(units)], Decimal(0)))
        return units

    def _prices(self, count: int) -> list[Decimal]:
        """Return what the run has to pay for each of the next planned units if all is approved."""
        cost = pricing.assignment_cost(self._parameters, self._run.environment)
        per_unit = self._parameters.assignments_per_unit
        return [
            cost * places for places in self._context.registry.next_places(self._run.run_id, per_unit, count)
        ]

    def _room(self) -> int:
        """Return how many of the planned units may be out besides those that are."""
        counts = self._context.registry.unit_counts(self._run.run_id)
        planned, most = counts["planned"], self._parameters.max_num_concurrent_units
        if not most:
            return planned
        return min(planned, most - counts["creating"] - counts["outstanding"])

    def _affordable(self, budget: budgets.Budget, prices: Sequence[Decimal]) -> int:
        """Return for how many of the next units max_cost allows. None ends the launching."""
        budget.refresh(is_attended=True)
        affordable = budget.first_left(prices)
        if prices and not affordable:
            cost = pricing.assignment_cost(self._parameters, self._run.environment)
            per_unit = self._parameters.assignments_per_unit
            planned = cost * self._context.registry.planned_places(self._run.run_id, per_unit)
            self._refusal = budget.refusal(prices[0], planned - prices[0])
        return affordable
