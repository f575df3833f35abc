"""Units whose pages have moved: a run that is carried on with a new server has HITs that lead to the old address.

A HIT's address cannot be changed. Such a HIT is expired; where nobody has worked on it, it is deleted as well, and its
unit launched anew under a token of its own. A unit never has two HITs: the first is gone before the second is made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from crowdops import hits, output, parallel, questions
from crowdops.errors import NotFound
from crowdops.providers.mturk import MTurk
from crowdops.registry import Registry, Run, Unit

Say = Callable[[str], None]


class Moved(NamedTuple):
    """How many units are to be launched anew, how many keep a HIT that was worked on, and what failed, a line each."""

    again: int
    kept: int
    failures: list[str]


def has_moved(url: str, known: Collection[str | None]) -> bool:
    """Return whether a run's HITs may lead elsewhere than to `url`, given the addresses that its servers had before."""
    return {address for address in known if address} != {url}


def move(registry: Registry, provider: MTurk, run: Run, url: str, *, threads: int) -> Moved:
    """Replan the outstanding units whose HITs lead elsewhere than to `url`. Safe to repeat and to interrupt.

    One call an outstanding HIT, and three more for each that leads elsewhere.
    """
    failures = _find(registry, provider, run, url, threads)
    stranded = registry.stranded_units(run.run_id)
    targets = [
        hits.Target(run.run_id, unit.unit_index, unit.hit_id)
        for unit in stranded
        if unit.hit_id and unit.state == "outstanding"
    ]
    silent = output.progress(len(targets), "", quiet=True)
    _, failed = hits.expire(registry, provider, targets, threads=threads, progress=silent)
    failures += [f"HIT {hit_id} could not be expired: {why}" for hit_id, why in failed]

    def replace(unit: Unit) -> bool:
        return _delete_untouched(provider, unit.hit_id or "")

    again, kept = 0, 0
    for outcome in parallel.each(replace, stranded, threads=threads):
        unit = outcome.item
        if outcome.error:
            failures.append(f"HIT {unit.hit_id} could not be replaced: {outcome.error}")
        elif outcome.result:
            registry.plan_again(run.run_id, unit.unit_index, unit.hit_id or "")
            again += 1
        else:
            kept += 1
    return Moved(again, kept, failures)


def _find(registry: Registry, provider: MTurk, run: Run, url: str, threads: int) -> list[str]:
    """Write down which units are stranded. Returns a line for each HIT that could not be read."""
    units = {
        unit.hit_id: unit.unit_index
        for unit in registry.iter_units(run.run_id, ["outstanding"])
        if unit.hit_id
    }
    failures = []
    for outcome in parallel.each(provider.definition, list(units), threads=threads):
        if outcome.result:
            address = questions.external_url(outcome.result.question) or ""
            if not address.startswith(f"{url.rstrip('/')}/"):
                registry.set_stranded(run.run_id, units[outcome.item], outcome.item)
        elif not isinstance(outcome.error, NotFound):
            failures.append(f"HIT {outcome.item} could not be read: {outcome.error}")
    return failures


def _delete_untouched(provider: MTurk, hit_id: str) -> bool:
    """Delete a HIT that has ended and that nobody has worked on. False for one that somebody has, or works on."""
    try:
        hit = provider.hit(hit_id)
        if hit.is_outstanding or hit.available < hit.max_assignments:
            return False
        provider.delete_hit(hit_id)
    except NotFound:  # deleted before, and that was not written down
        return True
    return True


def remarks(moved: Moved) -> list[str]:
    """Return in words what became of the units."""
    lines = list(moved.failures)
    if moved.again or moved.kept:
        lines.append(
            f"The address of the pages has changed: {moved.again} HITs that led to the old one are deleted, and their"
            f" units launched anew. {moved.kept} that somebody has worked on are ended, with what was submitted."
        )
    return lines
