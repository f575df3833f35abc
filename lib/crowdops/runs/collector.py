"""Collecting while a run is attended: what has ended is stored, and its workers may go on to other units."""

from __future__ import annotations

import time

from crowdops.context import Context
from crowdops.errors import CredentialsRefused, ProviderError, Unreachable
from crowdops.registry import Run
from crowdops.results import collect
from crowdops.runs.outage import Outage
from crowdops.servers.pages import Pages
from crowdops.workers.unit_caps import WorkerCap


class Collector:
    """Collects what has ended of one run. `last_submission` is a moment of the monotonic clock."""

    def __init__(self, context: Context, run: Run, pages: Pages, outage: Outage, cap: WorkerCap) -> None:
        self._context, self._run, self._pages = context, run, pages
        self._outage, self._cap = outage, cap
        self.last_submission = time.monotonic()

    def poll(self, hit_type_id: str, *, tidy: bool = True) -> None:
        """Collect what has ended. One call when nothing has, and two more for each ended HIT.

        Without `tidy`, HITs that brought nothing stay on the list of reviewable ones: that saves a call each.
        """
        try:
            self._collect(hit_type_id, tidy)
            self._outage.note(None)
        except ProviderError as error:  # whatever it is, HITs are out: leaving would not mend it
            self._outage.note(error)

    def _collect(self, hit_type_id: str, tidy: bool) -> None:
        due, collected_before = [], []
        for hit in self._context.provider.iter_reviewable(hit_type_id):
            mark = hit.mark
            if mark is None or mark.run_id != self._run.run_id:
                continue  # runs with equal parameters share a HIT type
            if collect.is_due(self._context.registry, hit):
                due.append(hit)
            else:
                collected_before.append(hit)
        for outcome in collect.collect(self._context, due):
            if outcome.result:
                self.last_submission = time.monotonic()
                self._pages.release(outcome.result)
            elif isinstance(outcome.error, Unreachable | CredentialsRefused):
                raise outcome.error
            elif outcome.error:
                self._context.say(collect.describe_failure(outcome))
        if due:
            self._cap.mark()
        if tidy:
            collect.mark_collected(self._context, collected_before)
