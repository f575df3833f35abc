"""Disposing of HITs whose work is reviewed and stored; after that the provider has nothing of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from crowdops import bulk
from crowdops.bulk import Tally
from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import NotFound, WrongState
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Registry, Run

PLAN_HEADERS = ("run", "task_name", "to delete", "held back", "because")


class Disposable(NamedTuple):
    """A HIT of a selected run. `held` says what it still has to wait for, or is None."""

    run_id: str
    unit_index: int
    hit_id: str
    held: str | None


def survey(context: Context, runs: Sequence[Run]) -> list[Disposable]:
    """Return the HITs of these runs that exist, each with what holds it back. One walk over ListHITs."""
    chosen = {run.run_id for run in runs}
    return [
        Disposable(mark.run_id, mark.unit_index, hit.hit_id, _held(context.registry, hit))
        for hit in context.provider.iter_hits()
        if (mark := hit.mark) and mark.run_id in chosen
    ]


def _held(registry: Registry, hit: Hit) -> str | None:
    if hit.is_outstanding:
        return "it is still open: expire it first"
    assert hit.mark is not None
    stored = registry.unit_review(hit.mark.run_id, hit.mark.unit_index)
    if stored is None:
        return "the registry does not know its unit"
    if hit.submitted or stored.submitted:
        return f"{max(hit.submitted, stored.submitted)} assignments are not reviewed"
    # Of this HIT: a unit may have had two.
    known = registry.collected_of(hit.mark.run_id, hit.mark.unit_index, hit.hit_id)
    if stored.state not in ("finished", "expired") or known < hit.completed:
        return "its results are not stored: collect them first"
    return None


def plan_rows(runs: Sequence[Run], found: Sequence[Disposable]) -> list[tuple[object, ...]]:
    """Return the rows of the plan under PLAN_HEADERS."""
    rows: list[tuple[object, ...]] = []
    for run in runs:
        mine = [each for each in found if each.run_id == run.run_id]
        reasons = Counter(each.held.partition(":")[0] for each in mine if each.held)
        why = ", ".join(f"{count}: {reason}" for reason, count in reasons.most_common())
        rows.append((run.run_id, run.task_name, len(mine) - reasons.total(), reasons.total(), why))
    return rows


def dispose(context: Context, these: Sequence[Disposable], *, progress: Progress) -> Tally[Disposable]:
    """Delete HITs side by side. Safe to repeat: one that is gone was deleted already."""
    tally: Tally[Disposable] = Tally()
    waiting = {each.hit_id: each for each in these}
    calls = bulk.each(
        lambda each: context.provider.delete_hit(each.hit_id), list(these), threads=context.settings.threads
    )
    for number, outcome in enumerate(calls, start=1):
        each = waiting.pop(outcome.item.hit_id)
        gone = isinstance(outcome.error, NotFound)
        if outcome.error and not gone:
            tally.failed.append((each.hit_id, _words(outcome.error)))
        else:
            context.registry.set_disposed(each.run_id, each.unit_index, each.hit_id)
            tally.settled.append(each)
            tally.already += gone
        progress.update(number)
    progress.close()
    tally.add_untried(waiting)
    return tally


def _words(error: Exception) -> str:
    # The endpoint's own words are a riddle here: it names the very states that the HIT is in.
    if isinstance(error, WrongState):
        return f"it came to life meanwhile, or has work that is not reviewed ({error})"
    return str(error)
