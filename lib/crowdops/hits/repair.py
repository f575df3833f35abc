"""Mending broken units: HITs are taken over, closed or collected, and units whose HIT is gone are given up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from crowdops import bulk
from crowdops.bulk import Tally
from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import Error, NotFound
from crowdops.hits import create as hits
from crowdops.hits import discrepancies
from crowdops.hits.discrepancies import Broken
from crowdops.providers.mturk.client import LISTING_LAG, Hit
from crowdops.registry import Registry, Run
from crowdops.results import collect as results

TO_EXPIRE, TO_COLLECT = ("second", "reopened", "open_after_end"), ("unseen_end", "answers_missing")


def mend(
    context: Context, these: Sequence[Broken], conditions: Mapping[str, str], *, progress: Progress
) -> Tally[Broken]:
    """Put these units right. Each is read again first: what is right by now counts as already so.

    Safe to repeat, and beside the process that attends a run.
    """
    work = _Work(context, these, progress)
    now = list(work.look_again(conditions))
    ended = work.expire([found for found in now if found.kind in TO_EXPIRE])
    work.collect([found for found in now if found.kind in TO_COLLECT] + ended)
    return work.end()


class _Work:
    """What is being mended, and how far that has come."""

    def __init__(self, context: Context, these: Sequence[Broken], progress: Progress) -> None:
        self._context, self._progress = context, progress
        self._waiting = {found.hit_id: found for found in these}
        self._tally: Tally[Broken] = Tally()

    def look_again(self, conditions: Mapping[str, str]) -> Iterator[Broken]:
        """Settle what needs no further call, and yield the rest as it is now."""
        reads = bulk.each(
            self._context.provider.hit, list(self._waiting), threads=self._context.settings.threads
        )
        for outcome in sorted(reads, key=lambda outcome: _age(self._waiting[outcome.item])):
            found, hit = self._waiting[outcome.item], outcome.result
            if isinstance(outcome.error, NotFound):
                self._settle(found, already=not self._give_up(found))
            elif hit is None:
                self._settle(found, outcome.error)
            elif (
                now := discrepancies.compare(
                    self._context.registry, found.run, conditions[found.run.run_id], hit
                )
            ) is None:
                self._settle(found, already=True)
            elif now.kind == "unrecorded":
                self._context.registry.adopt_hit(
                    found.run.run_id, found.unit_index, hit.hit_id, hit.created_at
                )
                self._settle(found)
            else:
                yield now

    def expire(self, these: Sequence[Broken]) -> list[Broken]:
        """Close these HITs. Returns those whose unit has come to its end with that, as it is now."""
        ended = []
        for outcome in bulk.each(
            lambda found: self._context.provider.expire(found.hit_id),
            these,
            threads=self._context.settings.threads,
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
        outcomes = results.collect(self._context, [_finding(found) for found in these])
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
        unit = self._context.registry.unit(found.run.run_id, found.unit_index)
        if unit is None or unit.state != "outstanding" or unit.hit_id != found.hit_id:
            return False
        self._context.registry.set_failed(
            found.run.run_id, found.unit_index, f"somebody deleted HIT {found.hit_id}"
        )
        return True

    def _note_expired(self, found: Broken) -> None:
        if found.kind == "second":
            self._context.registry.record(
                "hit-expired", found.hit_id, found.run.run_id, "the second of its unit"
            )
        else:
            self._context.registry.set_expired(found.run.run_id, found.unit_index, found.hit_id)


def _age(found: Broken) -> datetime:
    """Return what sorts the older of two HITs first: it becomes the unit's own."""
    return found.hit.created_at if found.hit else datetime.min.replace(tzinfo=UTC)


def _finding(found: Broken) -> results.Finding:
    assert found.hit is not None and found.hit.mark is not None
    finding = results.finding(found.hit, found.hit.mark)
    is_own = found.unit is not None and found.unit.hit_id == found.hit_id
    return finding if is_own else finding._replace(ended=False)  # the end of a second HIT is not the unit's


ENDED = ("finished", "expired", "failed")


SETTLED = ("finished", "disposed")  # of these units nothing more can come in


class Adopted(NamedTuple):
    """What the registry learnt of a run. `failures` has a line for each HIT that could not be read or ended."""

    hits: int
    gone: int
    failures: list[str]


