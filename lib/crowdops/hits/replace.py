"""HITs that lead to an address where the pages of their run are no more: they are replaced on a resume.

A HIT's address cannot be changed. Such a HIT is expired; where nobody has worked on it, it is deleted as
well, and its unit launched anew under a token of its own. A unit never has two HITs: the first is gone before
the second is made.
"""

from __future__ import annotations

from typing import NamedTuple

from crowdops.context import Context
from crowdops.errors import NotFound, WrongState
from crowdops.formats import question_xml, words
from crowdops.hits.expire import outstanding_by_hit
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Run


class Moved(NamedTuple):
    """How many units are to be launched anew, and how many keep a HIT that somebody has worked on."""

    replanned: int
    kept: int


def move(context: Context, run: Run, url: str) -> Moved:
    """Replan the outstanding units whose HITs lead elsewhere than to `url`. Safe to repeat and to interrupt.

    One call an outstanding HIT, and three more for each that leads elsewhere. Raises the first error: a run
    must not go on before it is known that its HITs lead to its pages.
    """
    _note_stranded(context, run, url)
    replanned, kept = 0, 0
    units = context.registry.stranded_units(run.run_id)
    for outcome in context.outcomes(lambda unit: _remove(context.provider, unit.hit_id or ""), units):
        if outcome.get():
            context.registry.plan_again(run.run_id, outcome.item.unit_index, outcome.item.hit_id or "")
            replanned += 1
        else:
            unit = outcome.item
            context.registry.set_expired(run.run_id, unit.unit_index, unit.hit_id or "")
            kept += 1
    return Moved(replanned, kept)


def _note_stranded(context: Context, run: Run, url: str) -> None:
    """Write down which units' HITs lead elsewhere, before the first of them goes."""
    units = outstanding_by_hit(context.registry, run.run_id)
    for outcome in context.outcomes(context.provider.definition, units):
        if outcome.result:
            address = question_xml.external_url(outcome.result.question) or ""
            if not address.startswith(f"{url.rstrip('/')}/"):
                context.registry.set_stranded(run.run_id, units[outcome.item].unit_index, outcome.item)
        elif outcome.error and not isinstance(outcome.error, NotFound):
            raise outcome.error


def _remove(provider: MTurk, hit_id: str) -> bool:
    """Expire a HIT, and delete it unless somebody has worked, or works, on it: then False."""
    try:
        provider.expire(hit_id)
        hit = provider.hit(hit_id)
        if not hit.ended_untouched:
            return False
        provider.delete_hit(hit_id)
    except NotFound:  # deleted before, and that was not written down
        return True
    except WrongState:  # the counters lag: something has come in
        return False
    return True


def describe(moved: Moved) -> str:
    """Return in words what became of the units."""
    replanned, kept = moved.replanned, moved.kept
    units = words.choose(replanned, "its unit is", "their units are")
    return (
        f"The address of the pages has changed: {words.count(replanned, 'HIT')} that led to the old one"
        f" {words.choose(replanned, 'is', 'are')} deleted, and {units} launched anew."
        f" {kept} that somebody has worked on {words.choose(kept, 'is', 'are')} ended, with what was"
        " submitted."
    )
