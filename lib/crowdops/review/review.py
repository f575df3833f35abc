"""Review as a whole: a way to decide, the plan that comes of it, and its decisions, bonuses and blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crowdops.bulk import BulkResult
from crowdops.console import output
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.formats import words
from crowdops.payments import bonus_plans, bonuses
from crowdops.payments.bonus_plans import BonusPlan, DueBonus
from crowdops.payments.budgets import Budgets
from crowdops.providers.mturk.client import Bonus
from crowdops.registry import Registry, Result, Run, selection
from crowdops.review import decisions, decisions_file, rules
from crowdops.review.decisions import DecisionPlan, PlannedDecision
from crowdops.workers import blocks

METHODS = ("export", "apply", "approve_all", "approve_matching", "approve_agreeing")


class Method(NamedTuple):
    """How decisions are made: one of METHODS, or None for one by one at a terminal."""

    name: str | None
    path: Path | None = None
    rows: Sequence[decisions_file.FileDecision] = ()
    gold: rules.Gold | None = None
    fields: Sequence[str] = ()
    override: bool = False


class ReviewPlan(NamedTuple):
    """What a review would do. `words` say what it leaves alone."""

    decisions: DecisionPlan
    bonuses: BonusPlan
    words: str

    @property
    def blocks(self) -> list[PlannedDecision]:
        """The decisions that soft-block their workers."""
        decided = (*self.decisions.due, *self.decisions.done)
        return [planned for planned in decided if planned.decision.soft_block]

    @property
    def selected(self) -> int:
        """How many decisions and bonuses there are. Blocks come with their decisions, and do not count."""
        return len(self.decisions.due) + len(self.bonuses.due)

    @property
    def is_due(self) -> bool:
        """Whether there is anything to do: blocks of workers whose work is reviewed already, too."""
        return self.selected > 0 or any(planned.decision.soft_block for planned in self.decisions.done)

    @property
    def known(self) -> BulkResult[Any]:
        """What comes of it without a call: what is so already, and what cannot be."""
        return self.decisions.known + self.bonuses.known


def choose(field: Sequence[str], override_rejection: bool, **options: Any) -> Method:
    """Return the method that the options name, its file read. UsageError if they do not fit together."""
    names = [name for name in METHODS if options[name]]
    if len(names) > 1:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in names)
        raise UsageError(f"{flags}: one way at a time.")
    name = names[0] if names else None
    if field and name != "approve_agreeing":
        raise UsageError("--field belongs to --approve-agreeing.")
    if override_rejection and name != "apply":
        raise UsageError("--override-rejection belongs to --apply: a file says which ones.")
    path = options[name] if name in ("export", "apply", "approve_matching") else None
    if name == "export":
        decisions_file.check_ending(options[name])
    method = Method(name, path, fields=field, override=override_rejection)
    if name == "apply":
        return method._replace(rows=decisions_file.read(options[name]))
    return method._replace(gold=rules.read_gold(options[name])) if name == "approve_matching" else method


def submitted(registry: Registry, runs: Sequence[Run]) -> Iterator[Result]:
    """Yield the collected assignments of these runs that nobody has reviewed."""
    for result in registry.iter_results([run.run_id for run in runs]):
        if result.assignment.status == "Submitted":
            yield result


def export(registry: Registry, path: Path | None, runs: Sequence[Run]) -> int:
    """Write what waits for a decision to a file, and return how many assignments that are."""
    with output.destination(path) as file:
        return decisions_file.export(submitted(registry, runs), file, path)


def plan(registry: Registry, method: Method, runs: Sequence[Run]) -> ReviewPlan:
    """Return what a method would do to these runs. No API call."""
    budgets = Budgets(registry)
    decision_plan, words = _plan_decisions(registry, method, runs, budgets)
    decisions.release_rejected(decision_plan, runs, budgets)
    decided = [*decision_plan.due, *decision_plan.done]
    bonus_plan = bonus_plans.plan_review(registry, _bonuses(decided, runs), budgets)
    return ReviewPlan(decision_plan, bonus_plan, words)


def _plan_decisions(
    registry: Registry, method: Method, runs: Sequence[Run], budgets: Budgets
) -> tuple[DecisionPlan, str]:
    run_ids = [run.run_id for run in runs]
    if method.name is None:  # what was noted at a terminal, or begun and interrupted
        noted = registry.unfinished_decisions(run_ids)
        results = [
            selection.find_result(registry, run_ids, note.assignment_id, note.worker_id) for note in noted
        ]
        plan = decisions.plan_decisions(zip(results, noted, strict=True))
        return plan, f"{words.are(len(noted), 'decision')} noted."
    if method.name == "apply":
        plan = decisions.plan_file(registry, method.rows, runs, budgets, override=method.override)
        repeated = sum(row.repeated for row in method.rows)
        again = "says again what another one says, and counts", "say again what another one says, and count"
        say = words.choose(repeated, *again)
        twice = f" {words.count(repeated, 'row')} {say} once." if repeated else ""
        hold = words.choose(len(method.rows), "holds", "hold")
        return plan, f"{words.count(len(method.rows), 'row')} of {method.path} {hold} a decision.{twice}"
    ruling = _rule(registry, method, run_ids)
    return decisions.plan_decisions(ruling.approved), ruling.words


def _rule(registry: Registry, method: Method, run_ids: Sequence[str]) -> rules.Ruling:
    """Return what a rule says. UsageError for a name in it that no assignment has, once there are any."""
    if method.name == "approve_all":
        return rules.approve_all(registry.iter_results(run_ids))
    if method.gold is not None and method.path is not None:
        rules.Names.of(registry.iter_results(run_ids)).check(method.path, method.gold)
        return rules.approve_matching(registry.iter_results(run_ids), method.gold)

    def has_ended(result: Result) -> bool:
        unit = registry.unit(result.run_id, result.unit_index)
        return unit is not None and unit.state in ("finished", "disposed")

    fields = method.fields
    if fields:
        fields = rules.Names.of(registry.iter_results(run_ids)).fields(fields)
    return rules.approve_agreeing(registry.iter_results(run_ids), fields, has_ended)


def _bonuses(decided: Iterable[PlannedDecision], runs: Sequence[Run]) -> Iterator[DueBonus]:
    """Yield the bonuses that decisions ask for."""
    by_id = {run.run_id: run for run in runs}
    for planned in decided:
        if planned.decision.bonus is not None:
            run = by_id[planned.result.run_id]
            reason = f"A bonus for your work: {run.parameters.task_title}"
            yield DueBonus.of(planned.row, run, Bonus(*planned.key, planned.decision.bonus, reason.strip()))


def carry_out(context: Context, plan: ReviewPlan, runs: Sequence[Run]) -> BulkResult[Any]:
    """Carry out a plan: first the decisions, then the bonuses and blocks of those that are in force.

    Never more than was planned. Safe to repeat and to interrupt at any moment.
    """
    reviewed = decisions.carry_out(context, plan.decisions.due)
    in_force = [*reviewed.settled, *plan.decisions.done]
    planned = {due.bonus.token for due in (*plan.bonuses.due, *plan.bonuses.paid)}
    asked_for = [due for due in _bonuses(in_force, runs) if due.bonus.token in planned]
    bonus_plan = bonus_plans.plan_review(context.registry, asked_for, Budgets(context.registry))
    bonus_plan.failed.extend(plan.bonuses.failed)
    paid: BulkResult[DueBonus] = BulkResult()
    if bonus_plan.due and not reviewed.interrupted:
        paid = bonuses.pay(context, bonus_plan.due)
    blocked: BulkResult[tuple[str, str]] = BulkResult()
    if not (reviewed.interrupted or paid.interrupted):
        blocked = _block(context, in_force)
    paid_keys = {bonus.key for bonus in (*paid.settled, *bonus_plan.paid)}
    _finish(context.registry, in_force, paid_keys, blocked.settled)
    results: list[BulkResult[Any]] = [plan.decisions.known, reviewed, bonus_plan.known, paid, blocked]
    return sum(results, BulkResult())


def _block(context: Context, decided: Iterable[PlannedDecision]) -> BulkResult[tuple[str, str]]:
    """Soft-block workers where decisions say so, uncounted. `settled` are (task_name, worker)."""
    workers: dict[str, dict[str, None]] = {}
    for planned in decided:
        if planned.decision.soft_block:
            workers.setdefault(planned.result.task_name, {})[planned.decision.worker_id] = None
    total: BulkResult[tuple[str, str]] = BulkResult()
    for task_name, worker_ids in workers.items():
        blocked = blocks.block(context, task_name, list(worker_ids))
        settled = [(task_name, worker_id) for worker_id in blocked.settled]
        total += BulkResult(settled, failed=blocked.failed, interrupted=blocked.interrupted)
    return total


def _finish(
    registry: Registry,
    decided: Iterable[PlannedDecision],
    paid: Collection[tuple[str, str]],
    blocked: Collection[tuple[str, str]],
) -> None:
    """Close the decisions of which nothing is left to do: bonuses are paid and blocks made by these keys."""
    for planned in decided:
        decision = planned.decision
        is_paid = decision.bonus is None or planned.key in paid
        is_blocked = not decision.soft_block or (planned.result.task_name, decision.worker_id) in blocked
        if is_paid and is_blocked:
            registry.finish_decision(*planned.key)


def close_finished(registry: Registry, plan: ReviewPlan) -> None:
    """Close the decisions that were noted or interrupted and have nothing left to do, or no chance."""
    _finish(registry, plan.decisions.done, {bonus.key for bonus in plan.bonuses.paid}, ())
    for planned, why in plan.decisions.overtaken:
        registry.fail_decision(planned.result.run_id, planned.decision, why)
