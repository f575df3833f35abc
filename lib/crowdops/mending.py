"""Mending broken units: HITs are taken over, closed or collected, and units whose HIT is gone are given up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from crowdops import broken_units, parallel, results
from crowdops.broken_units import Broken
from crowdops.errors import Error, NotFound
from crowdops.output import Progress
from crowdops.providers.mturk import MTurk
from crowdops.registry import Registry
from crowdops.tallies import Tally

TO_EXPIRE, TO_COLLECT = ("second", "reopened", "open_after_end"), ("unseen_end", "answers_missing")


def mend(
    registry: Registry,
    provider: MTurk,
    these: Sequence[Broken],
    conditions: Mapping[str, str],
    *,
    threads: int,
    progress: Progress,
) -> Tally[Broken]:
    """Put these units right. Each is read again first: what is right by now counts as already so.

    Safe to repeat, and beside the process that attends a run.
    """
    work = _Work(registry, provider, these, threads, progress)
    now = list(work.look_again(conditions))
    ended = work.expire([found for found in now if found.kind in TO_EXPIRE])
    work.collect([found for found in now if found.kind in TO_COLLECT] + ended)
    return work.end()


class _Work:
    """What is being mended, and how far that has come."""

    def __init__(
        self, registry: Registry, provider: MTurk, these: Sequence[Broken], threads: int, progress: Progress
    ) -> None:
        self._registry, self._provider = registry, provider
        self._threads, self._progress = threads, progress
        self._waiting = {found.hit_id: found for found in these}
        self._tally: Tally[Broken] = Tally()

    def look_again(self, conditions: Mapping[str, str]) -> Iterator[Broken]:
        """Settle what needs no further call, and yield the rest as it is now."""
        reads = parallel.each(self._provider.hit, list(self._waiting), threads=self._threads)
        for outcome in sorted(reads, key=lambda outcome: _age(self._waiting[outcome.item])):
            found, hit = self._waiting[outcome.item], outcome.result
            if isinstance(outcome.error, NotFound):
                self._settle(found, already=not self._give_up(found))
            elif hit is None:
                self._settle(found, outcome.error)
            elif (
                now := broken_units.compare(self._registry, found.run, conditions[found.run.run_id], hit)
            ) is None:
                self._settle(found, already=True)
            elif now.kind == "unrecorded":
                self._registry.adopt_hit(found.run.run_id, found.unit_index, hit.hit_id, hit.created_at)
                self._settle(found)
            else:
                yield now

    def expire(self, these: Sequence[Broken]) -> list[Broken]:
        """Close these HITs. Returns those whose unit has come to its end with that, as it is now."""
        ended = []
        for outcome in parallel.each(
            lambda found: self._provider.expire(found.hit_id), these, threads=self._threads
        ):
            found, hit = outcome.item, outcome.item.hit
            if outcome.error is None:
                self._note_expired(found)
            if (
                outcome.error is None
                and found.unit
                and found.unit.state == "outstanding"
                and hit
                and not hit.pending
            ):
                ended.append(found._replace(hit=hit._replace(status="Reviewable")))
            else:
                self._settle(found, outcome.error)
        return ended

    def collect(self, these: Sequence[Broken]) -> None:
        """Store what was submitted to these HITs, and that they have ended."""
        by_id = {found.hit_id: found for found in these}
        outcomes = results.collect(
            self._registry, self._provider, [_finding(found) for found in these], threads=self._threads
        )
        failures = {
            outcome.item.hit_id: outcome.error for outcome in outcomes
        }  # a HIT's last outcome is its worst
        for hit_id, error in failures.items():
            self._settle(by_id[hit_id], error)

    def end(self) -> Tally[Broken]:
        """Return what came of it all."""
        self._progress.close()
        self._tally.add_untried(self._waiting)
        return self._tally

    def _settle(self, found: Broken, error: Error | None = None, *, already: bool = False) -> None:
        del self._waiting[found.hit_id]
        if error:
            self._tally.failed.append((found.hit_id, str(error)))
        else:
            self._tally.settled.append(found)
            self._tally.already += already
        self._progress.update(len(self._tally.settled))

    def _give_up(self, found: Broken) -> bool:
        """Fail the unit of a HIT that is gone. False if its state says something else by now."""
        unit = self._registry.unit(found.run.run_id, found.unit_index)
        if unit is None or unit.state != "outstanding" or unit.hit_id != found.hit_id:
            return False
        self._registry.set_failed(found.run.run_id, found.unit_index, f"somebody deleted HIT {found.hit_id}")
        return True

    def _note_expired(self, found: Broken) -> None:
        if found.kind == "second":
            self._registry.record("hit-expired", found.hit_id, found.run.run_id, "the second of its unit")
        else:
            self._registry.set_expired(found.run.run_id, found.unit_index, found.hit_id)


def _age(found: Broken) -> datetime:
    """Return what sorts the older of two HITs first: it becomes the unit's own."""
    return found.hit.created_at if found.hit else datetime.min.replace(tzinfo=UTC)


def _finding(found: Broken) -> results.Finding:
    assert found.hit is not None and found.hit.mark is not None
    finding = results.finding(found.hit, found.hit.mark)
    is_own = found.unit is not None and found.unit.hit_id == found.hit_id
    return finding if is_own else finding._replace(ended=False)  # the end of a second HIT is not the unit's
