"""Units of which the registry and the provider do not say the same, and what mends each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from crowdops import bulk
from crowdops.context import Context
from crowdops.errors import NotFound
from crowdops.hits import scan
from crowdops.providers.mturk.client import LISTING_LAG, Hit
from crowdops.registry import END_STATES, Registry, Run, Unit

HEADERS = ("run", "unit", "registry", "provider", "HIT", "why", "mend")
REASONS = {
    "unrecorded": "the HIT exists, and the registry does not know it",
    "deleted": "somebody deleted the HIT",
    "second": "the unit has another HIT",
    "reopened": "it was expired here, and can be accepted again",
    "open_after_end": "the registry takes it for ended, and it can still be accepted",
    "unseen_end": "it has ended, and nobody has taken note of that",
    "answers_missing": "it has more answers than the registry",
}
UNBORN = ("planned", "creating", "failed")


class Broken(NamedTuple):
    """A unit, or a second HIT of one, with what the registry and the provider have of it."""

    run: Run
    unit_index: int
    hit_id: str
    kind: str
    unit: Unit | None
    hit: Hit | None

    @property
    def reason(self) -> str:
        return REASONS[self.kind]

    @property
    def command(self) -> str:
        """What to type."""
        if self.kind == "unseen_end":
            return f"make results RUN={self.run.run_id}"
        return f"make broken RUN={self.run.run_id} ARGS=--mend"


class Survey(NamedTuple):
    """What was found in the selected runs, and how many HITs carry the mark of a run that the registry lacks."""

    broken: list[Broken]
    unknown_hits: int


def survey(context: Context, runs: Sequence[Run], conditions: Mapping[str, str]) -> Survey:
    """Return every broken unit of these runs. One walk over the account, and a call for each unit in doubt.

    `conditions` has every run of the registry.
    """
    sightings = scan.look(context.provider)
    broken = [
        found
        for run in runs
        for found in of_run(context, run, conditions[run.run_id], sightings.ours.get(run.run_id, []))
    ]
    unknown = [len(seen) for run_id, seen in sightings.ours.items() if run_id not in conditions]
    return Survey(broken, sum(unknown))


def of_run(context: Context, run: Run, condition: str, seen: Sequence[Hit]) -> Iterator[Broken]:
    """Yield a run's broken units, given the HITs that a walk over the account has shown of it.

    What the process that attends a run is about to put right by itself is left out, and so is what a detached run
    has ready to be collected.
    """
    overlooked, deleted = _look_up_missing(context, run, seen)
    yield from deleted
    first: set[int] = set()
    for hit in sorted([*seen, *overlooked], key=_by_age):
        found = compare(context.registry, run, condition, hit)
        if found and condition == "attended":  # it went on working while the list was read
            found = _compare_again(context, run, condition, hit)
        if found and found.kind == "unrecorded":
            if found.unit_index in first:
                found = found._replace(kind="second")
            first.add(found.unit_index)
        if found and (found.kind != "answers_missing" or _has_more_answers(context, hit)):
            yield found


def _look_up_missing(context: Context, run: Run, seen: Sequence[Hit]) -> tuple[list[Hit], list[Broken]]:
    """Ask for each HIT that should be listed and is not. Returns those that exist, and the units of the others."""
    missing = context.registry.missing_hits(
        run.run_id, [hit.hit_id for hit in seen], datetime.now(UTC) - LISTING_LAG
    )
    units = (
        {unit.hit_id: unit for unit in context.registry.iter_units(run.run_id, ["outstanding"])}
        if missing
        else {}
    )
    overlooked, deleted = [], []
    for outcome in bulk.each(context.provider.hit, missing):
        if outcome.result:
            overlooked.append(outcome.result)
        elif isinstance(outcome.error, NotFound) and (unit := units.get(outcome.item)):
            deleted.append(Broken(run, unit.unit_index, outcome.item, "deleted", unit, None))
        elif outcome.error and not isinstance(outcome.error, NotFound):
            raise outcome.error
    return overlooked, sorted(deleted, key=lambda found: found.unit_index)


def compare(registry: Registry, run: Run, condition: str, hit: Hit) -> Broken | None:
    """Return what is wrong between a HIT, as it was read just now, and its unit; None if nothing is."""
    assert hit.mark is not None
    unit = registry.unit(run.run_id, hit.mark.unit_index)
    kind = _kind(registry, run, condition, hit, unit)
    return Broken(run, hit.mark.unit_index, hit.hit_id, kind, unit, hit) if kind else None


def _compare_again(context: Context, run: Run, condition: str, hit: Hit) -> Broken | None:
    try:
        return compare(context.registry, run, condition, context.provider.hit(hit.hit_id))
    except NotFound:
        return None


def _kind(registry: Registry, run: Run, condition: str, hit: Hit, unit: Unit | None) -> str | None:
    """Return what is wrong between a HIT and its unit, or None."""
    is_open = hit.status == "Assignable"
    if unit is None or (unit.state in UNBORN and unit.hit_id is None):
        return "unrecorded" if condition != "attended" else None
    submitted = hit.submitted + hit.completed
    lacks_answers = submitted > registry.collected_of(run.run_id, unit.unit_index, hit.hit_id)
    if unit.hit_id != hit.hit_id:
        return (
            "second" if is_open else "answers_missing" if lacks_answers and not hit.is_outstanding else None
        )
    if unit.state == "outstanding" and run.state not in END_STATES:
        if is_open:
            return "reopened" if unit.expired_at else None
        return "unseen_end" if not hit.is_outstanding and _is_unseen(run, condition, hit) else None
    if is_open:
        return "open_after_end"
    if unit.state == "outstanding":
        return None if hit.is_outstanding else "unseen_end"
    return "answers_missing" if lacks_answers and unit.state != "disposed" else None


def _is_unseen(run: Run, condition: str, hit: Hit) -> bool:
    """Return whether nobody will take note of a HIT's end by himself: a run asks for its type's Reviewable ones."""
    if condition == "attended":
        return hit.status == "Reviewing" or hit.hit_type_id != run.hit_type_id
    return condition != "detached"


def _has_more_answers(context: Context, hit: Hit) -> bool:
    """Counters lag behind; the list of assignments does not."""
    assert hit.mark is not None
    known = context.registry.collected_of(hit.mark.run_id, hit.mark.unit_index, hit.hit_id)
    return len(context.provider.submissions(hit.hit_id, hit.max_assignments)) > known


def _by_age(hit: Hit) -> tuple[datetime, int]:
    """The older of two HITs becomes the unit's own."""
    return hit.created_at, hit.mark.unit_index if hit.mark else 0


