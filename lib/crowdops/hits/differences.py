"""How a HIT and its unit can differ: the table of all differences, and how they are found. Only reads.

Of two HITs of a unit the older one is the unit's own. What puts the differences right is in reconcile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from typing import NamedTuple

from crowdops.context import Context
from crowdops.errors import Error, NotFound
from crowdops.hits import scan
from crowdops.hits.expire import can_be_accepted
from crowdops.providers.mturk.client import LISTING_LAG, Hit
from crowdops.registry import Registry, Run, Unit
from crowdops.results.collect import Stored

NEVER_LAUNCHED = ("planned", "creating", "failed")


class Pair(NamedTuple):
    """A HIT as it was read, and what the registry has of it and of its run.

    `condition` is the run's: attended, detached, crashed or ended.
    """

    run: Run
    condition: str
    hit: Hit
    stored: Stored

    @property
    def state(self) -> str | None:
        """Return the unit's state, or None if the registry does not have the unit."""
        return self.stored.unit and self.stored.unit.state

    @property
    def is_unknown(self) -> bool:
        """Return whether the registry has no HIT for the unit."""
        if self.stored.unit is None:
            return True
        has_none = self.state in NEVER_LAUNCHED and self.stored.unit.hit_id is None
        return has_none and not self.stored.is_replaced

    @property
    def is_own(self) -> bool:
        """Return whether the HIT is the one that the registry has for the unit."""
        return self.stored.unit is not None and self.stored.unit.hit_id == self.hit.hit_id

    @property
    def is_awaited(self) -> bool:
        """Return whether the registry takes the unit for outstanding under this HIT."""
        return self.is_own and self.state == "outstanding"


class Remedy(Enum):
    """What puts a difference right."""

    ADOPT = auto()  # the registry takes the HIT over
    FAIL = auto()  # the unit has failed
    EXPIRE = auto()  # the HIT is expired, and what was submitted to it is collected
    REOPEN = auto()  # the unit is outstanding again; unless the run is carried on, as EXPIRE besides
    COLLECT = auto()  # the answers are collected, and with them the unit's end


class Kind(NamedTuple):
    """A way in which a HIT and its unit can differ: a word for it, what it means, and what puts it right."""

    word: str
    reason: str
    remedy: Remedy


UNRECORDED = Kind("unrecorded", "the HIT exists, and the registry does not know it", Remedy.ADOPT)
DELETED = Kind("deleted", "somebody deleted the HIT", Remedy.FAIL)
SECOND = Kind("second", "the unit has another HIT", Remedy.EXPIRE)
REOPENED = Kind("reopened", "it was expired here, and can be accepted again", Remedy.REOPEN)
OPEN_AFTER_END = Kind(
    "open_after_end", "the registry takes it for ended, and it can still be accepted", Remedy.REOPEN
)
UNSEEN_END = Kind("unseen_end", "it has ended, and nobody has taken note of that", Remedy.COLLECT)
ANSWERS_MISSING = Kind("answers_missing", "it has more answers than the registry", Remedy.COLLECT)


def _is_unrecorded(pair: Pair) -> bool:
    # A process that attends the run may be creating it at this moment.
    return pair.is_unknown and pair.condition != "attended"


def _is_second(pair: Pair) -> bool:
    return not (pair.is_unknown or pair.is_own) and can_be_accepted(pair.hit)


def _is_reopened(pair: Pair) -> bool:
    was_expired = pair.stored.unit is not None and pair.stored.unit.expired_at is not None
    return pair.is_awaited and was_expired and pair.hit.status == "Assignable" and pair.condition != "ended"


def _is_open_after_end(pair: Pair) -> bool:
    if pair.is_awaited:
        return pair.hit.status == "Assignable" and pair.condition == "ended"
    return pair.is_own and pair.hit.is_outstanding


def _is_unseen_end(pair: Pair) -> bool:
    if not pair.is_awaited or pair.hit.is_outstanding:
        return False
    # Whoever attends a run asks for the Reviewable HITs of its type; a detached run is collected on demand.
    types = (pair.run.hit_type_id, pair.run.replacement_type_id)
    is_polled = pair.hit.status != "Reviewing" and pair.hit.hit_type_id in types
    return pair.condition in ("crashed", "ended") or (pair.condition == "attended" and not is_polled)


def _lacks_answers(pair: Pair) -> bool:
    if pair.is_unknown or pair.is_awaited or pair.hit.is_outstanding:
        return False
    is_deleted_here = pair.is_own and pair.state == "disposed"
    return pair.hit.answers > pair.stored.answers and not is_deleted_here


# How each is found; the first that applies counts. Of a deleted HIT there is nothing to compare.
RULES: tuple[tuple[Kind, Callable[[Pair], bool]], ...] = (
    (UNRECORDED, _is_unrecorded),
    (SECOND, _is_second),
    (REOPENED, _is_reopened),
    (OPEN_AFTER_END, _is_open_after_end),
    (UNSEEN_END, _is_unseen_end),
    (ANSWERS_MISSING, _lacks_answers),
)


