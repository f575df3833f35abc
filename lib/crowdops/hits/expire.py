"""HITs are expired: nobody can accept them any more. Accepted work can be submitted until its deadline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from crowdops.bulk import Action, Outcome
from crowdops.context import Context
from crowdops.errors import NotFound
from crowdops.hits.status import Counting, uncollected_words
from crowdops.hits.walk import Walk
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Registry, Run, Unit, locks


class Target(NamedTuple):
    """A HIT that is to be expired."""

    run_id: str
    unit_index: int
    hit_id: str


class Expiry(Walk[Target]):
    """The HITs of runs at one server that can be accepted, and these runs' end.

    `expired` HITs cannot be accepted any more. The list is the truth; outstanding units of the registry that
    are too new for it are found as well.
    """

    done = "expired"

    def __init__(self, context: Context, runs: Sequence[Run]) -> None:
        super().__init__(context, runs)
        self.expired = 0
        self._types: set[str] = set()
        self._counting = Counting(context, runs)

    def _iter_items(self) -> Iterator[Target]:
        listed: set[str] = set()
        for hit in self._hits():
            assert hit.mark is not None
            listed.add(hit.hit_id)
            if can_be_accepted(hit):
                self._types.add(hit.hit_type_id)
                yield Target(hit.mark.run_id, hit.mark.unit_index, hit.hit_id)
            else:
                self.expired += 1
                self._counting.add(hit)
        for run in self.runs:
            for hit_id, unit in outstanding_by_hit(self.context.registry, run.run_id).items():
                if hit_id not in listed:
                    self._types.add(run.hit_type_id or "")
                    yield Target(run.run_id, unit.unit_index, hit_id)

    def _action(self) -> Action[Target, None]:
        return action(self.context)

    def see_off(self) -> list[str]:
        """End those of the runs that are through. Returns a line for each that has answers to be collected.

        One call for a hundred of the HITs that were expired: those of their type that are reviewable. What is
        not among these is taken for work in hand.
        """
        if not self.is_whole:
            return []
        waiting = {target.hit_id: target for target in self.found}
        for hit_type_id in self._types - {""} if waiting else ():
            for hit in self.context.provider.iter_reviewable(hit_type_id):
                if waiting.pop(hit.hit_id, None):
                    self._counting.add(hit)
        for target in waiting.values():
            unit = self.context.registry.unit(target.run_id, target.unit_index)
            if unit is None or unit.state != "failed":
                self._counting.add_open(target.run_id)
        conditions = locks.conditions(self.context.registry, self.context.settings.home)
        return [
            f"{status.run.run_id} ({status.run.task_name}): {uncollected_words(status.uncollected)}"
            f" make results RUN={status.run.run_id}"
            for status in self._counting.end(conditions, for_good=True)
            if status.uncollected and status.condition != "attended"
        ]


def can_be_accepted(hit: Hit) -> bool:
    """Return whether somebody can accept a HIT, or could when the work in hand is returned."""
    # Where the clocks differ, only the status tells.
    return hit.status == "Assignable" or (hit.is_outstanding and hit.expiration > datetime.now(UTC))


def outstanding_by_hit(registry: Registry, run_id: str) -> dict[str, Unit]:
    """Return the outstanding units of a run by the ids of their HITs."""
    units = registry.iter_units(run_id, ["outstanding"])
    return {unit.hit_id: unit for unit in units if unit.hit_id}


def action(context: Context) -> Action[Target, None]:
    """Return what expires a HIT and writes that down. Safe to repeat. If it is gone, its unit has failed."""

    def settle(outcome: Outcome[Target, None]) -> bool:
        target = outcome.item
        if isinstance(outcome.error, NotFound):
            fail_deleted(context.registry, target)
            return True
        outcome.get()
        context.registry.set_expired(target.run_id, target.unit_index, target.hit_id)
        return False

    return Action(
        call=lambda target: context.provider.expire(target.hit_id),
        settle=settle,
        explain=lambda target, error: (target.hit_id, str(error)),
    )


def fail_deleted(registry: Registry, target: Target) -> bool:
    """Fail the unit of a HIT that somebody deleted. False if its state says something else by now."""
    unit = registry.unit(target.run_id, target.unit_index)
    if unit is None or unit.state != "outstanding" or unit.hit_id != target.hit_id:
        return False
    registry.set_failed(target.run_id, target.unit_index, f"somebody deleted HIT {target.hit_id}")
    return True