# Showing


def rows(these: Sequence[Broken]) -> list[tuple[object, ...]]:
    """Return the rows of the table under HEADERS."""
    return [
        (
            found.run.run_id,
            found.unit_index,
            _registry(found),
            _provider(found),
            found.hit_id,
            found.reason,
            found.command,
        )
        for found in these
    ]


def document(these: Sequence[Broken]) -> list[dict[str, Any]]:
    """Return broken units as JSON objects."""
    return [
        {
            "run_id": found.run.run_id,
            "task_name": found.run.task_name,
            "unit_index": found.unit_index,
            "hit_id": found.hit_id,
            "kind": found.kind,
            "registry": _registry(found),
            "provider": _provider(found),
            "reason": found.reason,
            "command": found.command,
        }
        for found in these
    ]


def remarks(found: Survey) -> list[str]:
    """Return what there is to say beside the table."""
    lines = [] if found.broken else ["Registry and provider say the same of every unit."]
    if found.unknown_hits:
        lines.append(
            f"{found.unknown_hits} HITs carry the mark of runs that this registry does not know."
            " If they are yours: make rebuild"
        )
    return lines


def _registry(found: Broken) -> str:
    return found.unit.state if found.unit else "unknown"


def _provider(found: Broken) -> str:
    return found.hit.status if found.hit else "gone"
