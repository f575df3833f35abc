"""What a report says at first sight: the end, the cost, the pay, and how far the answers can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from crowdops.reporting import words
from crowdops.reporting.agreement import Agreement, FieldAgreement
from crowdops.reporting.approval import Approval
from crowdops.reporting.costs import Costs
from crowdops.reporting.outcome import RunOutcome
from crowdops.reporting.pay import Pay
from crowdops.reporting.report import Report
from crowdops.reporting.worker_table import WorkerRow

RELIABLE, TENTATIVE = 0.8, 0.667  # alpha from which Krippendorff would draw conclusions, and cautious ones
GOLD_GOOD, GOLD_POOR = 0.9, 0.75  # shares of gold answers that are right


class Part(NamedTuple):
    """A part of a meter: a share from 0 to 1, and its class in the style sheet."""

    share: float
    kind: str


class Tile(NamedTuple):
    """A question, its answer, a judgement in words, and what it rests on.

    `tone` is good, fair, poor or plain. The meter's parts add up to 1 at most.
    """

    question: str
    answer: str
    judgement: str
    tone: str
    details: Sequence[str]
    meter: Sequence[Part] = ()


def tiles(report: Report) -> list[Tile]:
    """Return the four answers."""
    return [
        outcome(report.runs, report.approval),
        cost(report.costs),
        pay(report.pay),
        trust(report.agreement, report.workers),
    ]


def outcome(runs: Sequence[RunOutcome], approval: Approval) -> Tile:
    """Return whether the runs are at their end, and how much of the work was done and found good."""
    units = sum(sum(run.tally[:5]) for run in runs)
    answered = sum(run.tally.answered for run in runs)
    answers = sum(run.tally.answers for run in runs)
    asked = sum(run.tally.asked for run in runs)
    answer, judgement, tone = _ending(runs)
    rejected = f", {words.count(approval.rejected)} rejected" if approval.rejected else ""
    if tone == "good" and rejected and not (approval.approved or approval.waiting):
        judgement, tone = "every answer was rejected", "poor"
    details = [
        f"{words.count(answered)} of {words.plural(units, 'unit')} answered",
        f"{words.count(answers)} of {words.plural(asked, 'answer')} in{rejected}",
    ]
    meter = [Part(min(1.0, answers / asked), "done")] if asked else []
    return Tile("Did it finish?", answer, judgement, tone, details, meter)


def _ending(runs: Sequence[RunOutcome]) -> tuple[str, str, str]:
    """Return an answer, a judgement and a tone."""
    crashed = sum(run.condition == "crashed" for run in runs)
    alive = sum(run.condition in ("attended", "detached") for run in runs)
    failed = sum(run.state == "failed" for run in runs)
    among = f"{{}} of {len(runs)} runs" if len(runs) > 1 else ""
    if crashed:
        return "No", f"{among.format(crashed)} crashed".strip(), "poor"
    if alive:
        return "Not yet", f"{among.format(alive)} under way".strip(), "plain"
    if failed:
        return "No", f"{among.format(failed)} failed".strip(), "poor"
    if not runs:
        return "No runs", "", "plain"
    if any(run.tally.is_short for run in runs):
        return "Partly", "ended with work undone", "fair"
    return "Yes", "all work done", "good"


def cost(costs: Costs) -> Tile:
    """Return what was spent, against the budget, and what may come."""
    to_come = max(Decimal(0), costs.bound - costs.spent)
    details = []
    if to_come:
        details.append(f"{words.money(to_come)} more if all that is out is approved")
    beside = {"bonuses": costs.bonuses, "fees": costs.fees + costs.bonus_fees}
    parts = [f"{name} {words.money(amount)}" for name, amount in beside.items() if amount]
    if parts:
        details.append(f"with {' and '.join(parts)}")
    if costs.budget is None:
        return Tile("What did it cost?", words.money(costs.spent), "no max_cost is set", "plain", details)
    against = f"within {words.money(costs.budget)} max_cost"
    is_over = costs.bound > costs.budget
    judgement, tone = (f"over {words.money(costs.budget)} max_cost", "poor") if is_over else (against, "good")
    return Tile("What did it cost?", words.money(costs.spent), judgement, tone, details, _budget_meter(costs))


def _budget_meter(costs: Costs) -> list[Part]:
    whole = max(costs.budget or Decimal(0), costs.bound, costs.spent)
    if not whole:
        return []
    to_come = max(Decimal(0), costs.bound - costs.spent)
    return [Part(float(costs.spent / whole), "done"), Part(float(to_come / whole), "to-come")]


def pay(pay: Pay) -> Tile:
    """Return what workers got an hour, in the middle and at the lower quartile, against line and floor."""
    question, spread = "Were people paid decently?", pay.by_worker
    limits = f"line {words.money(pay.line)}, floor {words.money(pay.floor)}"
    if spread is None:
        return Tile(question, "Not known", "", "plain", ["no paid work with a time on it", limits])
    answer = f"{words.money(spread.median)}/hour"
    details = [f"median; lower quartile {words.money(spread.lower_quartile)}", limits]
    if pay.below_line:
        details.append(
            f"{words.count(pay.below_line)} of {words.plural(spread.number, 'worker')} below the line"
        )
    if spread.median < pay.floor and pay.floor <= pay.line:
        return Tile(question, answer, "No: below the floor", "poor", details)
    if spread.median < pay.line:
        return Tile(question, answer, "Not quite: below the line", "fair", details)
    if spread.lower_quartile < pay.line:
        return Tile(question, answer, "Most: a quarter is below the line", "fair", details)
    return Tile(question, answer, "Yes: above the line", "good", details)


def trust(agreement: Agreement, workers: Sequence[WorkerRow]) -> Tile:
    """Return how far answers match gold ones, where there are any; else how far workers agree."""
    question = "Can the answers be trusted?"
    details = [_agreement_words(field) for field in _weakest_first(agreement.fields)[:2]]
    answered = sum(worker.gold_answered for worker in workers)
    if answered:
        share = sum(worker.gold_right for worker in workers) / answered
        tone = "good" if share >= GOLD_GOOD else "fair" if share >= GOLD_POOR else "poor"
        said = {"good": "Yes", "fair": "With care", "poor": "No"}[tone]
        return Tile(question, f"{words.percent(share)} right", f"{said}: by gold answers", tone, details)
    comparable = _weakest_first(agreement.fields)
    if not comparable:
        has_text = any(field.units for field in agreement.fields)
        why = "only free text, which has no agreement" if has_text else "no unit has two answers to compare"
        return Tile(question, "Not known", "", "plain", [why, "gold answers would tell: --gold FILE"])
    return _by_agreement(question, comparable[0], len(comparable), details)


def _by_agreement(question: str, weakest: FieldAgreement, fields: int, details: Sequence[str]) -> Tile:
    where = "weakest field, " if fields > 1 else ""
    if weakest.alpha is None:
        return Tile(question, "All alike", "Yes: everybody gave the same answers", "good", details)
    answer = f"alpha {words.alpha(weakest.alpha)}"
    if weakest.alpha >= RELIABLE:
        return Tile(question, answer, f"Yes: {where}agreement is good", "good", details)
    if weakest.alpha >= TENTATIVE:
        return Tile(question, answer, f"With care: {where}agreement is fair", "fair", details)
    return Tile(question, answer, f"Doubtful: {where}agreement is poor", "poor", details)


def _weakest_first(fields: Sequence[FieldAgreement]) -> list[FieldAgreement]:
    """Return the fields whose answers can be compared: choices, not free text."""
    comparable = [field for field in fields if field.percent is not None and field.is_choice]
    return sorted(comparable, key=lambda field: 1.0 if field.alpha is None else field.alpha)


def _agreement_words(field: FieldAgreement) -> str:
    alpha = "" if field.alpha is None else f", alpha {words.alpha(field.alpha)}"
    return f"{field.field}: {words.percent(field.percent or 0)} agree{alpha}"
