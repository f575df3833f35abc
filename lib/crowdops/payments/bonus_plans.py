"""Which bonuses are due: those of a file, and those that decisions ask for.

A bonus is its assignment, its worker, its amount and its reason: the token is a hash of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from crowdops.bulk import BulkResult, in_row
from crowdops.errors import BudgetReached, UsageError
from crowdops.formats import csv_files, marks, money
from crowdops.payments import pricing
from crowdops.payments.budgets import Budgets
from crowdops.providers.mturk.client import Bonus
from crowdops.registry import BonusRow, Registry, Run, selection
from crowdops.workers.messages import text_problem

REQUIRED = ("assignment_id", "worker_id", "amount", "reason")
REASON_LENGTH = 1024


class DueBonus(NamedTuple):
    """A bonus that somebody asked for; `row` is its row in a file, if it came from one."""

    row: int | None
    run: Run
    bonus: BonusRow

    @classmethod
    def of(cls, row: int | None, run: Run, bonus: Bonus) -> DueBonus:
        """Return a bonus that is to be paid by a run."""
        return cls(row, run, BonusRow(token_of(bonus), *bonus, state="sending"))

    @property
    def key(self) -> tuple[str, str]:
        """The assignment and its worker."""
        return self.bonus.assignment_id, self.bonus.worker_id

    @property
    def price(self) -> Decimal:
        """What it costs its run, fee included. Dollars."""
        return pricing.bonus_cost([self.bonus.amount], self.run.environment)

    def explain(self, why: object) -> tuple[str, str]:
        """Return why it failed, as the report shows it."""
        return in_row(self.bonus.assignment_id, self.row, why)


class BonusPlan(NamedTuple):
    """What is to be paid, what is paid already, and what cannot be."""

    due: list[DueBonus]
    paid: list[DueBonus]
    failed: list[tuple[str, str]]

    @property
    def total(self) -> Decimal:
        """What it costs, fees included."""
        return sum((bonus.price for bonus in self.due), Decimal(0))

    @property
    def known(self) -> BulkResult[Any]:
        """What comes of it without a call: what is so already, and what cannot be."""
        return BulkResult(already=len(self.paid), failed=self.failed)


class FileBonus(NamedTuple):
    """A row of a bonus file; `problem` says why it cannot be paid."""

    row: int
    bonus: Bonus
    problem: str | None


def token_of(bonus: Bonus, twin: int = 0) -> str:
    """Return the token of a bonus. `twin` tells apart what others have paid alike, which we never do."""
    nth = f":{twin}" if twin else ""
    return marks.token("bonus", bonus.assignment_id, f"{bonus.worker_id}:{bonus.amount}:{bonus.reason}{nth}")


def read(path: Path) -> list[FileBonus]:
    """Return the rows of a bonus file. UsageError for a file that cannot be trusted.

    Two equal rows are one bonus by our rule and two by their writer's: neither is guessed.
    """
    bonuses: list[FileBonus] = []
    rows: dict[Bonus, int] = {}
    for row in csv_files.read(path, REQUIRED):
        bonus = _read(row)
        twin = bonus.row if bonus.problem else rows.setdefault(bonus.bonus, bonus.row)
        if twin != bonus.row:
            raise UsageError(
                f"{path}: row {bonus.row} is the same bonus as row {twin}. If it is meant twice, give it"
                " another reason. Nothing was paid."
            )
        bonuses.append(bonus)
    return bonuses


def _read(row: csv_files.Row) -> FileBonus:
    amount, problem, reason = Decimal(0), None, row.text("reason")
    try:
        amount = money.dollars(row.text("amount"))
    except ValueError as error:
        problem = str(error)
    bonus = Bonus(row.text("assignment_id"), row.text("worker_id"), amount, reason)
    return FileBonus(row.number, bonus, problem or _reason_problem(reason))


def _reason_problem(reason: str) -> str | None:
    if not reason:
        return "a bonus needs a reason: the worker reads it"
    return text_problem("reason", reason, REASON_LENGTH)


def plan_file(registry: Registry, rows: Iterable[FileBonus], runs: Sequence[Run]) -> BonusPlan:
    """Check the rows of a bonus file against what has been collected of these runs. No API call."""
    plan, budgets = BonusPlan([], [], []), Budgets(registry)
    by_id = {run.run_id: run for run in runs}
    for row, bonus, problem in rows:
        try:
            if problem:
                raise UsageError(problem)
            result = selection.find_result(registry, by_id, bonus.assignment_id, bonus.worker_id)
        except UsageError as error:
            plan.failed.append(in_row(bonus.assignment_id, row, error))
        else:
            _add(plan, DueBonus.of(row, by_id[result.run_id], bonus), registry, budgets)
    return plan


def plan_review(registry: Registry, bonuses: Iterable[DueBonus], budgets: Budgets) -> BonusPlan:
    """Check the bonuses that decisions ask for. An assignment gets one bonus by review. No API call.

    `budgets` are what the decisions themselves leave of each max_cost.
    """
    plan = BonusPlan([], [], [])
    for due in bonuses:
        bonus = due.bonus
        others = [
            other.amount
            for other in registry.bonuses(*due.key)
            if other.reason == bonus.reason and other.amount != bonus.amount and other.state != "failed"
        ]
        if others:
            why = f"its review gave it ${others[0]} already; pay a further bonus with pay_bonuses"
            plan.failed.append(due.explain(why))
        else:
            _add(plan, due, registry, budgets)
    return plan


def _add(plan: BonusPlan, due: DueBonus, registry: Registry, budgets: Budgets) -> None:
    state = state_of(registry, due.bonus)
    if state == "paid":
        plan.paid.append(due)
        return
    try:
        if state != "sending":  # what may have been sent is in the sum already
            budgets.of(due.run).take(due.price)
    except BudgetReached as error:
        plan.failed.append(due.explain(error))
    else:
        plan.due.append(due)


def state_of(registry: Registry, bonus: BonusRow) -> str | None:
    """Return what the registry knows of a bonus: sending, paid, failed, or None for nothing."""
    known = registry.bonuses(bonus.assignment_id, bonus.worker_id)
    return next((other.state for other in known if other.token == bonus.token), None)


def others_paid(registry: Registry, plan: BonusPlan) -> list[BonusRow]:
    """Return bonuses that the assignments of a plan have got beside it: a reason to look twice."""
    tokens = {due.bonus.token for due in (*plan.due, *plan.paid)}
    keys = {due.key for due in plan.due}
    known = [bonus for key in keys for bonus in registry.bonuses(*key)]
    return [bonus for bonus in known if bonus.state == "paid" and bonus.token not in tokens]
