"""Verdicts: decisions about submitted assignments are checked, written down and carried out, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from crowdops import bulk
from crowdops.bulk import Tally, trouble
from crowdops.console.interrupts import Interrupts
from crowdops.console.output import timestamp
from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import NotFound, ProviderError, Unreachable, WrongState
from crowdops.payments import pricing
from crowdops.payments.budgets import Budgets
from crowdops.providers.mturk.client import MTurk, Submission
from crowdops.registry import REVIEWED, Decision, Registry, Result, Run
from crowdops.registry.rows import mismatch
from crowdops.review.decisions_file import FileDecision

PLAN_HEADERS = ("run", "task_name", "approve", "reject", "already so", "cannot", "to pay with fees")


OVERRIDE_DAYS = 30  # after the submission, in which a rejection can be taken back


PRESS_NOTE = "Stopping: the decisions under way are finished."


class Item(NamedTuple):
    """A decision that can be carried out. `row` is its row in a file, if it came from one."""

    row: int | None
    result: Result
    decision: Decision
    override: bool

    def explain(self, why: object) -> tuple[str, str]:
        """Return why it failed, as the report shows it."""
        return trouble(self.decision.assignment_id, self.row, why)


@dataclass
class Plan:
    """What there is to do. `done` are decisions that need no review any more; their bonuses may.

    `overtaken` are those among the failed that another verdict made impossible.
    """

    items: list[Item] = field(default_factory=list)
    done: list[Item] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    overtaken: list[tuple[Decision, str]] = field(default_factory=list)

    @property
    def rejections(self) -> int:
        """How many assignments would be rejected."""
        return sum(item.decision.verdict == "reject" for item in self.items)


def plan_file(
    registry: Registry, rows: Iterable[FileDecision], runs: Sequence[Run], *, override: bool
) -> Plan:
    """Check the decisions of a file against what has been collected of these runs. No API call.

    Taking a rejection back costs what the run had got back by it, which its max_cost has to allow.
    """
    plan, chosen = Plan(), {run.run_id: run for run in runs}
    budgets = Budgets(registry)
    for row in rows:
        found = [result for result in registry.results_of(row.assignment_id) if result.run_id in chosen]
        problem = row.trouble or mismatch(found, row.worker_id)
        if problem:
            plan.failed.append(trouble(row.assignment_id, row.row, problem))
            continue
        result = next(r for r in found if r.assignment.worker_id == row.worker_id)
        decision = Decision(row.assignment_id, row.worker_id, row.verdict, row.feedback, row.bonus)
        item = Item(row.row, result, decision, override)
        if override and row.verdict == "approve" and result.assignment.status == "Rejected":
            run = chosen[result.run_id]
            budget = budgets.of(run)
            price = pricing.assignment_cost(run.parameters, run.environment)
            if not budget.take(price):
                plan.failed.append(item.explain(budget.refusal(price)))
                continue
        _sort(plan, item)
    return plan


def plan_decisions(results: Iterable[tuple[Result, Decision]]) -> Plan:
    """Check decisions that were made by rule or at the terminal."""
    plan = Plan()
    for result, decision in results:
        _sort(plan, Item(None, result, decision, override=False))
    return plan


def _sort(plan: Plan, item: Item) -> None:
    """Put an item where its assignment's stored status says that it belongs."""
    assignment, verdict = item.result.assignment, item.decision.verdict
    if assignment.status == REVIEWED[verdict]:
        plan.done.append(item)
    elif assignment.status == "Submitted" or (verdict == "approve" and item.override):
        plan.items.append(item)
    else:
        why = _conflict(assignment.status, verdict)
        plan.overtaken.append((item.decision, why))
        plan.failed.append(item.explain(why))


def _conflict(status: str, verdict: str) -> str:
    if verdict == "reject":
        return "it is approved already, and an approval cannot be taken back"
    if status == "Rejected":
        return f"it is rejected; --override-rejection takes that back for {OVERRIDE_DAYS} days"
    return f"it is {status.lower()}"


