"""Attending a run: its units are launched, and watched until every one of them is done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta

from crowdops.context import Context
from crowdops.errors import BudgetReached, CredentialsRefused, Error, InsufficientFunds
from crowdops.formats import durations, words
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Run
from crowdops.runs import without_registry
from crowdops.runs.attended import AttendedRun
from crowdops.runs.drain import Drain
from crowdops.runs.lifecycle import Lifecycle
from crowdops.runs.outcome import Outcome
from crowdops.runs.unit_launcher import UnitLauncher
from crowdops.runs.until_agreed import UntilAgreed
from crowdops.servers.pages import Pages
from crowdops.workers import blocks


def attend(
    context: Context,
    run: Run,
    pages: Pages,
    *,
    listed: Mapping[str, Hit] | None = None,
    blocked: blocks.Reading | None = None,
) -> Outcome:
    """Launch a run's units and see it through; leave a detached run once everything is launched.

    The run's lock must be held, and the context's interrupts be entered. `listed` are HITs, as they were read
    just now, of a run that is topped up: they are to be extended. `blocked` says who is kept out of one that
    is new, if that was read ahead.
    """
    with (
        AttendedRun(context, run, pages, Lifecycle(context.interrupts)) as attended,
        without_registry.ending(attended),
    ):
        if listed is not None:
            attended.creator.listed.update(listed)
            attended.collector.is_thrifty = True
        return Supervisor(attended, blocked).see_through()


class Supervisor:
    """Launches the units of an attended run, and watches it. Where that has to stop, the run is drained."""

    def __init__(self, attended: AttendedRun, blocked: blocks.Reading | None = None) -> None:
        self._attended, self._blocked = attended, blocked
        self._context, self._lifecycle = attended.context, attended.lifecycle
        self._launcher = UnitLauncher(attended.context, attended.run, attended.creator)
        self._until_agreed = UntilAgreed(attended.context, attended.run, attended.creator)
        self._next_look = 0.0  # by the monotonic clock; the first one is at once
        self._next_pause = 0.0  # in launching

    def see_through(self) -> Outcome:
        """Launch and collect until every unit is done, or launched if the run is detached. Ends the run.

        What a look has freed is launched right after it; then the next look is waited for. A detached run
        is not looked at, and left as soon as its last unit is out.
        """
        attended, lifecycle = self._attended, self._lifecycle
        if not lifecycle.should_stop:
            self._begin()
        elif not attended.run.hit_type_id:
            return attended.end("finished")  # nothing was ever out
        while not lifecycle.should_stop:
            has_more = self._launch()
            if attended.run.detached and self._is_launched():
                return attended.end("running")
            if not has_more and not lifecycle.should_stop:
                attended.wait(self._next_look)
                if lifecycle.should_stop:
                    break
            self._next_look = time.monotonic() + self._context.settings.poll_interval
            if not attended.run.detached and self._look():
                return attended.end("finished")
        return Drain(attended).end()

    def _is_launched(self) -> bool:
        """Return whether every unit was launched, and nothing has stopped that."""
        counts = self._attended.counts()
        return not counts["planned"] + counts["creating"] and not self._lifecycle.should_stop

    def _look(self) -> bool:
        """Collect what has ended. Returns whether every unit is done."""
        attended = self._attended
        attended.collect()
        is_planned = self._lifecycle.should_stop or self._until_agreed.plan(attended.collector.take_ended())
        if is_planned and attended.is_through(self._context.registry.open_units(attended.run.run_id)):
            return True
        self._check_patience()
        return False

    def _begin(self) -> None:
        """Make the HIT type. If that fails, the run has failed."""
        attended = self._attended
        try:
            attended.run = self._launcher.begin(attended.cap, self._blocked)
        except Error as error:
            attended.close_pages()
            self._context.registry.set_run_state(attended.run.run_id, "failed", str(error))
            raise

    def _launch(self) -> bool:
        """Settle and launch for as long as a look can wait. Returns whether there is more to launch."""
        if not self._attended.pages_are_up():
            return False
        self._attended.creator.settle()
        self._next_pause = time.monotonic() + self._context.settings.poll_interval
        try:
            return self._launcher.launch(self._may_go_on, lambda: self._lifecycle.should_stop)
        except (BudgetReached, CredentialsRefused, InsufficientFunds) as error:
            if isinstance(error, CredentialsRefused) and self._attended.clock.is_wrong:
                self._attended.creator.failure = None  # it is the date that was refused, and not the key
                self._attended.outage.note(error)
                return False
            self._lifecycle.stop(str(error))
            return False

    def _may_go_on(self) -> bool:
        """Return whether nothing else is to be done yet than to launch.

        A detached run goes on for as long as its pages are up: each pause costs the time of a call.
        """
        attended, now = self._attended, time.monotonic()
        if now < self._next_pause:
            return True
        if not attended.run.detached or attended.creator.has_unanswered or not attended.pages_are_up():
            return False
        self._next_pause = now + self._context.settings.poll_interval
        return True

    def _check_patience(self) -> None:
        """Stop the run if nobody has submitted anything for too long, with its diagnosis."""
        from crowdops.diagnosis import report  # it brings psutil, and few runs come to this

        collector, run = self._attended.collector, self._attended.run
        patience = run.parameters.no_submission_patience
        if time.monotonic() - collector.last_submission <= patience:
            return
        diagnosis = report.diagnose(self._context, run.run_id)
        since = diagnosis.since_submission
        if since is not None and abs(since) < timedelta(seconds=patience):
            # It was submitted to a unit that needs more answers, and is not collected yet.
            collector.last_submission = time.monotonic() - abs(since.total_seconds())
            return
        for line in report.lines(diagnosis):
            self._context.say(line)
        counts = self._attended.counts()
        self._lifecycle.stop(
            f"no submission for {durations.words(patience)},"
            f" with {words.count(counts['outstanding'], 'unit')} outstanding and"
            f" {counts['planned']} still to be launched. {diagnosis.verdict.sentence}"
        )
