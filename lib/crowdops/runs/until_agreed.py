"""Until the answers to a unit agree: units that have ended and do not agree get another place, while it pays.

Only what is certainly lacking is asked for: a unit cannot agree with fewer answers. Money that planned units
need is left to them. What is planned is launched by the launcher, as an extension of the unit's own HIT.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from crowdops.context import Context
from crowdops.hits import extend
from crowdops.hits.create import Creator
from crowdops.payments import pricing
from crowdops.payments.budgets import Budget
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Place, Run, Unit
from crowdops.results import votes


class _Want(NamedTuple):
    """A unit that lacks so many answers, and how many assignments its HIT is to have."""

    unit: Unit
    need: int
    places: int


class UntilAgreed:
    """Plans more places for the units of a run that is attended. Without a field that has to agree, none."""

    def __init__(self, context: Context, run: Run, creator: Creator) -> None:
        self._context, self._run, self._creator = context, run, creator
        self._is_first = True

    def plan(self, ended: Iterable[Hit]) -> None:
        """Plan more places for units whose HITs have ended just now; at first for all that had before."""
        parameters, registry, run_id = self._run.parameters, self._context.registry, self._run.run_id
        if not parameters.answer_field:
            return
        hits = {hit.mark.unit_index: hit for hit in ended if hit.mark}
        indexes = registry.finished_units(run_id) if self._is_first else sorted(hits)
        self._is_first = False
        wanted = list(self._wants(indexes))
        if not wanted:
            return
        affordable = self._affordable(wanted)
        registry.plan_places(
            run_id,
            [Place(want.unit.unit_index, want.places, want.unit.hit_id, is_new=False) for want in affordable],
            None,
        )
        for want in affordable:
            if hit := hits.get(want.unit.unit_index):
                self._creator.listed[hit.hit_id] = hit
        spent = [want.unit.unit_index for want in wanted if want not in affordable]
        if spent:
            registry.note_out_of_money(run_id, spent)

    def _wants(self, indexes: Iterable[int]) -> Iterator[_Want]:
        parameters, registry, run_id = self._run.parameters, self._context.registry, self._run.run_id
        for index in indexes:
            unit = registry.unit(run_id, index)
            if unit is None or unit.state != "finished" or unit.hit_id is None:
                continue
            answers = registry.unit_answers(run_id, index)
            of_hit = sum(answer.hit_id == unit.hit_id for answer in answers)
            had = unit.places or parameters.assignments_per_unit
            need = votes.lacking(votes.vote(answers, parameters.answer_field), parameters)
            # What has expired before all of its places were taken is asked for again by a top-up only.
            if need and of_hit >= had and extend.can_grow(had, of_hit + need):
                yield _Want(unit, need, of_hit + need)

    def _affordable(self, wanted: list[_Want]) -> list[_Want]:
        """Return what max_cost allows, in this order, beside what planned units need."""
        parameters, registry, run = self._run.parameters, self._context.registry, self._run
        cost = pricing.assignment_cost(parameters, run.environment)
        budget = Budget(registry, run)
        reserved = cost * registry.planned_places(run.run_id, parameters.assignments_per_unit)
        affordable = []
        for want in wanted:
            if budget.has_room(reserved + cost * want.need):
                reserved += cost * want.need
                affordable.append(want)
        return affordable
