"""Ending a run: its HITs are expired, accepted work is waited for and collected. Nothing is launched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from crowdops import bulk
from crowdops.console import times
from crowdops.errors import NotFound, ProviderError, Unreachable
from crowdops.formats import words
from crowdops.hits import expire
from crowdops.providers.mturk.client import Hit
from crowdops.results import collect
from crowdops.runs.attended import AttendedRun
from crowdops.runs.outcome import Outcome


class Drain:
    """Ends an attended run. Safe to repeat by whoever attends the run next."""

    def __init__(self, attended: AttendedRun) -> None:
        self._attended, self._run_id = attended, attended.run.run_id
        self._context, self._lifecycle = attended.context, attended.lifecycle

    def end(self) -> Outcome:
        """Expire what is out, wait for accepted work, and end the run."""
        self.expire_all()
        return self.wait_for_work()

    def expire_all(self) -> None:
        """Expire HITs until nothing can be accepted. What is being created is settled first."""
        self._lifecycle.begin_expiring()
        reason = self._lifecycle.stop_reason
        self._context.registry.set_run_state(self._run_id, "draining", reason)
        if reason and not self._lifecycle.has_crashed:  # of a crashed run it is said that it is being ended
            self._context.say(f"Stopping: {reason}")
        is_told = False
        while True:
            self._attended.creator.settle()
            failures = self._expire_known()
            unsettled = self._attended.counts()["creating"]
            if not failures and not unsettled:
                return
            if failures:
                self._attended.outage.note(
                    Unreachable(
                        f"{words.count(len(failures), 'HIT')} could not be expired ({failures[0][1]})."
                    )
                )
            elif not is_told:
                self._context.say(
                    f"{words.count(unsettled, 'HIT')} may exist that the endpoint does not list yet."
                    f" Looking for {words.choose(unsettled, 'it', 'them')}."
                )
                is_told = True
            self._attended.wait()

    def wait_for_work(self, *, patient: bool = True) -> Outcome:
        """Collect what comes in until nothing can any more, and end the run. Without `patient`, poll once."""
        self._lifecycle.begin_waiting()
        duration = self._attended.run.parameters.assignment_duration_in_seconds
        now = self._context.provider.time_there or datetime.now(UTC)
        latest = now + timedelta(seconds=duration)
        self._attended.wait_until(latest)
        is_told = False
        while True:
            self._attended.pages_are_up()  # whoever has accepted work still needs its page
            self._attended.collect(tidy=is_told)
            counts = self._attended.counts()
            unfinished = counts["creating"] + counts["outstanding"]
            if self._attended.is_through(unfinished):
                return self._attended.end(self._end_state(counts["planned"]))
            if not unfinished:
                self._expire_known()  # what the last look has found to be open again
            if self._lifecycle.should_give_up or not patient:
                return self._attended.end("stopped", self._collect_in_flight())
            if not is_told and unfinished:
                self._context.say(
                    f"Waiting for accepted work on at most {words.count(unfinished, 'HIT')}; it can be"
                    f" submitted until {times.said(latest)} at the latest."
                    f" {self._lifecycle.way_to_give_up} to stop now."
                )
                is_told = True
            self._attended.wait()

    def _end_state(self, planned: int) -> str:
        """Return the state of a run that has nothing out: a crashed one has not done what it was asked to."""
        return "stopped" if self._lifecycle.has_crashed and planned else "finished"

    def _expire_known(self) -> list[tuple[str, str]]:
        """Expire the HITs that are known. Returns those that failed; one that somebody deleted is done."""
        targets = [
            expire.Target(self._run_id, unit.unit_index, hit_id)
            for hit_id, unit in expire.outstanding_by_hit(self._context.registry, self._run_id).items()
            if not unit.expired_at
        ]
        bar = self._context.progress(len(targets), "expired")
        result = bulk.carry_out(
            expire.action(self._context),
            targets,
            threads=self._context.settings.threads,
            on_progress=bar.update,
        )
        bar.close()
        if targets and not result.failed:
            self._attended.outage.note(None)
        return result.failed

    def _collect_in_flight(self) -> list[tuple[Hit, datetime]]:
        """Return the HITs with accepted work, and collect what was submitted to them.

        The API shows accepted work as a count; the moment is the latest at which it can be submitted.
        """
        units = expire.outstanding_by_hit(self._context.registry, self._run_id)
        in_flight = []
        for outcome in self._context.outcomes(self._context.provider.hit, units):
            if isinstance(outcome.error, ProviderError) and not isinstance(outcome.error, NotFound):
                self._attended.outage.give_up(outcome.error)  # a list with gaps would be taken for whole
            if outcome.result and outcome.result.pending:
                ended = units[outcome.item].expired_at or datetime.now(UTC)
                in_flight.append((outcome.result, ended + outcome.result.assignment_duration))
        for answers in collect.collect(self._context, [hit for hit, _ in in_flight if hit.answers]):
            if answers.error:
                self._context.say(collect.describe_failure(answers))
        return sorted(in_flight, key=lambda item: item[0].hit_id)
