"""What commands show of a review: its plan, and the question before it is carried out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from crowdops.config.settings import Settings
from crowdops.console import output
from crowdops.payments import pricing
from crowdops.payments import view as payments_view
from crowdops.registry import Run
from crowdops.review.decisions import DecisionPlan
from crowdops.review.review import ReviewPlan

HEADINGS = ("run", "task_name", "approve", "reject", "already so", "cannot", "to pay with fees")


def show_exported(settings: Settings, path: Path | None, count: int, not_collected: Sequence[str]) -> None:
    """Show what was written to a file for decisions, as JSON or in words."""
    if settings.as_json:
        output.document({"exported": count, "file": path, "not_collected": not_collected})
    elif not settings.quiet:
        output.say(f"{count} assignments wait for a decision.")


def decision_table(plan: DecisionPlan, runs: Sequence[Run]) -> None:
    """Write a line for each of these runs that is decided about, and one for what cannot be carried out."""
    actions: dict[str, Counter[str]] = {run.run_id: Counter() for run in runs}
    for planned in plan.due:
        actions[planned.result.run_id][planned.decision.action] += 1
    for planned in plan.done:
        actions[planned.result.run_id]["already"] += 1
    rows: list[tuple[object, ...]] = []
    for run in runs:
        counts = actions[run.run_id]
        if counts:
            cost = counts["approve"] * pricing.assignment_cost(run.parameters, run.environment)
            decided = (counts["approve"], counts["reject"], counts["already"])
            rows.append((run.run_id, run.task_name, *decided, "", f"${cost}"))
    if plan.failed:
        rows.append(("", "", "", "", "", len(plan.failed), ""))
    output.table(HEADINGS, rows)


def words(plan: ReviewPlan) -> str:
    """Return in words what a plan leaves alone, and which bonuses are due."""
    return f"{plan.words} {payments_view.bonus_words(plan.bonuses)}" if plan.bonuses.due else plan.words


def question(plan: ReviewPlan) -> tuple[str, str | None]:
    """Return what to ask before a plan is carried out, and the number to be typed if it rejects anything."""
    rejections = plan.decisions.rejections
    parts = (
        (len(plan.decisions.due) - rejections, "Approve {}"),
        (rejections, "REJECT {}"),
        (len(plan.bonuses.due), f"pay {{}} bonuses for ${plan.bonuses.total} with fees"),
        (len(plan.blocks), "soft-block {} workers"),
    )
    text = ", ".join(part.format(count) for count, part in parts if count) + "?"
    return (f"{text} Type the number of rejections", str(rejections)) if rejections else (text, None)
