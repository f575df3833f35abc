"""A run that this process attends: what launching it and ending it have in common."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from crowdops.console import progress, times
from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import ProviderError, ServerFailed
from crowdops.hits.create import Creator
from crowdops.providers.mturk.client import Hit
from crowdops.registry import END_STATES, Run
from crowdops.registry.tally import tally
from crowdops.runs.clock import ClockWatch
from crowdops.runs.collector import Collector
from crowdops.runs.last_look import LastLook
from crowdops.runs.lifecycle import Lifecycle
from crowdops.runs.outage import Outage
from crowdops.runs.outcome import Outcome, shortfall
from crowdops.servers.pages import Pages
from crowdops.workers.unit_caps import WorkerCap

SHOW_SECONDS = 0.25  # between two looks at the counts for the progress line


class AttendedRun:
    """A run whose lock this process holds, with its pages. It shows a progress line while it is entered."""

    def __init__(self, context: Context, run: Run, pages: Pages, lifecycle: Lifecycle) -> None:
        self.context, self.run, self.pages, self.lifecycle = context, run, pages, lifecycle
        self.clock = ClockWatch(context)
        self.outage = Outage(context, run, lifecycle)
        self.creator = Creator(context, run, pages.question, self.outage.note, self.show)
        self.cap = WorkerCap(context, run)
        self._last_look = LastLook(context, run, was_walked=lifecycle.has_crashed)
        self.collector = Collector(context, run, pages, self.outage, self.cap)
        self._progress = self._make_progress()
        self._latest: datetime | None = None  # until when accepted work can come in, once nothing else can
        self._next_show = 0.0

    def _make_progress(self) -> Progress:
        name, units, is_quiet = self.run.task_name, self.run.units, self.context.settings.quiet
        if self.lifecycle.has_crashed:  # several are ended at once: in a log their lines would be mixed up
            return progress.on_terminal(name, total=units, quiet=is_quiet, noun="answered")
        return progress.progress(units, name, quiet=is_quiet, noun="answered")

    def __enter__(self) -> AttendedRun:
        self.context.registry.keep_counts(self.run.run_id)
        return self

    def __exit__(self, *exception: object) -> None:
        self.context.registry.forget_counts(self.run.run_id)
        self._progress.close()

    def counts(self) -> Counter[str]:
        """Return how many units are in each state."""
        return self.context.registry.unit_counts(self.run.run_id)

    def wait(self, until: float | None = None) -> None:
        """Sleep for a poll interval, or until a moment of the monotonic clock; an interrupt ends it."""
        self.clock.look()
        self.context.note_paces()
        pause = self.context.settings.poll_interval
        self.context.interrupts.wait(pause if until is None else until - time.monotonic())

    def collect(self, *, tidy: bool = True) -> None:
        """Collect what has ended; see Collector.poll()."""
        self.clock.look()
        if self.run.hit_type_id:
            types = [type_id for type_id in (self.run.hit_type_id, self.run.replacement_type_id) if type_id]
            self.collector.poll(types, tidy=tidy)
            self.show()

    def is_through(self, open_units: int) -> bool:
        """Return whether a run with so many open units is at its end, and the provider says so, too.

        An endpoint that does not answer is borne, as in collect(). What was brought in line is not at its end
        yet: look again.
        """
        if open_units > self._last_look.unsettled:
            return False
        if not self.counts().keys() - {"planned"}:
            return True  # nothing was ever out
        try:
            agrees = self._last_look.agrees()
            self.outage.note(None)
        except ProviderError as error:
            self.outage.note(error)
            return False
        if not agrees and self._last_look.has_given_up:
            self.lifecycle.stop(
                f"the endpoint speaks of other HITs or answers than it lists; see which:"
                f" make broken RUN={self.run.run_id}"
            )
            return True
        return agrees

    def pages_are_up(self) -> bool:
        """Look at the task server, if there is one. Its last failure stops the run."""
        try:
            return self.pages.are_up()
        except ServerFailed as error:
            self.lifecycle.stop(str(error))
            return False

    def close_pages(self) -> None:
        """Take the pages down. A failure is said, and is the run's reason if it has no other."""
        try:
            self.pages.close()
        except ProviderError as error:
            self.context.say(f"{error}")
            is_app = self.run.parameters.server_kind == "heroku"
            command = "make heroku-kill" if is_app else "make kill-servers"
            self.lifecycle.stop(
                f"its task server could not be taken down. Try again: {command} RUN={self.run.run_id}"
            )

    def end(self, state: str, in_flight: Sequence[tuple[Hit, datetime]] = ()) -> Outcome:
        """Write the run's last state down, after its pages are down if nobody needs them any more."""
        if state in END_STATES:
            self.close_pages()
        reason = self.lifecycle.stop_reason
        if reason is None and state != "stopped":
            by_itself = state == "finished" and not self.lifecycle.was_told_to_stop
            reason = shortfall(self.context, self.run, by_itself=by_itself)
        self.context.registry.set_run_state(self.run.run_id, state, reason)
        self._next_show = 0.0
        self.show()
        return Outcome(self.run.run_id, state, reason, in_flight)

    def show(self) -> None:
        """Bring the progress line up to date, unless that was done a moment ago."""
        started = time.monotonic()
        if started < self._next_show:
            return
        counts = tally(self.context.registry, self.run)
        # Counting a million units takes a while: it may cost a tenth of the time, not more.
        self._next_show = time.monotonic() + max(SHOW_SECONDS, 10 * (time.monotonic() - started))
        note = f"outstanding {counts.outstanding} · planned {counts.never_launched}"
        if lost := counts.unanswered + counts.failed:
            note += f" · ended without an answer {lost}"
        left = f"until {times.by_clock(self._latest)}" if self._latest else None
        self._progress.update(counts.answered, note, left=left)

    def wait_until(self, latest: datetime) -> None:
        """Show from now on until when accepted work can come in."""
        self._latest = latest