def carry_out(context: Context, items: Sequence[Item], *, progress: Progress) -> Tally[Item]:
    """Approve and reject side by side, one call each; what is in doubt is settled by reading.

    Safe to repeat and to interrupt at any moment: each decision is written down before its call. Ctrl-C
    ends it after the calls under way; what was not tried by then is neither settled nor failed.
    """
    tally: Tally[Item] = Tally()
    waiting = {item.decision.assignment_id: item for item in items}

    def intended() -> Iterator[Item]:
        for item in items:
            context.registry.intend_decision(item.decision)
            yield item

    def send(item: Item) -> _Settled:
        return _send(context.provider, item)

    with Interrupts() as presses:
        presses.note = lambda count: PRESS_NOTE
        calls = bulk.each(send, intended(), threads=context.settings.threads, stop=lambda: presses.count > 0)
        for number, outcome in enumerate(calls, start=1):
            del waiting[outcome.item.decision.assignment_id]
            _enter(context.registry, tally, outcome)
            progress.update(number)
        tally.interrupted = presses.count > 0 and bool(waiting)
    progress.close()
    tally.add_untried(waiting)
    return tally


def _enter(registry: Registry, tally: Tally[Item], outcome: bulk.Outcome[Item, _Settled]) -> None:
    item = outcome.item
    if outcome.result is not None:
        registry.settle_decision(item.result.run_id, item.decision, outcome.result.reviewed_at)
        tally.settled.append(item)
        tally.already += outcome.result.was_so
        return
    if not isinstance(outcome.error, Unreachable):  # else it stays as sent, and is settled next time
        registry.fail_decision(item.decision, str(outcome.error))
    tally.failed.append(item.explain(outcome.error))


class _Settled(NamedTuple):
    was_so: bool
    reviewed_at: str | None


def _send(provider: MTurk, item: Item) -> _Settled:
    decision = item.decision
    try:
        if decision.verdict == "approve":
            provider.approve(decision.assignment_id, decision.feedback, override=item.override)
        else:
            provider.reject(decision.assignment_id, decision.feedback or "")
    except WrongState as error:
        return _settle(provider, item, error)
    except NotFound as error:
        raise ProviderError(f"{error} Its HIT was disposed of.") from error
    return _Settled(False, None)


def _settle(provider: MTurk, item: Item, refusal: WrongState) -> _Settled:
    """Read what an assignment is that did not let itself be reviewed."""
    decision = item.decision
    try:
        found = provider.submission(decision.assignment_id)
    except WrongState as error:
        raise ProviderError(
            "the endpoint does not let it be reviewed yet; try again in ten minutes"
        ) from error
    if found.worker_id != decision.worker_id:
        raise ProviderError(f"it is in the hands of {found.worker_id} by now")
    if found.status == REVIEWED[decision.verdict]:
        return _Settled(True, _text(found))
    if found.status == "Approved":
        raise ProviderError(f"it was approved meanwhile, at {timestamp(found.approved_at)}; that is final")
    if found.status == "Rejected":
        if item.override:
            raise ProviderError(
                f"its rejection is final: {OVERRIDE_DAYS} days have passed since its submission"
            )
        raise ProviderError(_conflict(found.status, decision.verdict))
    raise refusal


def _text(found: Submission) -> str | None:
    moment = found.approved_at or found.rejected_at
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def plan_rows(plan: Plan, runs: Sequence[Run]) -> list[tuple[object, ...]]:
    """Return the rows of a plan under PLAN_HEADERS, for the runs that it is about."""
    verdicts: dict[str, Counter[str]] = {run.run_id: Counter() for run in runs}
    for item in plan.items:
        verdicts[item.result.run_id][item.decision.verdict] += 1
    for item in plan.done:
        verdicts[item.result.run_id]["already"] += 1
    rows: list[tuple[object, ...]] = []
    for run in runs:
        counts = verdicts[run.run_id]
        if counts:
            money = counts["approve"] * pricing.assignment_cost(run.parameters, run.environment)
            rows.append(
                (
                    run.run_id,
                    run.task_name,
                    *(counts[n] for n in ("approve", "reject", "already")),
                    "",
                    f"${money}",
                )
            )
    if plan.failed:
        rows.append(("", "", "", "", "", len(plan.failed), ""))
    return rows
