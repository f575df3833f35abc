"""Launching the units of a run: each creation is written down before it is sent, and settled by reading.

The process may die between any two lines here and leaves nothing but rows that say so.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from crowdops import bulk
from crowdops.config.parameters import Parameters
from crowdops.context import Context
from crowdops.errors import (
    BudgetReached,
    CredentialsRefused,
    DuplicateToken,
    Error,
    InsufficientFunds,
    Unreachable,
)
from crowdops.hits import create
from crowdops.payments import budgets, pricing
from crowdops.providers.mturk.client import LISTING_LAG
from crowdops.registry import Run, Unit
from crowdops.servers.pages import Pages
from crowdops.workers import blocks
from crowdops.workers.unit_caps import WorkerCap

TOKEN_IS_GOOD = timedelta(hours=20)  # of the 24 hours that the API promises
UNFOUND_AFTER = 5 * LISTING_LAG  # a HIT that no list shows for so long does not carry the mark


class Launcher:
    """Creates the HITs of one run. Registry work happens in the calling thread, API calls in a pool.

    `listen` is told after each batch of calls whether the endpoint answered (None) or fell silent.
    `failure` holds the error that forbids any further launching (no money, no key), or None.
    """

    def __init__(
        self,
        context: Context,
        run: Run,
        parameters: Parameters,
        pages: Pages,
        *,
        should_stop: Callable[[], bool],
        listen: Callable[[Unreachable | None], None],
        on_progress: Callable[[], None],
    ) -> None:
        self._context, self._run = context, run
        self._parameters, self._pages, self._should_stop = parameters, pages, should_stop
        self._listen, self._on_progress = listen, on_progress
        self._ready: deque[Unit] = deque()  # written down as 'creating', not sent yet
        self._scans: dict[int, int] = {}  # unit index to how often its HIT was looked for in vain
        self._out_of_time = False
        self.failure: Error | None = None
        self.cap = WorkerCap(context, run.task_name, parameters.maximum_units_per_worker)

    def begin(self) -> str:
        """Make or find the run's HIT type and return its id.

        The run is 'running' from here on; one that is to be left alone stays 'launching' until all is
        launched, so that a crash on the way does not look like a run that needs no process.
        """
        parameters, capped = self._parameters, self.cap.requirements()
        hit_type_id = self._run.hit_type_id or self._context.provider.create_hit_type(
            title=parameters.task_title,
            description=parameters.task_description,
            keywords=parameters.task_tags,
            reward=parameters.task_reward,
            assignment_duration=parameters.assignment_duration_in_seconds,
            auto_approval_delay=parameters.auto_approval_delay_in_seconds,
            qualifications=[
                *parameters.qualifications,
                *blocks.requirements(self._context.provider, self._run.task_name),
                *capped,
            ],
        )
        self._context.registry.set_hit_type(self._run.run_id, hit_type_id)
        self._run = self._run._replace(hit_type_id=hit_type_id)
        if not self._run.detached:
            self._context.registry.set_run_state(self._run.run_id, "running")
        return hit_type_id

    def fill(self, until: float) -> bool:
        """Launch planned units, as many as the cap has room for, until a moment of the monotonic clock.

        Returns whether there was more to launch by then. If the endpoint falls silent, what was sent is
        settled later.
        """
        self._out_of_time = False
        try:
            self._create(
                self._planned(until), lambda: self._should_stop() or self.failure is not None, new=True
            )
        finally:
            self._context.registry.withdraw(self._run.run_id, [unit.unit_index for unit in self._ready])
            self._ready.clear()
        return self._out_of_time

    def settle(self) -> None:
        """Settle the 'creating' units that no call is under way for: resend while the token is good, else look."""
        now = datetime.now(UTC)
        again: list[Unit] = []
        unsure: list[Unit] = []
        for unit in self._context.registry.iter_units(self._run.run_id, ["creating"]):
            fresh = unit.intended_at is not None and now - unit.intended_at < TOKEN_IS_GOOD
            (again if fresh and unit.unit_index not in self._scans else unsure).append(unit)
        # Neither a press nor an empty account ends this: a HIT that may exist must be known to be expired.
        self._create(iter(again), lambda: False, new=False)
        if unsure:
            self._look_for(unsure)

    def _planned(self, until: float) -> Iterator[Unit]:
        """Yield planned units; each was written down as 'creating' before it is yielded."""
        room = self._room()
        budget = self._budget() if room > 0 else None
        while room > 0:
            if time.monotonic() >= until:
                self._out_of_time = True
                return
            with self._context.registry.together():
                wanted = min(room, self._context.settings.threads)
                allowed = self._affordable(budget, wanted) if budget else wanted
                self._ready.extend(self._context.registry.intend(self._run.run_id, allowed))
            if not self._ready:
                return
            room -= len(self._ready)
            while self._ready:
                yield self._ready.popleft()

    def _room(self) -> int:
        counts = self._context.registry.unit_counts(self._run.run_id)
        planned, cap = counts.get("planned", 0), self._parameters.max_num_concurrent_units
        return (
            min(planned, cap - counts.get("creating", 0) - counts.get("outstanding", 0)) if cap else planned
        )

    def _budget(self) -> budgets.Budget | None:
        """Return what the run's max_cost leaves, or None without one."""
        return (
            None if self._parameters.max_cost is None else budgets.Budget(self._context.registry, self._run)
        )

    def _affordable(self, budget: budgets.Budget, wanted: int) -> int:
        """Bind the run to as many of the wanted units as max_cost allows; none is the end of launching."""
        price = self._parameters.assignments_per_unit * pricing.assignment_cost(
            self._parameters, self._run.environment
        )
        budget.read_bonuses()
        left = budget.units_left(price, wanted)
        if not left:
            self.failure = BudgetReached(budget.refusal(price))
        budget.take(price * left)
        return left

    def _create(self, units: Iterator[Unit], stop: Callable[[], bool], *, new: bool) -> None:
        heard, silence = False, None
        for outcome in bulk.each(self._send, units, threads=self._context.settings.threads, stop=stop):
            heard, silence = True, self._note(outcome, new=new)
            self._on_progress()
        if heard:
            self._listen(silence)

    def _note(self, outcome: bulk.Outcome[Unit, str], *, new: bool) -> Unreachable | None:
        """Write down what came of a call. Returns the error if none came, and the unit stays 'creating'."""
        run_id, index, error = self._run.run_id, outcome.item.unit_index, outcome.error
        if outcome.result is not None:
            self._context.registry.set_created(run_id, index, outcome.result)
            self._scans.pop(index, None)
        elif isinstance(error, Unreachable):
            return error
        elif isinstance(error, DuplicateToken):
            self._scans.setdefault(index, 0)
        elif isinstance(error, InsufficientFunds | CredentialsRefused):
            self.failure = error
            if new or isinstance(error, InsufficientFunds):  # a refused key says nothing of an earlier try
                self._context.registry.withdraw(run_id, [index])
        else:
            self._context.registry.set_failed(run_id, index, str(error))
            self._context.say(f"Unit {index} could not be launched: {error}")
        return None

    def _send(self, unit: Unit) -> str:
        return create.create(
            *(self._context.provider, self._run, unit, self._pages.question(unit)),
            assignments=self._parameters.assignments_per_unit,
            lifetime=self._parameters.task_lifetime_in_seconds,
        )

    def _look_for(self, units: list[Unit]) -> None:
        """Find HITs by their marks, with one walk over the account. Never creates."""
        try:
            found = create.find_created(self._context.provider, self._run, units)
        except Unreachable as error:
            self._listen(error)
            return
        for unit in units:
            index = unit.unit_index
            if index in found:
                self._context.registry.set_created(self._run.run_id, index, found[index])
                self._scans.pop(index, None)
                continue
            self._scans[index] = self._scans.get(index, 0) + 1
            if (
                unit.intended_at
                and datetime.now(UTC) - unit.intended_at > UNFOUND_AFTER
                and self._scans[index] > 3
            ):
                reason = (
                    "the endpoint says that the HIT was made before, but lists none that carries its mark"
                )
                self._context.registry.set_failed(self._run.run_id, index, reason)
