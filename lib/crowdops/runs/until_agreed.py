"""Until the answers to a unit agree: units that have ended and do not agree get another place, while it pays.

Only what is certainly lacking is asked for: a unit cannot agree with fewer answers. Money that planned units
need is left to them. What is planned is launched by the launcher, as an extension of the unit's own HIT.
While another process extends HITs of the run, nothing is planned: what it gives may be what they lack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from crowdops.context import Context
from crowdops.hits import extend
from crowdops.hits.create import Creator
from crowdops.payments import pricing
from crowdops.payments.budgets import Budget
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Place, Run, Unit, locks
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
        self._waiting: set[int] = set()  # units that have ended and are to be looked at later
        self._has_field = self._has_said = False

    def plan(self, ended: Iterable[Hit]) -> bool:
        """Plan more places for units whose HITs have ended just now; at first for all that had before.

        Returns whether that is done: not while another process extends HITs of the run. Then repeat it.
        """
        registry, run_id = self._context.registry, self._run.run_id
        if not self._run.parameters.answer_field:
            return True
        hits = {hit.mark.unit_index: hit for hit in ended if hit.mark}
        indexes = {*registry.finished_units(run_id)} if self._is_first else hits.keys() | self._waiting
        self._is_first = False
        if self._is_field_lost():
            self._waiting |= indexes  # it may be a check box that nobody has ticked so far
            return True
        planned = registry.try_on(partial(self._plan, sorted(indexes)))
        if planned is None:
            if not self._waiting:
                self._context.say(
                    "HITs of the run are being extended: until that is through, it asks for none."
                )
            self._waiting |= indexes
            return False
        for index in planned:
            # What had to wait may have been extended since it was listed, and is read again.
            if index in hits and index not in self._waiting:
                self._creator.listed[hits[index].hit_id] = hits[index]
        self._waiting.clear()
        return True

    def _is_field_lost(self) -> bool:
        """Return whether no answer has the field that has to agree, and say so once."""
        registry, run = self._context.registry, self._run
        if not self._has_field:
            self._has_field = registry.has_answer_field(run.run_id, run.parameters.answer_field)
        lost = "" if self._has_field else votes.lost_field(registry, run)
        if lost and not self._has_said:
            self._context.say(lost)
            self._has_said = True
        return bool(lost)

    def _plan(self, indexes: Iterable[int]) -> list[int] | None:
        """Plan what units lack, and return which get something. None while another process extends HITs.

        One transaction: whoever begins to extend after it finds the plan.
        """
        registry, run_id = self._context.registry, self._run.run_id
        if not (wanted := list(self._wants(indexes))):
            return []
        with registry.transaction():
            if locks.extender_of(self._context.settings.home, run_id):
                return None
            affordable = self._affordable(wanted)
            places = [
                Place(want.unit.unit_index, want.places, want.unit.hit_id, is_new=False)
                for want in affordable
            ]
            registry.plan_places(run_id, places, None)
            registry.note_out_of_money(
                run_id, [want.unit.unit_index for want in wanted if want not in affordable]
            )
        return [want.unit.unit_index for want in affordable]

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
