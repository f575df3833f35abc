"""HITs that carry our mark: all that an account has of them, and taking over those that the registry lost sight of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from crowdops import hits, parallel, results
from crowdops.errors import NotFound
from crowdops.providers.mturk import LISTING_LAG, Hit, MTurk
from crowdops.registry import Registry, Run

ENDED = ("finished", "expired", "failed")
SETTLED = ("finished", "disposed")  # of these units nothing more can come in


class Sightings(NamedTuple):
    """What one walk over an account has shown: our HITs by run id, and how many are not ours."""

    ours: dict[str, list[Hit]]
    foreign: int


class Adopted(NamedTuple):
    """What the registry learnt of a run. `failures` has a line for each HIT that could not be read or ended."""

    hits: int
    gone: int
    failures: list[str]


def look(provider: MTurk) -> Sightings:
    """Walk over the account once: one call a hundred HITs, and one more. Keeps only what is ours."""
    ours: dict[str, list[Hit]] = {}
    foreign = 0
    for hit in provider.iter_hits():
        if mark := hit.mark:
            ours.setdefault(mark.run_id, []).append(hit)
        else:
            foreign += 1
    return Sightings(ours, foreign)


def adopt(registry: Registry, provider: MTurk, run: Run, seen: Sequence[Hit], *, threads: int) -> Adopted:
    """Bring the registry's units of a run in line with the HITs that were `seen` of it. Safe to repeat.

    HITs of units that the registry believed unborn are taken over; units whose HIT somebody extended are outstanding
    again, units whose HIT somebody deleted fail; a second HIT of a unit is expired; and what has ended is collected,
    because an ended HIT may be on no list that a run looks at.
    """
    adopted = 0
    seen = [hit for hit in seen if not _is_replaced(registry, provider, hit)]
    for hit in seen:
        assert hit.mark is not None
        adopted += registry.adopt_hit(run.run_id, hit.mark.unit_index, hit.hit_id, hit.created_at)
    before = datetime.now(UTC) - LISTING_LAG
    missing = registry.missing_hits(run.run_id, [hit.hit_id for hit in seen], before)
    _reopen(registry, provider, seen, threads)
    gone = _fail_deleted(registry, provider, run, missing, threads)
    failures = _expire_surplus(registry, provider, seen, threads)
    failures += _collect_ended(registry, provider, seen, threads)
    return Adopted(adopted, gone, failures)


def _is_replaced(registry: Registry, provider: MTurk, hit: Hit) -> bool:
    """Return whether a HIT is a deleted one of a unit that is launched anew, and only the list has it yet."""
    assert hit.mark is not None
    unit = registry.unit(hit.mark.run_id, hit.mark.unit_index)
    is_doubtful = unit is not None and unit.attempt > 0 and unit.hit_id != hit.hit_id
    return is_doubtful and not hits.exists(provider, hit.hit_id)


def _reopen(registry: Registry, provider: MTurk, seen: Sequence[Hit], threads: int) -> None:
    doubtful = []
    for hit in seen:
        assert hit.mark is not None
        unit = registry.unit(hit.mark.run_id, hit.mark.unit_index)
        if hit.is_outstanding and unit and unit.hit_id == hit.hit_id and unit.state in ENDED:
            doubtful.append(hit.hit_id)
    for outcome in parallel.each(
        provider.hit, doubtful, threads=threads
    ):  # it may have ended since it was seen
        if outcome.result and outcome.result.is_outstanding and (mark := outcome.result.mark):
            registry.reopen_unit(mark.run_id, mark.unit_index, outcome.item)


def _fail_deleted(registry: Registry, provider: MTurk, run: Run, missing: Sequence[str], threads: int) -> int:
    units = {unit.hit_id: unit.unit_index for unit in registry.iter_units(run.run_id, ["outstanding"])}
    gone = 0
    for outcome in parallel.each(provider.hit, missing, threads=threads):
        if isinstance(outcome.error, NotFound):
            gone += 1
            registry.set_failed(run.run_id, units[outcome.item], f"somebody deleted HIT {outcome.item}")
    return gone


def _expire_surplus(registry: Registry, provider: MTurk, seen: Sequence[Hit], threads: int) -> list[str]:
    surplus = [hit.hit_id for hit in seen if hit.is_outstanding and not _is_the_units_own(registry, hit)]
    return [
        f"HIT {outcome.item}, the second of its unit, could not be expired: {outcome.error}"
        for outcome in parallel.each(provider.expire, surplus, threads=threads)
        if outcome.error and not isinstance(outcome.error, NotFound)
    ]


def _is_the_units_own(registry: Registry, hit: Hit) -> bool:
    assert hit.mark is not None
    unit = registry.unit(hit.mark.run_id, hit.mark.unit_index)
    return unit is None or unit.hit_id == hit.hit_id


def _collect_ended(registry: Registry, provider: MTurk, seen: Sequence[Hit], threads: int) -> list[str]:
    findings = []
    for hit in seen:
        assert hit.mark is not None
        unit = registry.unit(hit.mark.run_id, hit.mark.unit_index)
        assert unit is not None  # adopted above
        found = results.finding(hit, hit.mark)
        if unit.hit_id != hit.hit_id:
            found = found._replace(ended=False)  # the end of a second HIT is not the unit's
        is_settled = unit.state in SETTLED and unit.hit_id == hit.hit_id
        if not is_settled and (found.expected or (found.ended and unit.state != "expired")):
            findings.append(found)
    outcomes = results.collect(registry, provider, findings, threads=threads)
    return [results.describe_failure(outcome) for outcome in outcomes if outcome.error]
