"""Expire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from crowdops import bulk
from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import NotFound
from crowdops.registry import Run


class Target(NamedTuple):
    """A HIT that is to be ended."""

    run_id: str
    unit_index: int
    hit_id: str


def targets(context: Context, runs: Sequence[Run]) -> tuple[list[Target], int]:
    """Return the HITs of these runs that can still be accepted, and how many have ended already.

    The account's list is the truth; units of the registry that are too new for it are added.
    """
    chosen = {run.run_id for run in runs}
    found, seen, already, now = [], set(), 0, datetime.now(UTC)
    for hit in context.provider.iter_hits():
        mark = hit.mark
        if mark is None or mark.run_id not in chosen:
            continue
        seen.add(hit.hit_id)
        # Where the clocks differ, only the status tells whether somebody can accept it.
        if hit.status == "Assignable" or (hit.is_outstanding and hit.expiration > now):
            found.append(Target(mark.run_id, mark.unit_index, hit.hit_id))
        else:
            already += 1
    for run in runs:
        for unit in context.registry.iter_units(run.run_id, ["outstanding"]):
            if unit.hit_id and unit.hit_id not in seen:
                found.append(Target(run.run_id, unit.unit_index, unit.hit_id))
    return found, already


PLAN_HEADERS = ("run", "task_name", "state", "HITs to expire")


def plan_rows(
    runs: Sequence[Run], conditions: Mapping[str, str], these: Sequence[Target]
) -> list[tuple[object, ...]]:
    """Return the rows of the plan under PLAN_HEADERS: how many HITs of each run would be ended."""
    counts = Counter(target.run_id for target in these)
    return [
        (run.run_id, run.task_name, f"{run.state}, {conditions[run.run_id]}", counts[run.run_id])
        for run in runs
    ]


def expire(
    context: Context, these: Iterable[Target], *, progress: Progress
) -> tuple[list[Target], list[tuple[str, str]]]:
    """End these HITs side by side. Returns those that are gone altogether, and (HIT, why) of those that failed.

    Safe to repeat. HITs that were not tried because the endpoint fell silent are among the failed.
    """
    gone: list[Target] = []
    failed: list[tuple[str, str]] = []
    waiting = {target.hit_id: target for target in these}
    calls = bulk.each(
        lambda target: context.provider.expire(target.hit_id),
        list(waiting.values()),
        threads=context.settings.threads,
    )
    for done, outcome in enumerate(calls, start=1):
        target = waiting.pop(outcome.item.hit_id)
        if isinstance(outcome.error, NotFound):
            gone.append(target)
        elif outcome.error:
            failed.append((target.hit_id, str(outcome.error)))
        else:
            context.registry.set_expired(target.run_id, target.unit_index, target.hit_id)
        progress.update(done)
    progress.close()
    return gone, failed + [(hit_id, "not tried: the endpoint does not answer") for hit_id in waiting]
