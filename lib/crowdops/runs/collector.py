"""Collecting while a run is attended: what has ended is stored, and its workers may go on to other units."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import chain

from crowdops.context import Context
from crowdops.errors import CredentialsRefused, ProviderError, Unreachable
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Run
from crowdops.results import collect
from crowdops.runs.outage import Outage
from crowdops.servers.pages import Pages
from crowdops.workers.unit_caps import WorkerCap

SHORT_LIST = 80  # HITs, of the hundred that one call lists


class Collector:
    """Collects what has ended of one run. `last_submission` is a moment of the monotonic clock."""

    def __init__(self, context: Context, run: Run, pages: Pages, outage: Outage, cap: WorkerCap) -> None:
        self._context, self._run, self._pages = context, run, pages
        self._outage, self._cap = outage, cap
        self.last_submission = time.monotonic()
        self._ended: list[Hit] = []
        self.is_thrifty = False  # of calls: HITs stay on the list of reviewable ones while that is short

    def poll(self, hit_types: Sequence[str], *, tidy: bool = True) -> None:
        """Collect what has ended. One call a HIT type when nothing has, and two more for each ended HIT.

        Without `tidy`, HITs that brought nothing stay on the list of reviewable ones: that saves a call each.
        """
        try:
            self._collect(hit_types, tidy)
            self._outage.note(None)
        except ProviderError as error:  # whatever it is, HITs are out: leaving would not mend it
            self._outage.note(error)

    def take_ended(self) -> list[Hit]:
        """Return the HITs that were collected since this was asked for, as they were listed."""
        ended, self._ended = self._ended, []
        return ended

    def _look(self, hit_types: Sequence[str]) -> tuple[list[Hit], list[Hit]]:
        """Return the run's HITs that have ended: those that are to be collected, and those that were."""
        due, collected_before = [], []
        for hit in chain.from_iterable(map(self._context.provider.iter_reviewable, hit_types)):
            mark = hit.mark
            if mark is None or mark.run_id != self._run.run_id:
                continue  # runs with equal parameters share a HIT type
            if collect.is_due(self._context.registry, hit):
                due.append(hit)
            elif not collect.is_awaited(self._context.registry, hit):
                collected_before.append(hit)
        return due, collected_before

    def _collect(self, hit_types: Sequence[str], tidy: bool) -> None:
        due, collected_before = self._look(hit_types)
        is_short = len(due) + len(collected_before) <= SHORT_LIST
        is_short = is_short and self.is_thrifty and len(hit_types) == 1
        for outcome in collect.collect(self._context, due, mark=not is_short):
            if outcome.error is None:
                self._ended.append(outcome.item)
            if outcome.result:
                self.last_submission = time.monotonic()
                self._pages.release(outcome.result)
            elif isinstance(outcome.error, Unreachable | CredentialsRefused):
                raise outcome.error
            elif outcome.error:
                self._context.say(collect.describe_failure(outcome))
        if due:
            self._cap.mark()
        if tidy and not is_short:
            collect.mark_collected(self._context, collected_before)
