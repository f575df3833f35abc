"""Which bonuses are due: those of a file, and those that decisions ask for.

A bonus is its assignment, its worker, its amount and its reason: the token is a hash of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from crowdops.bulk import trouble
from crowdops.errors import UsageError
from crowdops.formats import csv_files, marks
from crowdops.payments import pricing
from crowdops.payments.budgets import Budgets
from crowdops.providers.mturk.client import Bonus
from crowdops.registry import BonusRow, Registry, Run
from crowdops.registry.rows import mismatch
from crowdops.workers.messages import text_problem

REQUIRED = ("assignment_id", "worker_id", "amount", "reason")


REASON_LENGTH = 1024


PLAN_HEADERS = ("run", "task_name", "bonuses", "amount", "fees", "paid already")


class Due(NamedTuple):
    """A bonus that somebody asked for."""

    row: int | None
    run_id: str
    bonus: BonusRow

    def explain(self, why: object) -> tuple[str, str]:
        """Return why it failed, as the report shows it."""
        return trouble(self.bonus.assignment_id, self.row, why)


class Plan(NamedTuple):
    """What is to be paid, what is paid already, and what cannot be."""

    due: list[Due]
    paid: list[Due]
    failed: list[tuple[str, str]]

    def describe(self, environment: str) -> str:
        """Return in words what is due."""
        return f"{len(self.due)} bonuses for ${self.total(environment)} with fees."

    def total(self, environment: str) -> Decimal:
        """Return what it costs, fees included."""
        return sum(
            (each.bonus.amount + pricing.bonus_fee(each.bonus.amount, environment) for each in self.due),
            Decimal(0),
        )


class FileBonus(NamedTuple):
    """A row of a bonus file; `trouble` says why it cannot be paid."""

    row: int
    assignment_id: str
    worker_id: str
    amount: Decimal
    reason: str
    trouble: str | None


def read(path: Path) -> list[FileBonus]:
    """Return the rows of a bonus file. UsageError for a file that cannot be trusted.

    Two equal rows are one bonus by our rule and two by their writer's: neither is guessed.
    """
    found: list[FileBonus] = []
    rows: dict[tuple[str, str, Decimal, str], int] = {}
    for row in csv_files.read(path, REQUIRED):
        bonus = _read(row)
        twin = rows.setdefault(bonus[1:5], bonus.row) if not bonus.trouble else bonus.row
        if twin != bonus.row:
            raise UsageError(
                f"{path}: row {bonus.row} is the same bonus as row {twin}. If it is meant twice, give it"
                " another reason. Nothing was paid."
            )
        found.append(bonus)
    return found


def _read(row: csv_files.Row) -> FileBonus:
    amount, problem, reason = Decimal(0), None, row.text("reason")
    try:
        amount = csv_files.money(row.text("amount"))
    except ValueError as error:
        problem = str(error)
    return FileBonus(
        *(row.number, row.text("assignment_id"), row.text("worker_id"), amount, reason),
        trouble=problem or _reason_trouble(reason),
    )


def _reason_trouble(reason: str) -> str | None:
    if not reason:
        return "a bonus needs a reason: the worker reads it"
    return text_problem("reason", reason, REASON_LENGTH)


def plan_file(registry: Registry, rows: Iterable[FileBonus], runs: Sequence[Run]) -> Plan:
    """Check the rows of a bonus file against what has been collected of these runs. No API call."""
    plan, chosen = Plan([], [], []), {run.run_id: run for run in runs}
    budgets = Budgets(registry)
    for row in rows:
        found = [result for result in registry.results_of(row.assignment_id) if result.run_id in chosen]
        if problem := row.trouble or mismatch(found, row.worker_id):
            plan.failed.append(trouble(row.assignment_id, row.row, problem))
            continue
        due = _due(row.row, found[0].run_id, row.assignment_id, row.worker_id, row.amount, row.reason)
        _sort(registry, plan, due, chosen[due.run_id], budgets)
    return plan


def _due(row: int | None, run_id: str, assignment: str, worker: str, amount: Decimal, reason: str) -> Due:
    token = token_of(Bonus(assignment, worker, amount, reason))
    return Due(row, run_id, BonusRow(token, assignment, worker, amount, reason, "sending"))


def token_of(bonus: Bonus, twin: int = 0) -> str:
    """Return the token of a bonus. `twin` tells apart what others have paid alike, which we never do."""
    nth = f":{twin}" if twin else ""
    return marks.token("bonus", bonus.assignment_id, f"{bonus.worker_id}:{bonus.amount}:{bonus.reason}{nth}")


def _sort(registry: Registry, plan: Plan, due: Due, run: Run, budgets: Budgets) -> None:
    state = state_of(registry, due.bonus)
    if state == "paid":
        plan.paid.append(due)
        return
    budget, price = budgets.of(run), price_of(due.bonus, run)
    if state != "sending" and not budget.take(price):  # what may have been sent is in the sum already
        plan.failed.append(due.explain(budget.refusal(price)))
    else:
        plan.due.append(due)


def state_of(registry: Registry, bonus: BonusRow) -> str | None:
    """Return what the registry knows of a bonus: sending, paid, failed, or None for nothing."""
    known = {found.token: found.state for found in registry.bonuses(bonus.assignment_id, bonus.worker_id)}
    return known.get(bonus.token)


def price_of(bonus: BonusRow, run: Run) -> Decimal:
    """Return what a bonus costs its run, fee included. Dollars."""
    return bonus.amount + pricing.bonus_fee(bonus.amount, run.environment)


def plan_rows(plan: Plan, runs: Sequence[Run]) -> list[tuple[object, ...]]:
    """Return the rows of a plan under PLAN_HEADERS, for the runs that it is about."""
    rows: list[tuple[object, ...]] = []
    for run in runs:
        amounts = [each.bonus.amount for each in plan.due if each.run_id == run.run_id]
        paid = sum(each.run_id == run.run_id for each in plan.paid)
        if amounts or paid:
            fees = sum((pricing.bonus_fee(amount, run.environment) for amount in amounts), Decimal(0))
            total = sum(amounts, Decimal(0))
            rows.append((run.run_id, run.task_name, len(amounts), f"${total}", f"${fees}", paid))
    return rows


def others_paid(registry: Registry, plan: Plan) -> list[BonusRow]:
    """Return bonuses that the assignments of a plan have got beside it: a reason to look twice."""
    tokens = {each.bonus.token for each in (*plan.due, *plan.paid)}
    keys = {(each.bonus.assignment_id, each.bonus.worker_id) for each in plan.due}
    found = [bonus for key in keys for bonus in registry.bonuses(*key)]
    return [bonus for bonus in found if bonus.state == "paid" and bonus.token not in tokens]


def describe(registry: Registry, plan: Plan, environment: str) -> str:
    """Return the total of a plan in words, and what deserves a second look."""
    words = plan.describe(environment)
    if others := others_paid(registry, plan):
        total = sum((bonus.amount for bonus in others), Decimal(0))
        words += f" Their assignments have got {len(others)} other bonuses before, ${total} in all."
    return words
