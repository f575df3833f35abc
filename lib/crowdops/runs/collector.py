"""Collecting while a run is attended: what has ended since the last look is stored, and its workers are let go."""

from __future__ import annotations

import time

from crowdops.context import Context
from crowdops.errors import CredentialsRefused, ProviderError, Unreachable
from crowdops.registry import OPEN_STATES, Run
from crowdops.results import collect
from crowdops.runs.outage import Silence
from crowdops.servers.pages import Pages
from crowdops.workers.unit_caps import WorkerCap


class Collector:
    """Looks for what has ended of one run. `last_submission` is the moment, on the monotonic clock, of the last one seen."""

    def __init__(self, context: Context, run: Run, pages: Pages, cap: WorkerCap, silence: Silence) -> None:
        self._context, self._run, self._pages = context, run, pages
        self._cap, self._silence = cap, silence
        self.last_submission = time.monotonic()

    def poll(self, hit_type_id: str, *, tidy: bool = True) -> None:
        """Look once: collect what has ended. One call when nothing has, and two more for each ended HIT.

        Without `tidy`, HITs that brought nothing stay on the list of reviewable ones: that saves a call each.
        """
        try:
            self._collect(hit_type_id, tidy)
            self._silence.listen(None)
        except ProviderError as error:  # whatever it is, HITs are out: leaving would not mend it
            self._silence.listen(error)

    def _collect(self, hit_type_id: str, tidy: bool) -> None:
        findings, collected_before = [], []
        for hit in self._context.provider.iter_reviewable(hit_type_id):
            mark = hit.mark
            if mark is None or mark.run_id != self._run.run_id:
                continue  # runs with equal parameters share a HIT type
            unit = self._context.registry.unit(mark.run_id, mark.unit_index)
            if unit is None or unit.state in OPEN_STATES:
                findings.append(collect.finding(hit, mark))
            else:
                collected_before.append(hit.hit_id)
        for outcome in collect.collect(self._context, findings):
            if outcome.result:
                self.last_submission = time.monotonic()
                self._pages.release(outcome.result)
            elif isinstance(outcome.error, Unreachable | CredentialsRefused):
                raise outcome.error
            elif outcome.error:
                self._context.say(collect.describe_failure(outcome))
        if findings:
            self._cap.mark()
        if tidy:
            collect.mark_collected(self._context, collected_before)
