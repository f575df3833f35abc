"""What the units of a run at its end lack, and how each of them gets it: launched, extended or replaced.

A HIT that can take more workers is extended, which keeps out everybody who has done it. Where it cannot, or
leads to a page that is gone, another one takes its place.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from crowdops.context import Context
from crowdops.hits import extend
from crowdops.hits.differences import read_hits
from crowdops.payments import budgets, pricing
from crowdops.payments.budgets import Budget
from crowdops.providers.mturk.client import LISTING_LAG, Hit
from crowdops.registry import ENDED_UNITS, Place, Run, UnitAnswers
from crowdops.results import collect, votes

FRESH = LISTING_LAG.total_seconds()  # for so long what was seen is taken for what is there
STAYING_PAGES = ("none", "url")  # kinds of servers whose pages are where they were


class ShortUnit(NamedTuple):
    """A unit that is not out and lacks so many answers."""

    answers: UnitAnswers
    need: int
    is_of_first: bool  # of its first assignments_per_unit answers: it has to agree only after these


class Lacks(NamedTuple):
    """What a run lacks: `answers` of so many units, and what they cost if all are approved.

    `places` are what is to be planned. `unknown` units lack answers that cannot be had, because their data
    row is not known. `in_flight` units have a HIT out, and get nothing besides. `hits` are those that are to
    be extended, as they were listed. `spent` are units that do not agree and get nothing, because max_cost
    does not cover what they lack: how many answers each. `short` are the units of `places`, as they were
    `looked_at`, by the monotonic clock. `lost_field` says that no answer has the field that has to agree.
    """

    run: Run
    places: list[Place]
    answers: int
    launched: int
    extended: int
    replaced: int
    unknown: int
    in_flight: int
    hits: dict[str, Hit]
    spent: dict[int, int]
    short: list[ShortUnit]
    looked_at: float
    lost_field: str

    @property
    def units(self) -> int:
        """How many units get something."""
        return self.launched + self.extended + self.replaced

    @property
    def cost(self) -> Decimal:
        """What it costs with fees if all is approved."""
        return self.cost_with(0)

    def cost_with(self, more: int) -> Decimal:
        """Return what it and so many more answers cost."""
        return (self.answers + more) * pricing.assignment_cost(self.run.parameters, self.run.environment)


def examine(context: Context, run: Run) -> Lacks:
    """Return what a run lacks, after what is new of its HITs was stored. Only reads at the provider.

    One walk over the account, one or two calls for each HIT that has changed, and one for each that is not
    listed. Raises the first error: what was not read might be bought again.
    """
    hits: dict[str, Hit] = {}
    changes, changed = collect.Changes(context.registry, [run]), []
    for hit in context.counted(context.provider.iter_hits(), "HITs listed:"):
        if hit.mark and hit.mark.run_id == run.run_id:
            hits[hit.hit_id] = hit
            if changes.include(hit):
                changed.append(hit)
    for outcome in collect.collect(context, changed, mark=False):
        outcome.get()
    short = list(_short_units(context, run))
    unlisted = [
        unit.hit_id
        for unit in (lacking.answers.unit for lacking in short)
        if unit.hit_id and unit.hit_id not in hits and unit.state != "disposed"
    ]
    read = read_hits(context, unlisted)
    for error in read.errors.values():
        raise error
    return _lacks(context, run, short, hits | read.hits)


def _short_units(context: Context, run: Run) -> Iterator[ShortUnit]:
    """Yield the units that are not out and lack answers, or have some that do not agree."""
    parameters, registry = run.parameters, context.registry
    if votes.lost_field(registry, run):
        parameters = parameters._replace(answer_field="")
    by_unit = dict(votes.by_unit(registry, run)) if parameters.answer_field else {}
    for answers in registry.iter_short_units(run.run_id, parameters.most_answers):
        vote = by_unit.get(answers.unit.unit_index, votes.Vote(None, 0, answers.good))
        if need := votes.lacking(vote, parameters):
            yield ShortUnit(answers, need, answers.good < parameters.assignments_per_unit)


def _lacks(context: Context, run: Run, short: list[ShortUnit], hits: Mapping[str, Hit]) -> Lacks:
    counts = context.registry.unit_counts(run.run_id)
    missing = max(0, run.units - counts.total())  # rows of the data that a crash has kept out
    found = Lacks(
        run=run,
        places=[],
        answers=missing * run.parameters.assignments_per_unit,
        launched=missing,
        extended=0,
        replaced=0,
        unknown=0,
        in_flight=counts["creating"] + counts["outstanding"],
        hits={},
        spent={},
        short=[],
        looked_at=time.monotonic(),
        lost_field=votes.lost_field(context.registry, run),
    )
    budget = Budget(context.registry, run) if run.parameters.answer_field else None
    for lacking in sorted(short, key=lambda lacking: lacking.is_of_first, reverse=True):
        if budget and not lacking.is_of_first and not budget.has_room(found.cost_with(lacking.need)):
            found.spent[lacking.answers.unit.unit_index] = lacking.need
        else:
            found = _add(found, lacking, hits.get(lacking.answers.unit.hit_id or ""))
    context.registry.note_out_of_money(run.run_id, list(found.spent))
    return found


def _add(found: Lacks, lacking: ShortUnit, hit: Hit | None) -> Lacks:
    """Add what one unit lacks."""
    answers, need, _ = lacking
    unit = answers.unit
    if hit and unit.state in ENDED_UNITS:  # a list can be a minute old; what this registry has added is known
        hit = hit._replace(max_assignments=max(hit.max_assignments, unit.places or 0))
    if hit and hit.is_outstanding:  # somebody has opened it again, and the run will take note of that
        return found._replace(in_flight=found.in_flight + 1)
    if hit and (goal := _goal(found.run, answers, hit, need)):
        found.places.append(Place(unit.unit_index, goal, hit.hit_id, is_new=False))
        found.short.append(lacking)
        found.hits[hit.hit_id] = hit
        return found._replace(extended=found.extended + 1, answers=found.answers + need)
    if unit.input is None:
        return found._replace(unknown=found.unknown + 1)
    found = found._replace(answers=found.answers + need)
    is_first = not answers.answers and unit.hit_id is None and not unit.attempt
    found.places.append(
        Place(unit.unit_index, need, unit.hit_id, is_new=True, is_replaced=answers.answers > 0)
    )
    found.short.append(lacking)
    if is_first:
        return found._replace(launched=found.launched + 1)
    return found._replace(replaced=found.replaced + 1)


def _goal(run: Run, answers: UnitAnswers, hit: Hit, need: int) -> int | None:
    """Return how many assignments a HIT that has ended is to have; None if it cannot take what is needed."""
    places = max(answers.of_hit, hit.answers) + need
    is_possible = places >= hit.max_assignments and extend.can_have(hit, places)
    return places if is_possible and run.parameters.server_kind in STAYING_PAGES else None


def is_as_seen(context: Context, found: Lacks) -> bool:
    """Return whether what a run lacks is what was seen: seen just now, and nobody was at it since."""
    if time.monotonic() - found.looked_at > FRESH:
        return False
    short = {lacking.answers.unit.unit_index: lacking for lacking in _short_units(context, found.run)}
    return all(short.get(lacking.answers.unit.unit_index) == lacking for lacking in found.short)


def check_money(context: Context, found: Lacks) -> None:
    """BudgetReached if max_cost does not cover what a run lacks, or is not known where it has to be."""
    budgets.require_limit(found.run)
    budget = Budget(context.registry, found.run)
    if not found.units:
        raise budget.refusal(found.cost_with(sum(found.spent.values())))
    budget.take(found.cost)
