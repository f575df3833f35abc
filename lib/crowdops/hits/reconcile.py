"""Registry and provider brought in line: what puts each difference between a HIT and its unit right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from crowdops import bulk
from crowdops.bulk import Action, BulkResult
from crowdops.context import Context
from crowdops.errors import NotFound
from crowdops.hits.differences import (
    SECOND,
    Difference,
    Remedy,
    age,
    compare,
    compare_with,
    may_be_replaced,
    outstanding_units,
    read_hits,
    read_missing,
)
from crowdops.hits.expire import Target, fail_deleted
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Assignment, Registry, Run
from crowdops.results import collect


def adopt(registry: Registry, run_id: str, hits: Iterable[Hit]) -> int:
    """Take over the HITs of units that have none in the registry. Returns how many. Safe to repeat.

    The oldest HIT of a unit is its own, unless it has ended and a newer one has taken its place.
    """
    units: dict[int, list[Hit]] = {}
    for hit in sorted(hits, key=age):
        if hit.mark:
            units.setdefault(hit.mark.unit_index, []).append(hit)
    adopted = 0
    for index, of_unit in units.items():
        replaced = [] if any(hit.is_outstanding for hit in of_unit[:-1]) else of_unit[:-1]
        own = of_unit[len(replaced)]
        if registry.adopt_hit(run_id, index, own.hit_id, own.created_at, own.max_assignments):
            adopted += 1
            if replaced:
                registry.note_replaced(run_id, index, [hit.hit_id for hit in replaced])
    return adopted


class Reconciled(NamedTuple):
    """What the registry learnt of a run. `failures` has a line for each HIT that could not be settled."""

    adopted: int
    deleted: int
    failures: list[str]


def reconcile(context: Context, run: Run, hits: Sequence[Hit]) -> Reconciled:
    """Bring the registry in line with the listed HITs of a run to be carried on or drained. Safe to repeat.

    Its lock must be held. Units whose HIT somebody has extended are outstanding again; a drain expires them
    then, and waits for what is being worked on. What has ended is collected, because it may be on no list
    that a run asks for. A HIT that cannot be read again is taken for what the list said.
    """
    missing = read_missing(context, run, hits)
    listed = {hit.hit_id: hit for hit in hits} | missing.hits
    doubtful = [hit.hit_id for hit in listed.values() if _is_doubtful(context.registry, run, hit)]
    again = read_hits(context, doubtful)
    deleted = outstanding_units(context.registry, run, missing.gone | again.gone)
    for unit in deleted:
        fail_deleted(context.registry, Target(run.run_id, unit.unit_index, unit.hit_id or ""))
    existing = [hit for hit in (listed | again.hits).values() if hit.hit_id not in again.gone]
    adopted = adopt(context.registry, run.run_id, existing)
    remaining = []
    for hit in existing:
        stored = collect.Stored.read(context.registry, hit)
        difference = compare_with(stored, run, "crashed", hit)
        if difference is None:  # what a process that died has expired may be collected by nobody
            collect.note_expiry(context.registry, hit, stored)
        elif rest := _write(context.registry, difference, carry_on=True):
            remaining.append(rest)
    ended: list[Hit] = []
    action = _provider_action(context, ended)
    result = bulk.carry_out(action, remaining, threads=context.settings.threads)
    collect.mark_collected(context, ended)
    failed = [*(missing.errors | again.errors).items(), *result.failed]
    failures = [f"HIT {hit_id} of {run.run_id}: {why}" for hit_id, why in failed]
    return Reconciled(adopted, len(deleted), failures)


def _is_doubtful(registry: Registry, run: Run, hit: Hit) -> bool:
    """Return whether the list may be too old to act on: it lags, and workers go on."""
    difference = compare(registry, run, "crashed", hit)
    return difference is not None and (difference.kind.remedy is Remedy.REOPEN or may_be_replaced(difference))


def mend(context: Context, differences: Sequence[Difference]) -> BulkResult[Difference]:
    """Put right what find_all() has found. Each HIT is read again first: some may be right by now.

    Units whose HIT somebody has extended are not left open: the HIT is expired. Safe to repeat, and beside
    the process that attends a run.
    """
    again = read_hits(context, [difference.hit_id for difference in differences])
    result: BulkResult[Difference] = BulkResult()
    remaining = []
    for difference in differences:
        run, hit_id = difference.run, difference.hit_id
        if hit := again.hits.get(hit_id):
            current = compare(context.registry, run, difference.condition, hit)
            rest = current and _write(context.registry, current, carry_on=False)
            if rest:
                remaining.append(rest)
                continue
            was_changed = current is not None
        elif hit_id in again.gone:
            was_changed = fail_deleted(context.registry, Target(run.run_id, difference.unit_index, hit_id))
        else:
            result.failed.append((hit_id, str(again.errors.get(hit_id, bulk.NOT_TRIED))))
            continue
        result.done += was_changed
        result.already += not was_changed
    ended: list[Hit] = []
    result += context.carry_out(_provider_action(context, ended), remaining, "mended")
    collect.mark_collected(context, ended)
    return result


def _write(registry: Registry, difference: Difference, *, carry_on: bool) -> Difference | None:
    """Put right what the registry alone can. Returns what is left to do at the provider, or None."""
    kind, run, hit = difference.kind, difference.run, difference.hit
    assert hit is not None
    if kind.remedy is Remedy.ADOPT:
        registry.adopt_hit(run.run_id, difference.unit_index, hit.hit_id, hit.created_at)
        rest = compare(registry, run, difference.condition, hit)
        return rest and _write(registry, rest, carry_on=carry_on)
    if kind.remedy is Remedy.REOPEN:
        registry.reopen_unit(run.run_id, difference.unit_index, hit.hit_id)
        return None if carry_on else difference
    collect.reopen_unit(registry, hit)
    return difference


def _provider_action(context: Context, ended: list[Hit]) -> Action[Difference, tuple[Hit, list[Assignment]]]:
    """Return what expires and collects HITs that differ. `ended` gets those that can be marked Reviewing."""

    def call(difference: Difference) -> tuple[Hit, list[Assignment]]:
        hit = difference.hit
        assert hit is not None
        if difference.kind.remedy is not Remedy.COLLECT:
            context.provider.expire(hit.hit_id)
            hit = context.provider.hit(hit.hit_id)  # somebody may have accepted or submitted meanwhile
        is_open_and_empty = hit.is_outstanding and not hit.answers
        return hit, [] if is_open_and_empty else collect.fetch(context.provider, hit)

    def settle(outcome: bulk.Outcome[Difference, tuple[Hit, list[Assignment]]]) -> bool:
        kind, run_id, hit_id = outcome.item.kind, outcome.item.run.run_id, outcome.item.hit_id
        if isinstance(outcome.error, NotFound):
            return not fail_deleted(context.registry, Target(run_id, outcome.item.unit_index, hit_id))
        hit, assignments = outcome.get()
        if kind is SECOND or kind.remedy is Remedy.REOPEN:
            context.registry.set_expired(run_id, outcome.item.unit_index, hit_id)
        if collect.store(context.registry, hit, assignments):
            ended.append(hit)
        return False

    return Action(call, settle, lambda difference, error: (difference.hit_id, str(error)))
