"""HITs are deleted once their work is reviewed and stored; after that the provider has nothing of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from crowdops.bulk import Action, Outcome
from crowdops.context import Context
from crowdops.errors import NotFound, WrongState
from crowdops.formats import words
from crowdops.hits.differences import read_hits
from crowdops.hits.walk import Walk
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Registry, Run
from crowdops.results import collect

ENDED = ("finished", "expired", "disposed")  # the last of a unit with two HITs, of which one is gone


class Candidate(NamedTuple):
    """A HIT of a selected run. `held` says what it still has to wait for, or is None.

    `is_gone`: it was deleted before, and that was not written down.
    """

    run_id: str
    unit_index: int
    hit_id: str
    held: str | None
    is_gone: bool = False


class Deletion(Walk[Candidate]):
    """The HITs of runs at one server that can be deleted, and those that something `held` back.

    What is new of these HITs is collected first; `failures` has a line for each of which that failed.
    """

    done = "deleted"

    def __init__(self, context: Context, runs: Sequence[Run]) -> None:
        super().__init__(context, runs)
        self.held: list[Candidate] = []
        self.failures: list[str] = []

    def _iter_items(self) -> Iterator[Candidate]:
        changes = collect.Changes(self.context.registry, self.runs)
        listed: set[str] = set()
        changed: list[Hit] = []
        for hit in self._hits():
            listed.add(hit.hit_id)
            if changes.include(hit):
                changed.append(hit)
            else:
                yield from self._ready(hit)
        for outcome in self.context.counted(
            collect.collect(self.context, changed, mark=False), "HITs read", len(changed)
        ):
            self._heed_interrupt()
            if outcome.error:
                self.failures.append(collect.describe_failure(outcome))
            yield from self._ready(outcome.item)
        yield from self._unlisted(listed)

    def _ready(self, hit: Hit) -> Iterator[Candidate]:
        """Yield a HIT if it can be deleted, or keep why it cannot."""
        assert hit.mark is not None
        held = _held(self.context.registry, hit)
        candidate = Candidate(hit.mark.run_id, hit.mark.unit_index, hit.hit_id, held)
        if held:
            self.held.append(candidate)
        else:
            yield candidate

    def _unlisted(self, listed: Collection[str]) -> Iterator[Candidate]:
        """Yield the HITs that were deleted, and whoever did it died before that was written down.

        One call for each HIT of an ended unit that is not listed. One that exists was left out by the list,
        which may be counted in numbers of HITs and be shorter by those that were deleted since it began.
        """
        units = {
            hit_id: (run.run_id, index)
            for run in self.runs
            for hit_id, index in self.context.registry.undeleted_hits(run.run_id).items()
            if hit_id not in listed
        }
        read = read_hits(self.context, units)
        for hit_id, unit in units.items():
            self._heed_interrupt()
            if hit_id in read.gone:
                yield Candidate(*unit, hit_id, None, is_gone=True)
            elif (hit := read.hits.get(hit_id)) and hit.mark:
                yield from self._ready(hit)

    def _action(self) -> Action[Candidate, None]:
        return action(self.context)


def _held(registry: Registry, hit: Hit) -> str | None:
    if hit.is_outstanding:
        return "it is still open: expire it first"
    assert hit.mark is not None
    stored = registry.unit_review(hit.mark.run_id, hit.mark.unit_index, hit.hit_id)
    if stored is None:
        return "the registry does not know its unit"
    if hit.submitted or stored.submitted:
        return f"{words.are(max(hit.submitted, stored.submitted), 'assignment')} not reviewed"
    # Of this HIT: a unit may have had two.
    collected = registry.collected_of(hit.mark.run_id, hit.mark.unit_index, hit.hit_id)
    if stored.state not in ENDED or collected < hit.completed:
        return "its results are not stored: collect them first"
    return None


def action(context: Context) -> Action[Candidate, None]:
    """Return what deletes a HIT and writes that down. Safe to repeat: one that is gone was deleted before."""

    def call(candidate: Candidate) -> None:
        if not candidate.is_gone:
            context.provider.delete_hit(candidate.hit_id)

    def settle(outcome: Outcome[Candidate, None]) -> bool:
        candidate = outcome.item
        is_gone = candidate.is_gone or isinstance(outcome.error, NotFound)
        if not is_gone:
            outcome.get()
        context.registry.set_disposed(candidate.run_id, candidate.unit_index, candidate.hit_id)
        return is_gone

    return Action(
        call=call,
        settle=settle,
        explain=lambda candidate, error: (candidate.hit_id, _explain(error)),
    )


def _explain(error: object) -> str:
    # The endpoint's own words are a riddle here: it names the very states that the HIT is in.
    if isinstance(error, WrongState):
        return f"it came to life meanwhile, or has work that is not reviewed ({error})"
    return str(error)
