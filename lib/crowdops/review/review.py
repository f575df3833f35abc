"""Review as a whole: a way to decide, the plan that comes of it, and its verdicts, bonuses and blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crowdops.bulk import Tally
from crowdops.config.settings import Settings
from crowdops.console import progress
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.payments import bonus_plans, bonuses
from crowdops.payments.bonus_plans import _due, _sort
from crowdops.payments.budgets import Budgets
from crowdops.registry import Decision, Registry, Result, Run
from crowdops.review import decisions as verdicts
from crowdops.review import decisions_file, rules
from crowdops.review.decisions import Item
from crowdops.workers import blocks as soft_blocks

WAYS = ("export", "apply", "approve_all", "approve_matching", "approve_agreeing")


class Way(NamedTuple):
    """How decisions are made: one of WAYS, or None for one by one at a terminal."""

    name: str | None
    path: Path | None = None
    rows: Sequence[decisions_file.FileDecision] = ()
    gold: rules.Gold | None = None
    fields: Sequence[str] = ()
    override: bool = False


class Plan(NamedTuple):
    """What a review would do. `words` say what it leaves alone."""

    verdicts: verdicts.Plan
    bonuses: bonus_plans.Plan
    words: str


def choose(fields: Sequence[str], override: bool, given: dict[str, Any]) -> Way:
    """Return the way that the options name, its file read. UsageError before any call if that does not fit."""
    names = [name for name in WAYS if given[name]]
    if len(names) > 1:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in names)
        raise UsageError(f"{flags}: one way at a time.")
    name = names[0] if names else None
    if fields and name != "approve_agreeing":
        raise UsageError("--field belongs to --approve-agreeing.")
    if override and name != "apply":
        raise UsageError("--override-rejection belongs to --apply: a file says which ones.")
    path = given[name] if name in ("export", "apply", "approve_matching") else None
    way = Way(name, path, fields=fields, override=override)
    if name == "apply":
        return way._replace(rows=decisions_file.read(given[name]))
    return way._replace(gold=rules.read_gold(given[name])) if name == "approve_matching" else way


def submitted(registry: Registry, runs: Sequence[Run]) -> Iterator[Result]:
    """Yield the collected assignments of these runs that nobody has reviewed."""
    for result in registry.iter_results([run.run_id for run in runs]):
        if result.assignment.status == "Submitted":
            yield result


def plan(registry: Registry, way: Way, runs: Sequence[Run]) -> Plan:
    """Return what a way would do to these runs. No API call."""
    if way.name is None:
        return _plan_unfinished(registry, runs)
    if way.name == "apply":
        found = verdicts.plan_file(registry, way.rows, runs, override=way.override)
        return _with_bonuses(registry, found, runs, f"{len(way.rows)} rows of {way.path} hold a decision.")
    results = registry.iter_results([run.run_id for run in runs])
    if way.name == "approve_all":
        ruling = rules.approve_all(results)
    elif way.gold is not None:
        ruling = rules.approve_matching(results, way.gold)
    else:
        ruling = rules.approve_agreeing(results, way.fields, lambda result: _has_ended(registry, result))
    return _with_bonuses(registry, verdicts.plan_decisions(ruling.approved), runs, ruling.words)


def _plan_unfinished(registry: Registry, runs: Sequence[Run]) -> Plan:
    """Return what was noted for these runs, or begun and interrupted."""
    noted = registry.unfinished_decisions([run.run_id for run in runs])
    found = verdicts.plan_decisions((_result_of(registry, decision), decision) for decision in noted)
    return _with_bonuses(registry, found, runs, f"{len(noted)} decisions are noted.")


def _result_of(registry: Registry, decision: Decision) -> Result:
    found = registry.results_of(decision.assignment_id)
    return next(result for result in found if result.assignment.worker_id == decision.worker_id)


def _has_ended(registry: Registry, result: Result) -> bool:
    unit = registry.unit(result.run_id, result.unit_index)
    return unit is not None and unit.state in ("finished", "disposed")


def _with_bonuses(registry: Registry, found: verdicts.Plan, runs: Sequence[Run], words: str) -> Plan:
    by_id = {run.run_id: run for run in runs}
    due = plan_review(registry, [*found.items, *found.done], by_id)
    if due.due:
        words = f"{words} {due.describe(runs[0].environment)}"
    return Plan(found, due, words)


def question(plan: Plan, settings: Settings) -> tuple[str, str | None]:
    """Return what to ask before a plan is carried out, and the number to be typed if it rejects anything."""
    rejections = plan.verdicts.rejections
    total = plan.bonuses.total(settings.environment)
    parts = (
        (len(plan.verdicts.items) - rejections, "Approve {}"),
        (rejections, "REJECT {}"),
        (len(plan.bonuses.due), f"pay {{}} bonuses for ${total} with fees"),
        (len(blocks(plan)), "soft-block {} workers"),
    )
    what = ", ".join(words.format(count) for count, words in parts if count) + "?"
    return (f"{what} Type the number of rejections", str(rejections)) if rejections else (what, None)


def blocks(plan: Plan) -> list[verdicts.Item]:
    """Return the decisions of a plan that soft-block their workers."""
    return [item for item in (*plan.verdicts.items, *plan.verdicts.done) if item.decision.soft_block]


class Reviewed(NamedTuple):
    """What came of a plan, verdicts, bonuses and blocks together."""

    done: int
    already: int
    failed: list[tuple[str, str]]
    interrupted: bool


def refused(plan: Plan) -> Reviewed:
    """Return what came of a plan that was only looked at."""
    already = len(plan.verdicts.done) + len(plan.bonuses.paid)
    return Reviewed(0, already, [*plan.verdicts.failed, *plan.bonuses.failed], False)


def carry_out(context: Context, plan: Plan, runs: Sequence[Run]) -> Reviewed:
    """Carry out a plan: first the verdicts, then the bonuses and blocks of those that are in force.

    Safe to repeat and to interrupt at any moment.
    """
    items = plan.verdicts.items
    bar = progress.progress(len(items), "reviewed", quiet=context.settings.quiet)
    tally = verdicts.carry_out(context, items, progress=bar)
    in_force = [*tally.settled, *plan.verdicts.done]
    due = plan_review(context.registry, in_force, {run.run_id: run for run in runs})
    paid: Tally[bonus_plans.Due] = Tally()
    if due.due and not tally.interrupted:
        bar = progress.progress(len(due.due), "paid", quiet=context.settings.quiet)
        paid = bonuses.pay(context, due.due, progress=bar)
    blocked = _block(context, in_force) if not (tally.interrupted or paid.interrupted) else []
    _finish(
        context.registry, in_force, {each.bonus.assignment_id for each in (*paid.settled, *due.paid)}, blocked
    )
    return Reviewed(
        done=tally.done + paid.done,
        already=tally.already + len(plan.verdicts.done) + paid.already + len(due.paid),
        failed=[*plan.verdicts.failed, *tally.failed, *due.failed, *paid.failed, *blocked],
        interrupted=tally.interrupted or paid.interrupted,
    )


def _block(context: Context, items: Sequence[verdicts.Item]) -> list[tuple[str, str]]:
    """Soft-block the workers whom decisions say so of, for their task_name. Returns (worker, why) of failures."""
    wanted: dict[str, dict[str, None]] = {}
    for item in items:
        if item.decision.soft_block:
            wanted.setdefault(item.result.task_name, {})[item.decision.worker_id] = None
    failed = []
    for task_name, workers in wanted.items():
        failed += soft_blocks.block(context, task_name, list(workers)).failed
    return failed


def _finish(
    registry: Registry, items: Sequence[verdicts.Item], paid: set[str], failed_blocks: list[tuple[str, str]]
) -> None:
    """Close the decisions of which nothing is left to do."""
    unblocked = {worker_id for worker_id, _ in failed_blocks}
    for item in items:
        decision = item.decision
        if decision.bonus is not None and decision.assignment_id not in paid:
            continue
        if not (decision.soft_block and decision.worker_id in unblocked):
            registry.finish_decision(decision.assignment_id, decision.worker_id)


def selected(plan: Plan) -> int:
    """Return how many verdicts, bonuses and blocks of reviewed work a plan holds."""
    late_blocks = sum(item.decision.soft_block for item in plan.verdicts.done)
    return len(plan.verdicts.items) + len(plan.bonuses.due) + late_blocks


def close_settled(registry: Registry, plan: Plan) -> None:
    """Close the decisions that were noted or interrupted and have nothing left to do, or no chance. No API call."""
    paid = {each.bonus.assignment_id for each in plan.bonuses.paid}
    _finish(registry, [item for item in plan.verdicts.done if not item.decision.soft_block], paid, [])
    for decision, why in plan.verdicts.overtaken:
        registry.fail_decision(decision, why)


def plan_review(registry: Registry, items: Iterable[Item], runs: Mapping[str, Run]) -> bonus_plans.Plan:
    """Return the bonuses that belong to decisions. An assignment gets one bonus by review."""
    plan = bonus_plans.Plan([], [], [])
    budgets = Budgets(registry)
    for item in items:
        amount, result = item.decision.bonus, item.result
        if amount is None:
            continue
        run, assignment = runs[result.run_id], result.assignment
        reason = f"A bonus for your work: {run.parameters.task_title}"
        due = _due(item.row, run.run_id, assignment.assignment_id, assignment.worker_id, amount, reason)
        others = [
            bonus
            for bonus in registry.bonuses(assignment.assignment_id, assignment.worker_id)
            if bonus.reason == reason and bonus.amount != amount and bonus.state != "failed"
        ]
        if others:
            why = f"its review gave it ${others[0].amount} already; pay a further bonus with pay_bonuses"
            plan.failed.append(due.explain(why))
        else:
            _sort(registry, plan, due, run, budgets)
    return plan
