"""HITs: what is outstanding, whose it is, and how it is created, settled and expired."""

from __future__ import annotations

from collections.abc import Iterable

from crowdops.errors import DuplicateToken, NotFound
from crowdops.formats import marks
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Run, Unit


def create(provider: MTurk, run: Run, unit: Unit, question: str, assignments: int, lifetime: int) -> str:
    """Create a unit's HIT and return its id. Safe to repeat: the token makes it count once.

    A duplicate answer is settled by reading the HITs that it names. DuplicateToken is raised on if none
    of them carries the unit's mark: then only find_created() can settle it.
    """
    annotation = marks.annotation(marks.Mark(run.run_id, unit.unit_index, run.task_name))
    nth = f"{unit.unit_index}.{unit.attempt}" if unit.attempt else unit.unit_index
    assert run.hit_type_id is not None
    try:
        return provider.create_hit(
            hit_type_id=run.hit_type_id,
            question=question,
            annotation=annotation,
            assignments=assignments,
            lifetime=lifetime,
            token=marks.token("create-hit", run.run_id, nth),
        )
    except DuplicateToken as duplicate:
        for hit_id in duplicate.hit_ids:
            if _annotation_of(provider, hit_id) == annotation:
                return hit_id
        raise


def _annotation_of(provider: MTurk, hit_id: str) -> str | None:
    try:
        return provider.hit(hit_id).annotation
    except NotFound:
        return None


def find_created(provider: MTurk, run: Run, units: Iterable[Unit]) -> dict[int, str]:
    """Return the HITs that exist for these units of a run, by their marks. One walk over ListHITs.

    The first HIT of a unit that is launched anew was deleted, and may be listed for a while yet: it is asked for.
    """
    wanted = {unit.unit_index: unit for unit in units}
    found: dict[int, str] = {}
    for hit in provider.iter_hits():
        mark = hit.mark
        if mark is None or mark.run_id != run.run_id or mark.unit_index not in wanted:
            continue
        if not wanted[mark.unit_index].attempt or exists(provider, hit.hit_id):
            found[mark.unit_index] = hit.hit_id
    return found


def exists(provider: MTurk, hit_id: str) -> bool:
    """Return whether a HIT was not disposed of. One call."""
    return _annotation_of(provider, hit_id) is not None
