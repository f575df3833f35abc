"""Attending a run: launch its units, collect what workers submit, and end it cleanly."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from crowdops.config.parameters import Parameters
from crowdops.console.output import timestamp
from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.diagnosis import report
from crowdops.errors import Error, ProviderError, ServerFailed
from crowdops.providers.mturk.client import Hit
from crowdops.registry import END_STATES, Run
from crowdops.runs.collector import Collector
from crowdops.runs.drain import Withdrawal
from crowdops.runs.outage import Silence
from crowdops.runs.outcome import Ending
from crowdops.runs.unit_launcher import Launcher
from crowdops.servers import pages

SILENT_TIMEOUTS = 4  # after which a crashed run is left for another time
SHOW_SECONDS = 0.25  # between two looks at the counts for the progress line
FIRST_PRESS = "Stopping: no more HITs are launched, and those that are out are expired. Accepted work can still come in."
PRESS_NOTED = "Noted. The HITs are being expired first; this takes effect when none can be accepted any more."
SECOND_PRESS = "Stopping now."


class Attendant:
    """Sees one run through."""

    def __init__(
        self, context: Context, run: Run, parameters: Parameters, pages: pages.Pages, progress: Progress
    ) -> None:
        self._context, self._run, self._parameters = context, run, parameters
        self._pages, self._progress = pages, progress
        self._hit_type_id = ""
        self._stop_reason: str | None = None
        self._crashed = False  # the process that attended the run before has died
        self._phase = "launching"  # then "expiring", then "waiting"
        self._next_show = 0.0
        self._enough = 2  # presses after which nothing is waited for
        context.interrupts.note = self._note
        self._silence = Silence(
            run.run_id,
            patience=float(parameters.no_submission_patience),
            is_pressed=lambda: context.interrupts.count >= self._enough,
            say=context.say,
        )
        self._launcher = Launcher(
            context,
            run,
            parameters,
            pages,
            should_stop=lambda: self._should_stop,
            listen=self._silence.listen,
            on_progress=self._show,
        )
        self._collector = Collector(context, run, pages, self._launcher.cap, self._silence)
        self._withdrawal = Withdrawal(context, run, self._launcher, self._silence)

    def see_through(self) -> Ending:
        """Launch, collect and wait until every unit is done, or until the run is told to stop."""
        if not self._begin():
            return self._end("finished")
        while not self._should_stop:
            more = self._launch()
            self._poll()
            if not self._context.registry.open_units(self._run.run_id):
                return self._end("finished")
            self._check_patience()
            if not more and not self._should_stop:
                self._context.interrupts.wait(self._context.settings.poll_interval)
        return self._drain()

    def launch_all(self) -> Ending:
        """Launch every unit and leave: for detached runs."""
        if not self._begin():
            return self._end("finished")
        while not self._should_stop:
            more = self._launch()
            counts = self._context.registry.unit_counts(self._run.run_id)
            left = counts.get("planned", 0) + counts.get("creating", 0)
            if not left and not self._should_stop:
                return self._end("running")
            if not more and not self._should_stop:
                self._context.interrupts.wait(self._context.settings.poll_interval)
        return self._drain()

    def shut_down(self, reason: str) -> None:
        """Take what is left of a crashed run off the market. wait_for_work() then ends it."""
        self._crashed = True
        self._silence.patience = min(self._silence.patience, SILENT_TIMEOUTS * self._context.settings.timeout)
        self._hit_type_id = self._run.hit_type_id or ""
        self._stop(reason)
        self.withdraw()

    def go_on_ending(self) -> Ending:
        """See a run to its end that was being stopped when the process before this one died."""
        self._hit_type_id = self._run.hit_type_id or ""
        self._stop_reason = self._run.reason
        return self._drain()

    def _begin(self) -> bool:
        """Make the HIT type. False if the run was stopped before; a failure is the run's end as well."""
        if self._should_stop:
            return False
        try:
            self._hit_type_id = self._launcher.begin()
        except Error as error:
            self._close_pages()
            self._context.registry.set_run_state(self._run.run_id, "failed", str(error))
            raise
        return True

    def _launch(self) -> bool:
        """Settle and launch for as long as a poll can wait. Returns whether there is more to launch."""
        if not self._pages_are_up():
            return False
        self._launcher.settle()
        more = self._launcher.fill(time.monotonic() + self._context.settings.poll_interval)
        if self._launcher.failure:
            self._stop(str(self._launcher.failure))
        return more

    def _pages_are_up(self) -> bool:
        """Look at the task server, if there is one. Its last failure ends the run."""
        try:
            return self._pages.are_up()
        except ServerFailed as error:
            self._stop(str(error))
            return False

    # Patience, and the end

    def _poll(self, *, tidy: bool = True) -> None:
        if self._hit_type_id:
            self._collector.poll(self._hit_type_id, tidy=tidy)
            self._show()

    def _check_patience(self) -> None:
        patience = self._parameters.no_submission_patience
        if time.monotonic() - self._collector.last_submission <= patience:
            return
        found = report.diagnose(self._context, self._run.run_id)
        since = found.since_submission
        if since is not None and abs(since) < timedelta(
            seconds=patience
        ):  # to a unit that needs more answers
            self._collector.last_submission = time.monotonic() - abs(since.total_seconds())
            return
        for line in report.lines(found):
            self._context.say(line)
        counts = self._context.registry.unit_counts(self._run.run_id)
        self._stop(
            f"no submission for {patience} s, with {counts.get('outstanding', 0)} units outstanding and"
            f" {counts.get('planned', 0)} still to be launched. {found.verdict.sentence}"
        )

    def _drain(self) -> Ending:
        """Expire what is out, wait for accepted work, collect it. A second press ends the wait, not the expiry."""
        self.withdraw()
        return self.wait_for_work()

    def withdraw(self) -> None:
        """Expire what is out. A press meanwhile is noted; it takes effect afterwards."""
        self._phase, self._context.interrupts.note = "expiring", self._note
        self._enough = 2 if self._context.interrupts.count and not self._crashed else 1
        self._context.registry.set_run_state(self._run.run_id, "draining", self._stop_reason)
        if self._stop_reason:
            self._context.say(f"Stopping: {self._stop_reason}")
        self._withdrawal.expire_all()

    def wait_for_work(self, *, patient: bool = True) -> Ending:
        """Collect what comes in until nothing can any more, and end the run; without `patient` look only once."""
        self._phase, self._context.interrupts.note = "waiting", self._note
        latest = datetime.now(UTC) + timedelta(seconds=self._parameters.assignment_duration_in_seconds)
        told = False
        while True:
            self._pages_are_up()  # whoever has accepted work still needs its page
            self._poll(tidy=told)
            if not (left := self._out()):
                return self._end(self._last_state())
            if self._context.interrupts.count >= self._enough or not patient:
                return self._end("stopped", self._withdrawal.in_flight())
            if not told:
                self._context.say(
                    f"Waiting for accepted work on at most {left} HITs; it can be submitted until"
                    f" {timestamp(latest)} at the latest. Press Ctrl-C{' again' if self._enough > 1 else ''}"
                    " to stop now."
                )
                told = True
            self._context.interrupts.wait(self._context.settings.poll_interval)

    def _last_state(self) -> str:
        """A run that crashed has not done what it was asked to while units of it were never launched."""
        planned = self._context.registry.unit_counts(self._run.run_id).get("planned", 0)
        return "stopped" if self._crashed and planned else "finished"

    def _end(self, state: str, in_flight: list[tuple[Hit, datetime]] | None = None) -> Ending:
        if state in END_STATES:
            self._close_pages()
        self._context.registry.set_run_state(self._run.run_id, state, self._stop_reason)
        self._show(now=True)
        return Ending(self._run.run_id, state, self._stop_reason, in_flight or [])

    def _close_pages(self) -> None:
        try:
            self._pages.close()
        except ProviderError as error:
            self._context.say(f"{error}")
            self._stop(
                f"its task server could not be taken down; see what is left: make servers RUN={self._run.run_id}"
            )

    # What everything above shares

    @property
    def _should_stop(self) -> bool:
        return self._context.interrupts.count > 0 or self._stop_reason is not None

    def _stop(self, reason: str) -> None:
        self._stop_reason = self._stop_reason or reason

    def _note(self, count: int) -> str:
        if count < self._enough:
            return FIRST_PRESS
        return SECOND_PRESS if self._phase == "waiting" else PRESS_NOTED

    def _out(self) -> int:
        counts = self._context.registry.unit_counts(self._run.run_id)
        return counts.get("creating", 0) + counts.get("outstanding", 0)

    def _show(self, *, now: bool = False) -> None:
        if not now and time.monotonic() < self._next_show:
            return
        started = time.monotonic()
        counts = self._context.registry.unit_counts(self._run.run_id)
        # Counting a million units takes a while: it may cost a tenth of the time, not more.
        self._next_show = time.monotonic() + max(SHOW_SECONDS, 10 * (time.monotonic() - started))
        done = counts.get("finished", 0) + counts.get("expired", 0) + counts.get("failed", 0)
        note = f"outstanding {counts.get('outstanding', 0)} · planned {counts.get('planned', 0)}"
        self._progress.update(done, note)
