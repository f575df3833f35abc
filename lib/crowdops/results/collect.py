"""Results: what workers have submitted is fetched from the provider and stored in the registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from crowdops import bulk
from crowdops.context import Context
from crowdops.errors import Error, NotFound
from crowdops.providers.mturk.client import Hit, MTurk
from crowdops.registry import OPEN_STATES, Assignment, Registry, Run, Unit

Outcome = bulk.Outcome[Hit, list[Assignment]]
CLOCKS_DIFFER = timedelta(hours=1)  # at most, where one of them is not looked after
SAME = timedelta(minutes=1)  # of the end that a HIT was made with
AT_ONCE = 25  # HITs whose answers are stored in one transaction


class Stored(NamedTuple):
    """What the registry has of a HIT of ours: its unit, and the number of answers to it.

    `is_replaced`: another HIT has taken its place.
    """

    run_id: str
    unit_index: int
    unit: Unit | None
    answers: int
    is_replaced: bool = False

    @classmethod
    def read(cls, registry: Registry, hit: Hit) -> Stored:
        """Return what the registry has of a HIT."""
        assert hit.mark is not None
        run_id, index = hit.mark.run_id, hit.mark.unit_index
        answers = registry.collected_of(run_id, index, hit.hit_id)
        unit = registry.unit(run_id, index)
        is_replaced = unit is not None and unit.attempt > 0 and registry.was_replaced(hit.hit_id)
        return cls(run_id, index, unit, answers, is_replaced)

    def can_end_with(self, hit: Hit) -> bool:
        """Return whether the unit ends with this HIT: it has no other."""
        if self.unit is None or self.is_replaced:
            return False
        is_being_extended = self.unit.state == "creating" and self.unit.hit_id is not None
        if is_being_extended or hit.max_assignments < (self.unit.places or 0):  # it was read before
            return False
        return self.unit.hit_id in (None, hit.hit_id)

    def awaits(self, hit: Hit) -> bool:
        """Return whether the unit is to get more answers by this HIT, by the registry."""
        return self.unit is not None and self.unit.hit_id == hit.hit_id and self.unit.state in OPEN_STATES

    def may_lack_expiry_of(self, hit: Hit) -> bool:
        """Return whether the HIT has expired, and no early end of it was written down."""
        if self.unit is None or self.unit.hit_id is None:
            return False
        is_noted = self.unit.hit_id == hit.hit_id and self.unit.expired_at is not None
        return not is_noted and hit.expiration < datetime.now(UTC) + CLOCKS_DIFFER


def collect(context: Context, hits: Iterable[Hit], *, mark: bool = True) -> Iterator[Outcome]:
    """Store the assignments of HITs of ours, then `mark` the ended ones Reviewing. Yields an outcome each.

    One call a HIT, none for one that ended untouched. Of a type whose reviewable HITs are asked for again and
    again, each that has ended is marked with one more, so that this list stays short. Safe to repeat and to
    interrupt: a HIT that was stored but not marked is listed again. A unit is not at its end
    while the counters of its HIT speak of more answers than are stored: whatever the registry took it for, it
    is outstanding until then.
    """
    to_mark: list[Hit] = []
    reopened = _reopened(context.registry, hits)
    for batch in _batches(context.outcomes(lambda hit: fetch(context.provider, hit), reopened)):
        to_mark += context.registry.try_on(partial(_store_all, context.registry, batch))
        yield from batch
    if mark and to_mark:
        polled = context.registry.polled_hit_types()
        mark_collected(context, [hit for hit in to_mark if hit.hit_type_id in polled])


def _batches(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    """Yield outcomes together: what was only read need not be written down one by one."""
    batch: list[Outcome] = []
    try:
        for outcome in outcomes:
            batch.append(outcome)
            if len(batch) == AT_ONCE:
                yield batch
                batch = []
    except Error:  # a list that broke off
        yield batch
        raise
    yield batch


def _store_all(registry: Registry, outcomes: Iterable[Outcome]) -> list[Hit]:
    """Store what was fetched, in one transaction. Returns the HITs that may be marked Reviewing."""
    fetched = [(outcome.item, outcome.result) for outcome in outcomes if outcome.result is not None]
    if not fetched:
        return []
    with registry.transaction():
        return [hit for hit, assignments in fetched if store(registry, hit, assignments)]


def _reopened(registry: Registry, hits: Iterable[Hit]) -> Iterator[Hit]:
    for hit in hits:
        reopen_unit(registry, hit)
        yield hit


def reopen_unit(registry: Registry, hit: Hit) -> None:
    """Let a unit that the registry takes for ended be outstanding, if answers of its HIT are missing."""
    assert hit.mark is not None
    run_id, index = hit.mark.run_id, hit.mark.unit_index
    unit = registry.unit(run_id, index)
    if unit is None or unit.state in OPEN_STATES:
        return
    if hit.answers > registry.collected_of(run_id, index, hit.hit_id):
        registry.reopen_unit(run_id, index, hit.hit_id)


def fetch(provider: MTurk, hit: Hit) -> list[Assignment]:
    """Return what was submitted to a HIT. One call for a hundred assignments, none if it ended untouched."""
    return [] if hit.ended_untouched else provider.submissions(hit.hit_id, hit.max_assignments)


def store(registry: Registry, hit: Hit, assignments: Sequence[Assignment]) -> bool:
    """Store what was fetched of a HIT. With that its unit has ended, unless it is the unit's second HIT.

    Returns whether the HIT may be marked Reviewing: it has ended, nothing of it is missing, and its unit is
    not to get more by it, as one that is just being extended.
    """
    stored = Stored.read(registry, hit)
    note_expiry(registry, hit, stored)
    is_whole = not hit.is_outstanding and len(assignments) >= hit.answers
    is_end = is_whole and stored.can_end_with(hit)
    registry.collect(stored.run_id, stored.unit_index, hit.hit_id, assignments, ended=is_end)
    return is_whole and not hit.ended_untouched and not (stored.awaits(hit) and not is_end)


def note_expiry(registry: Registry, hit: Hit, stored: Stored) -> None:
    """Write down that a HIT was ended before its time, unless that is known. Safe to repeat."""
    if stored.may_lack_expiry_of(hit) and _was_expired(registry, hit, stored.run_id):
        registry.set_expired(stored.run_id, stored.unit_index, hit.hit_id, ", found expired")


def _was_expired(registry: Registry, hit: Hit, run_id: str) -> bool:
    """Return whether a HIT was ended before its time: whoever did it may have died before writing it down."""
    run = registry.run(run_id)
    if run is None:
        return False
    lifetime = timedelta(seconds=run.parameters.task_lifetime_in_seconds)
    return hit.expiration < hit.created_at + lifetime - SAME


def mark_collected(context: Context, hits: Iterable[Hit]) -> None:
    """Take HITs whose results are stored off the reviewable ones. A failure is made good next time."""
    for _ in context.outcomes(lambda hit: context.provider.mark_reviewing(hit.hit_id), hits):
        pass


def is_due(registry: Registry, hit: Hit) -> bool:
    """Return whether the registry lacks something of an ended HIT of ours: answers, or its unit's end."""
    stored = Stored.read(registry, hit)
    if stored.unit is None:
        return False
    lacks_end = stored.unit.state in OPEN_STATES and stored.can_end_with(hit)
    return lacks_end or hit.answers > stored.answers


