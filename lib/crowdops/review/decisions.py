"""Decisions about submitted assignments are checked, written down and carried out, each once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from crowdops.bulk import Action, BulkResult, Outcome, in_row
from crowdops.console.output import timestamp
from crowdops.context import Context
from crowdops.errors import BudgetReached, NotFound, ProviderError, Unreachable, UsageError, WrongState
from crowdops.payments import pricing
from crowdops.payments.budgets import Budgets
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import REVIEWED, Decision, Registry, Result, Run, selection
from crowdops.review.decisions_file import FileDecision

OVERRIDE_DAYS = 30  # after the submission, in which a rejection can be taken back
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class PlannedDecision(NamedTuple):
    """A decision and the assignment that it is about. `row` is its row in a file, if it came from one."""

    row: int | None
    result: Result
    decision: Decision
    override: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """The assignment and its worker: an id alone can have gone from one worker to the next."""
        return self.decision.assignment_id, self.decision.worker_id

    def submitted_at(self) -> datetime:
        """Return when the work was handed in."""
        return self.result.assignment.submitted_at or _EARLIEST

    def explain(self, why: object) -> tuple[str, str]:
        """Return why it failed, as the report shows it."""
        return in_row(self.decision.assignment_id, self.row, why)


@dataclass
class DecisionPlan:
    """What there is to do. `done` are decisions that need no review any more; their bonuses may.

    `overtaken` are those among the failed that another decision made impossible.
    """

    due: list[PlannedDecision] = field(default_factory=list)
    done: list[PlannedDecision] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    overtaken: list[tuple[PlannedDecision, str]] = field(default_factory=list)

    @property
    def rejections(self) -> int:
        """How many assignments would be rejected."""
        return sum(planned.decision.action == "reject" for planned in self.due)

    @property
    def known(self) -> BulkResult[Any]:
        """What comes of it without a call: what is so already, and what cannot be."""
        return BulkResult(already=len(self.done), failed=self.failed)

    def add(self, planned: PlannedDecision) -> None:
        """Put a decision where its assignment's stored status says that it belongs."""
        status, action = planned.result.assignment.status, planned.decision.action
        if status == REVIEWED[action]:
            self.done.append(planned)
        elif status == "Submitted" or (action == "approve" and planned.override):
            self.due.append(planned)
        else:
            self.overtake(planned, _conflict(status, action))

    def overtake(self, planned: PlannedDecision, why: str) -> None:
        """Note that another decision has made this one impossible."""
        self.overtaken.append((planned, why))
        self.failed.append(planned.explain(why))

    def refuse_contradictions(self) -> None:
        """Keep one decision an assignment, that about the worker who handed it in last.

        The calls of the API name no worker: they review whatever the assignment's id stands for by now.
        """
        by_submission = sorted(self.due, key=PlannedDecision.submitted_at)
        holders = {planned.decision.assignment_id: planned.decision.worker_id for planned in by_submission}
        due, self.due = self.due, []
        for planned in due:
            holder = holders[planned.decision.assignment_id]
            if planned.decision.worker_id == holder:
                self.due.append(planned)
            else:
                self.overtake(planned, f"it is decided for {holder}, too, who handed it in later")


def plan_file(
    registry: Registry,
    rows: Iterable[FileDecision],
    runs: Sequence[Run],
    budgets: Budgets,
    *,
    override: bool,
) -> DecisionPlan:
    """Check the decisions of a file against what has been collected of these runs. No API call.

    Taking a rejection back costs what the run had got back by it, which its max_cost has to allow.
    """
    plan = DecisionPlan()
    by_id = {run.run_id: run for run in runs}
    for row in rows:
        decision = row.decision
        try:
            if row.problem:
                raise UsageError(row.problem)
            result = selection.find_result(registry, by_id, decision.assignment_id, decision.worker_id)
            if override and decision.action == "approve" and result.assignment.status == "Rejected":
                run = by_id[result.run_id]
                budgets.of(run).take(pricing.assignment_cost(run.parameters, run.environment))
        except (UsageError, BudgetReached) as error:
            plan.failed.append(in_row(decision.assignment_id, row.row, error))
        else:
            plan.add(PlannedDecision(row.row, result, decision, override))
    plan.refuse_contradictions()
    return plan