class Difference(NamedTuple):
    """A HIT of which registry and provider do not say the same. `hit` is None if it is gone."""

    kind: Kind
    run: Run
    condition: str
    unit_index: int
    hit_id: str
    unit: Unit | None
    hit: Hit | None


def find_all(
    context: Context, runs: Sequence[Run], conditions: Mapping[str, str]
) -> tuple[list[Difference], int]:
    """Return what differs in these runs, and how many HITs carry the mark of a run that the registry lacks.

    One walk over the account, and a call for each HIT in doubt. `conditions` has every run of the registry.
    """
    hits_by_run = scan.scan(context).hits_by_run
    differences = [
        difference
        for run in runs
        for difference in find(context, run, conditions[run.run_id], hits_by_run.get(run.run_id, []))
    ]
    unknown_hits = sum(len(hits) for run_id, hits in hits_by_run.items() if run_id not in conditions)
    return differences, unknown_hits


def find(context: Context, run: Run, condition: str, hits: Sequence[Hit]) -> Iterator[Difference]:
    """Yield what differs in a run, given the HITs that a walk over the account has shown of it. Only reads.

    What the process that attends a run is about to put right by itself is left out, and so is what a detached
    run has ready to be collected. Raises the first error of a HIT that is on no list and cannot be read.
    """
    missing = read_missing(context, run, hits)
    for error in missing.errors.values():
        raise error
    for unit in outstanding_units(context.registry, run, missing.gone):
        yield Difference(DELETED, run, condition, unit.unit_index, unit.hit_id or "", unit, None)
    unrecorded: set[int] = set()
    for hit in sorted([*hits, *missing.hits.values()], key=age):
        difference = compare(context.registry, run, condition, hit)
        if difference and (condition == "attended" or may_be_replaced(difference)):
            difference = _compare_again(context, difference)
        if difference is None or (difference.kind is ANSWERS_MISSING and not _has_more_answers(context, hit)):
            continue
        if difference.kind is UNRECORDED and difference.unit_index in unrecorded:
            difference = difference._replace(kind=SECOND)
        unrecorded.add(difference.unit_index)
        yield difference


def compare(registry: Registry, run: Run, condition: str, hit: Hit) -> Difference | None:
    """Return how a HIT, as it was read just now, and its unit differ; None if they do not."""
    return compare_with(Stored.read(registry, hit), run, condition, hit)


def compare_with(stored: Stored, run: Run, condition: str, hit: Hit) -> Difference | None:
    """Return how a HIT differs from what the registry has of it, as compare() does."""
    pair = Pair(run, condition, hit, stored)
    kind = next((kind for kind, applies in RULES if applies(pair)), None)
    return kind and Difference(kind, run, condition, stored.unit_index, hit.hit_id, stored.unit, hit)


class HitsRead(NamedTuple):
    """What came of asking for HITs, by their ids."""

    hits: dict[str, Hit]
    gone: set[str]
    errors: dict[str, Error]


def read_hits(context: Context, hit_ids: Collection[str]) -> HitsRead:
    """Ask for HITs, one call each. When the endpoint falls silent, the rest is not tried and left out."""
    read = HitsRead({}, set(), {})
    for outcome in context.outcomes(context.provider.hit, hit_ids):
        if outcome.result:
            read.hits[outcome.item] = outcome.result
        elif isinstance(outcome.error, NotFound):
            read.gone.add(outcome.item)
        elif outcome.error:
            read.errors[outcome.item] = outcome.error
    return read


def read_missing(context: Context, run: Run, listed: Sequence[Hit]) -> HitsRead:
    """Ask for the HITs of a run that should be listed by now and are not; see read_hits()."""
    before = datetime.now(UTC) - LISTING_LAG
    hit_ids = context.registry.missing_hits(run.run_id, [hit.hit_id for hit in listed], before)
    return read_hits(context, hit_ids)


def outstanding_units(registry: Registry, run: Run, hit_ids: Collection[str]) -> list[Unit]:
    """Return the units that are outstanding under these HITs."""
    if not hit_ids:
        return []
    return [unit for unit in registry.iter_units(run.run_id, ["outstanding"]) if unit.hit_id in hit_ids]


def may_be_replaced(difference: Difference) -> bool:
    """Return whether perhaps only the list still has this HIT: it was deleted, and its unit launched anew."""
    unit = difference.unit
    return unit is not None and unit.attempt > 0 and unit.hit_id != difference.hit_id


def _compare_again(context: Context, difference: Difference) -> Difference | None:
    try:
        hit = context.provider.hit(difference.hit_id)
    except NotFound:
        return None
    return compare(context.registry, difference.run, difference.condition, hit)


def _has_more_answers(context: Context, hit: Hit) -> bool:
    """Return whether more answers are listed than stored. Counters lag; the list of assignments does not."""
    listed = context.provider.submissions(hit.hit_id, hit.max_assignments)
    return len(listed) > Stored.read(context.registry, hit).answers


def age(hit: Hit) -> tuple[datetime, int]:
    """Return what sorts HITs by age, the oldest first."""
    return hit.created_at, hit.mark.unit_index if hit.mark else 0
