"""What commands show of a review: its plan, and the question before it is carried out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from crowdops.config.settings import Settings
from crowdops.console import columns, output
from crowdops.console.columns import Column
from crowdops.formats import words
from crowdops.payments import pricing
from crowdops.payments import view as payments_view
from crowdops.registry import Run
from crowdops.review.decisions import DecisionPlan
from crowdops.review.review import ReviewPlan


class RunDecisions(NamedTuple):
    """How many assignments of a run are to be approved and rejected, or are so already, and the cost.

    Without a run: how many cannot be decided about.
    """

    run: Run | None
    actions: Mapping[str, int]
    cannot: int | None = None
    cost: Decimal | None = None


def _count_of(action: str) -> Callable[[RunDecisions], object]:
    return lambda line: line.actions[action] if line.run else ""


DECISIONS: Sequence[Column[RunDecisions]] = [
    Column(None, "run", lambda line: line.run and line.run.run_id, is_id=True),
    Column(None, "task_name", lambda line: line.run and line.run.task_name),
    Column(None, "approve", _count_of("approve")),
    Column(None, "reject", _count_of("reject")),
    Column(None, "already so", _count_of("already")),
    Column(None, "cannot", lambda line: line.cannot),
    Column(None, "to pay with fees", lambda line: "" if line.cost is None else f"${line.cost}"),
]


def show_exported(settings: Settings, path: Path | None, count: int, not_collected: Sequence[str]) -> None:
    """Show what was written to a file for decisions, as JSON or in words."""
    if settings.as_json:
        output.document({"exported": count, "file": path, "not_collected": not_collected})
    elif not settings.quiet:
        wait = words.choose(count, "waits", "wait")
        output.say(f"{words.count(count, 'assignment')} {wait} for a decision.")


def decision_table(plan: DecisionPlan, runs: Sequence[Run]) -> None:
    """Write a line for each of these runs that is decided about, and one for what cannot be carried out."""
    actions: dict[str, Counter[str]] = {run.run_id: Counter() for run in runs}
    for planned in plan.due:
        actions[planned.result.run_id][planned.decision.action] += 1
    for planned in plan.done:
        actions[planned.result.run_id]["already"] += 1
    lines = []
    for run in runs:
        counts = actions[run.run_id]
        if counts:
            cost = counts["approve"] * pricing.assignment_cost(run.parameters, run.environment)
            lines.append(RunDecisions(run, counts, cost=cost))
    if plan.failed:
        lines.append(RunDecisions(None, {}, cannot=len(plan.failed)))
    columns.table(DECISIONS, lines)


def plan_words(plan: ReviewPlan) -> str:
    """Return in words what a plan leaves alone, and which bonuses are due."""
    return f"{plan.words} {payments_view.bonus_words(plan.bonuses)}" if plan.bonuses.due else plan.words


def question(plan: ReviewPlan) -> tuple[str, str | None]:
    """Return what to ask before a plan is carried out, and the number to be typed if it rejects anything."""
    rejections = plan.decisions.rejections
    approvals, bonuses = len(plan.decisions.due) - rejections, words.count(len(plan.bonuses.due), "bonus")
    parts = (
        (approvals, f"Approve {approvals}"),
        (rejections, f"REJECT {rejections}"),
        (len(plan.bonuses.due), f"pay {bonuses} for ${plan.bonuses.total} with fees"),
        (len(plan.blocks), f"soft-block {words.count(len(plan.blocks), 'worker')}"),
    )
    text = ", ".join(part for count, part in parts if count) + "?"
    return (f"{text} Type the number of rejections", str(rejections)) if rejections else (text, None)
