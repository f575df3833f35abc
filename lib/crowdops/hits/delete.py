"""HITs are deleted once their work is reviewed and stored; after that the provider has nothing of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from crowdops.bulk import Action, Outcome
from crowdops.context import Context
from crowdops.errors import NotFound, WrongState
from crowdops.formats import words
from crowdops.hits.differences import read_hits
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Registry, Run
from crowdops.results import collect


class Candidate(NamedTuple):
    """A HIT of a selected run. `held` says what it still has to wait for, or is None."""

    run_id: str
    unit_index: int
    hit_id: str
    held: str | None


class Plan(NamedTuple):
    """The HITs of runs at one server, and a line for each whose results could not be collected."""

    context: Context
    runs: list[Run]
    candidates: list[Candidate]
    failures: list[str]

    @property
    def ready(self) -> list[Candidate]:
        """Those that can be deleted."""
        return [candidate for candidate in self.candidates if candidate.held is None]


def plan(context: Context, runs: list[Run]) -> Plan:
    """Collect what is new of these runs, which are at the context's server; return what can be deleted."""
    failures = collect.refresh(context, runs)
    return Plan(context, runs, find_candidates(context, runs), failures)


def find_candidates(context: Context, runs: Sequence[Run]) -> list[Candidate]:
    """Return the HITs of these runs that exist, each with what holds it back. One walk over ListHITs."""
    run_ids = {run.run_id for run in runs}
    candidates = [
        Candidate(mark.run_id, mark.unit_index, hit.hit_id, _held(context.registry, hit))
        for hit in context.provider.iter_hits()
        if (mark := hit.mark) and mark.run_id in run_ids
    ]
    return candidates + _gone(context, run_ids, {candidate.hit_id for candidate in candidates})


def _gone(context: Context, run_ids: Iterable[str], listed: Collection[str]) -> list[Candidate]:
    """Return the HITs that were deleted, and whoever did it died before that was written down.

    One call for each HIT of an ended unit that is not listed.
    """
    units = {
        hit_id: (run_id, index)
        for run_id in run_ids
        for hit_id, index in context.registry.undeleted_hits(run_id).items()
        if hit_id not in listed
    }
    gone = read_hits(context, units).gone
    return [Candidate(*units[hit_id], hit_id, None) for hit_id in units if hit_id in gone]


def _held(registry: Registry, hit: Hit) -> str | None:
    if hit.is_outstanding:
        return "it is still open: expire it first"
    assert hit.mark is not None
    stored = registry.unit_review(hit.mark.run_id, hit.mark.unit_index)
    if stored is None:
        return "the registry does not know its unit"
    if hit.submitted or stored.submitted:
        return f"{words.are(max(hit.submitted, stored.submitted), 'assignment')} not reviewed"
    # Of this HIT: a unit may have had two.
    collected = registry.collected_of(hit.mark.run_id, hit.mark.unit_index, hit.hit_id)
    if stored.state not in ("finished", "expired") or collected < hit.completed:
        return "its results are not stored: collect them first"
    return None


def action(context: Context) -> Action[Candidate, None]:
    """Return what deletes a HIT and writes that down. Safe to repeat: one that is gone was deleted before."""

    def settle(outcome: Outcome[Candidate, None]) -> bool:
        candidate, is_gone = outcome.item, isinstance(outcome.error, NotFound)
        if not is_gone:
            outcome.get()
        context.registry.set_disposed(candidate.run_id, candidate.unit_index, candidate.hit_id)
        return is_gone

    return Action(
        call=lambda candidate: context.provider.delete_hit(candidate.hit_id),
        settle=settle,
        explain=lambda candidate, error: (candidate.hit_id, _explain(error)),
    )


def _explain(error: object) -> str:
    # The endpoint's own words are a riddle here: it names the very states that the HIT is in.
    if isinstance(error, WrongState):
        return f"it came to life meanwhile, or has work that is not reviewed ({error})"
    return str(error)
