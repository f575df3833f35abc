"""HITs are expired: nobody can accept them any more. Accepted work can be submitted until its deadline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from crowdops.bulk import Action, Outcome
from crowdops.context import Context
from crowdops.errors import NotFound
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Registry, Run, Unit


class Target(NamedTuple):
    """A HIT that is to be expired."""

    run_id: str
    unit_index: int
    hit_id: str


class Plan(NamedTuple):
    """The HITs of runs at one server that can be accepted; so many cannot any more."""

    context: Context
    runs: list[Run]
    targets: list[Target]
    expired: int


def plan(context: Context, runs: list[Run]) -> Plan:
    """Return what is to be expired of these runs, which are at the context's server."""
    return Plan(context, runs, *find_targets(context, runs))


def can_be_accepted(hit: Hit) -> bool:
    """Return whether somebody can accept a HIT, or could when the work in hand is returned."""
    # Where the clocks differ, only the status tells.
    return hit.status == "Assignable" or (hit.is_outstanding and hit.expiration > datetime.now(UTC))


def outstanding_by_hit(registry: Registry, run_id: str) -> dict[str, Unit]:
    """Return the outstanding units of a run by the ids of their HITs."""
    units = registry.iter_units(run_id, ["outstanding"])
    return {unit.hit_id: unit for unit in units if unit.hit_id}


def find_targets(context: Context, runs: Sequence[Run]) -> tuple[list[Target], int]:
    """Return the HITs of these runs that can be accepted, and how many of them cannot any more.

    One walk over ListHITs. It is the truth; outstanding units of the registry that are too new for it are
    added.
    """
    run_ids = {run.run_id for run in runs}
    targets: list[Target] = []
    listed: set[str] = set()
    expired = 0
    for hit in context.provider.iter_hits():
        mark = hit.mark
        if mark is None or mark.run_id not in run_ids:
            continue
        listed.add(hit.hit_id)
        if can_be_accepted(hit):
            targets.append(Target(mark.run_id, mark.unit_index, hit.hit_id))
        else:
            expired += 1
    for run_id in run_ids:
        for hit_id, unit in outstanding_by_hit(context.registry, run_id).items():
            if hit_id not in listed:
                targets.append(Target(run_id, unit.unit_index, hit_id))
    return targets, expired


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
