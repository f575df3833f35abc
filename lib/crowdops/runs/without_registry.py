"""A run whose registry cannot be used any more ends as cleanly as it can: nothing can be written down.

Its HITs are known by the registry, if that can be read, by what this process has just created, and by a walk
over the account. What workers submit stays with the endpoint, and the run is a crashed one: to recover it is
to collect that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from crowdops.bulk import NOT_TRIED
from crowdops.console import times
from crowdops.errors import Error, NotFound, RegistryAway, RegistryError, RegistryMoved
from crowdops.hits.expire import Target
from crowdops.providers.mturk.client import Hit
from crowdops.registry.patience import Patience
from crowdops.runs.attended import AttendedRun

MOST_NAMED = 100  # expired HITs that nobody works on; all others are named


@contextmanager
def ending(attended: AttendedRun) -> Iterator[None]:
    """End a run whose registry fails within the block. Raises RegistryError, which names the HITs left."""
    try:
        yield
    except RegistryError as error:
        attended.context.registry.patience = Patience(locked=0.0)
        what = error.what if isinstance(error, RegistryMoved) else str(error)
        last_words = "\n".join([what, *_Ending(attended).lines(), _next_command(error)])
        raise RegistryError(last_words) from error


def _next_command(error: RegistryError) -> str:
    if isinstance(error, RegistryAway) and not isinstance(error, RegistryMoved):
        return "When the registry can be used again, collect what is submitted and end the run: make recover"
    return "Make a registry again, and take the run into it: make rebuild. Then end the run: make recover"


class _Ending:
    """What is done to the HITs and the pages of a run without its registry, and what is said of it."""

    def __init__(self, attended: AttendedRun) -> None:
        self._attended, self._context = attended, attended.context
        self._run, self._provider = attended.run, attended.context.provider

    def lines(self) -> list[str]:
        """End what can be ended. Returns what came of it, a line each."""
        self._attended.lifecycle.begin_expiring()
        run = self._run
        self._context.say(f"{run.task_name} ({run.run_id}) ends without its registry: its HITs are expired.")
        targets, lines = self._find()
        failures = self._expire(targets)
        lines += [*self._describe(targets, failures), *self._close_pages()]
        return lines

    def _find(self) -> tuple[dict[str, Target], list[str]]:
        """Return the run's HITs that may be open, by their ids, and a line for each that cannot be known."""
        targets = {target.hit_id: target for target in list(self._attended.creator.latest)}
        lines: list[str] = []
        open_units: set[int] = set()
        try:
            for unit in self._context.registry.iter_units(self._run.run_id, ["creating", "outstanding"]):
                open_units.add(unit.unit_index)
                if unit.hit_id:
                    targets[unit.hit_id] = Target(unit.run_id, unit.unit_index, unit.hit_id)
        except RegistryError:
            lines.append("The registry cannot be read, either: these HITs are the latest, and those listed.")
        try:
            for hit in self._provider.iter_hits():
                if (mark := hit.mark) and mark.run_id == self._run.run_id:
                    targets.pop(hit.hit_id, None)
                    if hit.is_outstanding or mark.unit_index in open_units:
                        targets[hit.hit_id] = Target(mark.run_id, mark.unit_index, hit.hit_id)
        except Error as error:
            lines.append(f"The account could not be looked through for its HITs: {error}")
        return targets, lines

    def _expire(self, targets: dict[str, Target]) -> dict[str, str]:
        """Expire HITs. Returns why those that failed did, by their ids."""
        failures = dict.fromkeys(targets, NOT_TRIED)
        bar = self._context.progress(len(targets), "expired")
        for outcome in self._context.outcomes(self._provider.expire, targets):
            if outcome.error is None or isinstance(outcome.error, NotFound):
                del failures[outcome.item]
            else:
                failures[outcome.item] = str(outcome.error)
            bar.update(len(targets) - len(failures))
        bar.close()
        return failures

    def _describe(self, targets: dict[str, Target], failures: dict[str, str]) -> list[str]:
        """Return what is left of the run's HITs: those that are out first."""
        lines = [
            f"HIT {hit_id} (unit {targets[hit_id].unit_index}) is out, and could not be expired: {why}"
            for hit_id, why in failures.items()
        ]
        now = self._provider.time_there or datetime.now(UTC)
        quiet: list[str] = []
        for outcome in self._context.outcomes(self._provider.hit, [i for i in targets if i not in failures]):
            if outcome.result and (outcome.result.pending or outcome.result.submitted):
                lines.append(_describe_work(targets[outcome.item], outcome.result, now))
            elif not isinstance(outcome.error, NotFound):
                quiet.append(outcome.item)
        if quiet:
            more = f" and {len(quiet) - MOST_NAMED} more" if len(quiet) > MOST_NAMED else ""
            lines.append(f"Expired, with nobody at work: HIT {', '.join(quiet[:MOST_NAMED])}{more}")
        if not lines:
            lines.append("No HIT of the run is out.")
        return lines

    def _close_pages(self) -> list[str]:
        """Take the task server down. Returns a line if that failed."""
        try:
            self._attended.pages.close()
        except RegistryError:
            pass  # it is down: that is written down last
        except Error as error:
            return [f"{error}"]
        return []


def _describe_work(target: Target, hit: Hit, now: datetime) -> str:
    """Return in words what a HIT holds that has to be waited for or collected."""
    held = [f"{hit.submitted} submitted, not collected"] if hit.submitted else []
    if hit.pending:
        latest = times.said(now + hit.assignment_duration)
        held.append(f"{hit.pending} accepted, not submitted; possible until {latest} at the latest")
    return f"HIT {target.hit_id} (unit {target.unit_index}): {', '.join(held)}."