def plan_decisions(decisions: Iterable[tuple[Result, Decision]]) -> DecisionPlan:
    """Check decisions that were made by rule or at the terminal. No API call."""
    plan = DecisionPlan()
    for result, decision in decisions:
        plan.add(PlannedDecision(None, result, decision))
    plan.refuse_contradictions()
    return plan


def release_rejected(plan: DecisionPlan, runs: Sequence[Run], budgets: Budgets) -> None:
    """Give the runs back what the plan's rejections will leave of their max_cost: bonuses come after them."""
    by_id = {run.run_id: run for run in runs}
    for planned in plan.due:
        if planned.decision.action == "reject":
            run = by_id[planned.result.run_id]
            budgets.of(run).release(pricing.assignment_cost(run.parameters, run.environment))


def _conflict(status: str, action: str) -> str:
    if action == "reject":
        return "it is approved already, and an approval cannot be taken back"
    if status == "Rejected":
        return f"it is rejected; --override-rejection takes that back for {OVERRIDE_DAYS} days"
    return f"it is {status.lower()}"


class _Reviewed(NamedTuple):
    was_so: bool
    at: datetime | None  # if the endpoint told when


def carry_out(context: Context, decisions: Sequence[PlannedDecision]) -> BulkResult[PlannedDecision]:
    """Approve and reject side by side, one call each; where a call is refused, the assignment is read.

    Safe to repeat and to interrupt at any moment: each decision is written down before its call.
    """
    action = Action[PlannedDecision, _Reviewed](
        call=lambda planned: _send(context.provider, planned),
        settle=lambda outcome: _settle(context.registry, outcome),
        explain=PlannedDecision.explain,
        intend=lambda planned: context.registry.put_decision(planned.decision, "sending"),
        together=context.registry.transaction,
    )
    return context.carry_out(action, decisions, "reviewed")


def _settle(registry: Registry, outcome: Outcome[PlannedDecision, _Reviewed]) -> bool:
    planned, error = outcome.item, outcome.error
    if error and not isinstance(error, Unreachable):  # else it stays as sent, and is sent again the next time
        registry.fail_decision(planned.result.run_id, planned.decision, str(error))
    reviewed = outcome.get()
    registry.set_reviewed(planned.result.run_id, planned.decision, reviewed.at)
    return reviewed.was_so


def _send(provider: MTurk, planned: PlannedDecision) -> _Reviewed:
    decision = planned.decision
    try:
        if decision.action == "approve":
            provider.approve(decision.assignment_id, decision.feedback, override=planned.override)
        else:
            provider.reject(decision.assignment_id, decision.feedback or "")
    except WrongState as error:
        return _read(provider, planned, error)
    except NotFound as error:
        raise ProviderError(f"{error} Its HIT was disposed of.") from error
    return _Reviewed(was_so=False, at=None)


def _read(provider: MTurk, planned: PlannedDecision, refusal: WrongState) -> _Reviewed:
    """Read what an assignment is that cannot be reviewed. ProviderError unless it is as decided."""
    decision = planned.decision
    try:
        submission = provider.submission(decision.assignment_id)
    except WrongState as error:
        raise ProviderError(
            "the endpoint does not let it be reviewed yet; try again in ten minutes"
        ) from error
    if submission.worker_id != decision.worker_id:
        raise ProviderError(f"it is in the hands of {submission.worker_id} by now")
    if submission.status == REVIEWED[decision.action]:
        return _Reviewed(was_so=True, at=submission.approved_at or submission.rejected_at)
    if submission.status == "Approved":
        moment = timestamp(submission.approved_at)
        raise ProviderError(f"it was approved meanwhile, at {moment}; that is final")
    if submission.status == "Rejected" and planned.override:
        raise ProviderError(f"its rejection is final: {OVERRIDE_DAYS} days have passed since its submission")
    if submission.status == "Rejected":
        raise ProviderError(_conflict(submission.status, decision.action))
    raise refusal