def is_awaited(registry: Registry, hit: Hit) -> bool:
    """Return whether the unit of a HIT of ours is to get more answers by it, such as one that is extended."""
    return Stored.read(registry, hit).awaits(hit)


def refresh(context: Context, runs: Sequence[Run]) -> list[str]:
    """Collect what is new of these runs. Returns a line for each HIT that could not be read.

    One walk over ListHITs, and meanwhile one or two calls for each HIT whose counters disagree with what is
    stored: work that came in, was approved by itself, or was reviewed by somebody else.
    """
    changes = Changes(context.registry, runs)
    listed = context.counted(context.provider.iter_hits(), "HITs listed:")
    outcomes = collect(context, (hit for hit in listed if changes.include(hit)))
    return [describe_failure(outcome) for outcome in outcomes if outcome.error]


def refresh_others(context: Context, run: Run) -> list[str]:
    """Collect what is new of other runs of a run's task_name that have HITs out. No call if there are none.

    Whoever has done enough of a task_name is known by all of its runs. Returns as refresh().
    """
    others = [
        other
        for other in context.registry.runs()
        if other.task_name == run.task_name and other.run_id != run.run_id
    ]
    counts = {other.run_id: context.registry.unit_counts(other.run_id) for other in others}
    out = [
        other for other in others if counts[other.run_id]["creating"] + counts[other.run_id]["outstanding"]
    ]
    return refresh(context, out) if out else []


def look_again(context: Context, hit_ids: Sequence[str]) -> list[str]:
    """Store the assignments of collected HITs again, whatever their counters say. Returns as refresh().

    Two calls a HIT; one that is gone is passed over.
    """
    failures = []
    outcomes = context.outcomes(lambda hit_id: _read_again(context.provider, hit_id), hit_ids)
    for outcome in context.counted(outcomes, "HITs read again", len(hit_ids)):
        if outcome.result is not None:
            store(context.registry, *outcome.result)
        elif not isinstance(outcome.error, NotFound):
            failures.append(f"HIT {outcome.item}: {outcome.error}")
    return failures


def _read_again(provider: MTurk, hit_id: str) -> tuple[Hit, list[Assignment]]:
    hit = provider.hit(hit_id)
    return hit, fetch(provider, hit)


class Changes:
    """Tells which HITs of runs have something that the registry lacks, by their counters."""

    def __init__(self, registry: Registry, runs: Sequence[Run]) -> None:
        self._registry, self._run_ids = registry, {run.run_id for run in runs}
        # The counter of reviewed assignments may lag; when they are approved by themselves is known.
        self._approved = {
            hit_id
            for run_id in self._run_ids
            for _, hit_id in registry.iter_stale_units(run_id, datetime.now(UTC))
        }

    def include(self, hit: Hit) -> bool:
        """Return whether a HIT, as it was listed just now, is one of these runs and has changed."""
        mark = hit.mark
        if mark is None or mark.run_id not in self._run_ids:
            return False
        stored = self._registry.unit_review(mark.run_id, mark.unit_index, hit.hit_id)
        if stored is None or stored.state == "disposed":
            return False
        lacks_end = not hit.is_outstanding and stored.state in ("creating", "outstanding") and stored.is_own
        has_changed = (stored.reviewed, stored.submitted) != (hit.completed, hit.submitted)
        return lacks_end or has_changed or hit.hit_id in self._approved


def failed(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Return what refresh() returned as what a command has failed at: which HIT, and why."""
    return [(hit, why) for hit, _, why in (line.partition(": ") for line in lines)]


def describe_failure(outcome: Outcome) -> str:
    """Return one line about a HIT whose results could not be collected."""
    hit = outcome.item
    assert hit.mark is not None
    return f"HIT {hit.hit_id} (unit {hit.mark.unit_index} of {hit.mark.run_id}): {outcome.error}"