def adopt(context: Context, run: Run, seen: Sequence[Hit]) -> Adopted:
    """Bring the registry's units of a run in line with the HITs that were `seen` of it. Safe to repeat.

    HITs of units that the registry believed unborn are taken over; units whose HIT somebody extended are outstanding
    again, units whose HIT somebody deleted fail; a second HIT of a unit is expired; and what has ended is collected,
    because an ended HIT may be on no list that a run looks at.
    """
    adopted = 0
    seen = [hit for hit in seen if not _is_replaced(context, hit)]
    for hit in seen:
        assert hit.mark is not None
        adopted += context.registry.adopt_hit(run.run_id, hit.mark.unit_index, hit.hit_id, hit.created_at)
    before = datetime.now(UTC) - LISTING_LAG
    missing = context.registry.missing_hits(run.run_id, [hit.hit_id for hit in seen], before)
    _reopen(context, seen)
    gone = _fail_deleted(context, run, missing)
    failures = _expire_surplus(context, seen)
    failures += _collect_ended(context, seen)
    return Adopted(adopted, gone, failures)


def _is_replaced(context: Context, hit: Hit) -> bool:
    """Return whether a HIT is a deleted one of a unit that is launched anew, and only the list has it yet."""
    assert hit.mark is not None
    unit = context.registry.unit(hit.mark.run_id, hit.mark.unit_index)
    is_doubtful = unit is not None and unit.attempt > 0 and unit.hit_id != hit.hit_id
    return is_doubtful and not hits.exists(context.provider, hit.hit_id)


def _reopen(context: Context, seen: Sequence[Hit]) -> None:
    doubtful = []
    for hit in seen:
        assert hit.mark is not None
        unit = context.registry.unit(hit.mark.run_id, hit.mark.unit_index)
        if hit.is_outstanding and unit and unit.hit_id == hit.hit_id and unit.state in ENDED:
            doubtful.append(hit.hit_id)
    for outcome in bulk.each(
        context.provider.hit, doubtful, threads=context.settings.threads
    ):  # it may have ended since it was seen
        if outcome.result and outcome.result.is_outstanding and (mark := outcome.result.mark):
            context.registry.reopen_unit(mark.run_id, mark.unit_index, outcome.item)


def _fail_deleted(context: Context, run: Run, missing: Sequence[str]) -> int:
    units = {
        unit.hit_id: unit.unit_index for unit in context.registry.iter_units(run.run_id, ["outstanding"])
    }
    gone = 0
    for outcome in bulk.each(context.provider.hit, missing, threads=context.settings.threads):
        if isinstance(outcome.error, NotFound):
            gone += 1
            context.registry.set_failed(
                run.run_id, units[outcome.item], f"somebody deleted HIT {outcome.item}"
            )
    return gone


def _expire_surplus(context: Context, seen: Sequence[Hit]) -> list[str]:
    surplus = [
        hit.hit_id for hit in seen if hit.is_outstanding and not _is_the_units_own(context.registry, hit)
    ]
    return [
        f"HIT {outcome.item}, the second of its unit, could not be expired: {outcome.error}"
        for outcome in bulk.each(context.provider.expire, surplus, threads=context.settings.threads)
        if outcome.error and not isinstance(outcome.error, NotFound)
    ]


def _is_the_units_own(registry: Registry, hit: Hit) -> bool:
    assert hit.mark is not None
    unit = registry.unit(hit.mark.run_id, hit.mark.unit_index)
    return unit is None or unit.hit_id == hit.hit_id


def _collect_ended(context: Context, seen: Sequence[Hit]) -> list[str]:
    findings = []
    for hit in seen:
        assert hit.mark is not None
        unit = context.registry.unit(hit.mark.run_id, hit.mark.unit_index)
        assert unit is not None  # adopted above
        found = results.finding(hit, hit.mark)
        if unit.hit_id != hit.hit_id:
            found = found._replace(ended=False)  # the end of a second HIT is not the unit's
        is_settled = unit.state in SETTLED and unit.hit_id == hit.hit_id
        if not is_settled and (found.expected or (found.ended and unit.state != "expired")):
            findings.append(found)
    outcomes = results.collect(context, findings)
    return [results.describe_failure(outcome) for outcome in outcomes if outcome.error]
