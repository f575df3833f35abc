"""Taking a run's HITs off the market, and what of them is in workers' hands after that."""

from __future__ import annotations

from datetime import UTC, datetime

from crowdops import bulk
from crowdops.console.progress import progress
from crowdops.context import Context
from crowdops.errors import Unreachable
from crowdops.hits import expire
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Run
from crowdops.results import collect
from crowdops.runs.outage import Silence
from crowdops.runs.unit_launcher import Launcher


class Withdrawal:
    """Expires what one run has out. What is being created is settled first, so that none slips through."""

    def __init__(self, context: Context, run: Run, launcher: Launcher, silence: Silence) -> None:
        self._context, self._run = context, run
        self._launcher, self._silence = launcher, silence

    def expire_all(self) -> None:
        """Expire until nothing can be accepted."""
        run_id = self._run.run_id
        told = False
        while True:
            self._launcher.settle()
            failed = self._expire_known()
            unsettled = self._context.registry.unit_counts(run_id).get("creating", 0)
            if not failed and not unsettled:
                return
            if failed:
                self._silence.listen(
                    Unreachable(f"{len(failed)} HITs could not be expired ({failed[0][1]}).")
                )
            elif not told:
                self._context.say(
                    f"{unsettled} HITs may exist that the endpoint does not list yet. Looking for them."
                )
                told = True
            self._context.interrupts.wait(self._context.settings.poll_interval)

    def _expire_known(self) -> list[tuple[str, str]]:
        """Expire the HITs that are known. Returns those that failed; one that somebody deleted is done."""
        run_id = self._run.run_id
        these = [
            expire.Target(run_id, unit.unit_index, unit.hit_id)
            for unit in self._context.registry.iter_units(run_id, ["outstanding"])
            if unit.hit_id and not unit.expired_at
        ]
        bar = progress(len(these), "expired", quiet=self._context.settings.quiet)
        gone, failed = expire.expire(self._context, these, progress=bar)
        for target in gone:
            self._context.registry.set_failed(
                run_id, target.unit_index, f"somebody deleted HIT {target.hit_id}"
            )
        if these and not failed:
            self._silence.listen(None)
        return failed

    def in_flight(self) -> list[tuple[Hit, datetime]]:
        """Return the HITs with accepted work, and collect what was submitted to them.

        The API shows accepted work as a count; the moment is the latest at which it can be submitted.
        """
        found = self._look_at_outstanding()
        findings = [
            collect.finding(hit, hit.mark) for hit, _ in found if hit.mark and hit.submitted + hit.completed
        ]
        for outcome in collect.collect(self._context, findings):
            if outcome.error:
                self._context.say(collect.describe_failure(outcome))
        return found

    def _look_at_outstanding(self) -> list[tuple[Hit, datetime]]:
        units = {
            u.hit_id: u
            for u in self._context.registry.iter_units(self._run.run_id, ["outstanding"])
            if u.hit_id
        }
        found = []
        for outcome in bulk.each(
            self._context.provider.hit, list(units), threads=self._context.settings.threads
        ):
            if isinstance(outcome.error, Unreachable):
                self._silence.listen(outcome.error)  # and so ends: a list with gaps would be taken for whole
            if outcome.result and outcome.result.pending:
                ended = units[outcome.item].expired_at or datetime.now(UTC)
                found.append((outcome.result, ended + outcome.result.assignment_duration))
        return sorted(found, key=lambda item: item[0].hit_id)
