"""Bonuses: each is paid exactly once, however often it is asked for.

A bonus is its assignment, its worker, its amount and its reason: the token is a hash of these. A token
counts for a day only, so the payments of the assignment are read before every sending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from crowdops import marks, parallel, payments, spreadsheets
from crowdops.budgets import Budget, Budgets
from crowdops.errors import DuplicateToken, Unreachable, UsageError
from crowdops.interrupts import Interrupts
from crowdops.output import Progress
from crowdops.parameters import Parameters
from crowdops.providers.mturk import Bonus, MTurk
from crowdops.registry import BonusRow, Registry, Run
from crowdops.tallies import Tally, trouble
from crowdops.verdicts import Item, mismatch

REQUIRED = ("assignment_id", "worker_id", "amount", "reason")
REASON_LENGTH = 1024
PLAN_HEADERS = ("run", "task_name", "bonuses", "amount", "fees", "paid already")
PRESS_NOTE = "Stopping: the payments under way are finished."


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

    def total(self, environment: str) -> Decimal:
        """Return what it costs, fees included."""
        return sum(
            (each.bonus.amount + payments.bonus_fee(each.bonus.amount, environment) for each in self.due),
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
    for row in spreadsheets.read(path, REQUIRED):
        bonus = _read(row)
        twin = rows.setdefault(bonus[1:5], bonus.row) if not bonus.trouble else bonus.row
        if twin != bonus.row:
            raise UsageError(
                f"{path}: row {bonus.row} is the same bonus as row {twin}. If it is meant twice, give it"
                " another reason. Nothing was paid."
            )
        found.append(bonus)
    return found


def _read(row: spreadsheets.Row) -> FileBonus:
    amount, problem, reason = Decimal(0), None, row.text("reason")
    try:
        amount = spreadsheets.money(row.text("amount"))
    except ValueError as error:
        problem = str(error)
    return FileBonus(
        *(row.number, row.text("assignment_id"), row.text("worker_id"), amount, reason),
        trouble=problem or _reason_trouble(reason),
    )


def _reason_trouble(reason: str) -> str | None:
    if not reason:
        return "a bonus needs a reason: the worker reads it"
    if len(reason) > REASON_LENGTH:
        return f"the reason has {len(reason)} characters; at most {REASON_LENGTH} are allowed"
    if any(c < " " and c not in "\t\n\r" for c in reason):
        return "the reason holds control characters"
    return None


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


def plan_review(registry: Registry, items: Iterable[Item], runs: Mapping[str, Run]) -> Plan:
    """Return the bonuses that belong to decisions. An assignment gets one bonus by review."""
    plan = Plan([], [], [])
    budgets = Budgets(registry)
    for item in items:
        amount, result = item.decision.bonus, item.result
        if amount is None:
            continue
        run, assignment = runs[result.run_id], result.assignment
        reason = f"A bonus for your work: {Parameters.from_json(run.parameters).task_title}"
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


def _due(row: int | None, run_id: str, assignment: str, worker: str, amount: Decimal, reason: str) -> Due:
    token = _token(Bonus(assignment, worker, amount, reason))
    return Due(row, run_id, BonusRow(token, assignment, worker, amount, reason, "sending"))


def _token(bonus: Bonus, twin: int = 0) -> str:
    """Return the token of a bonus. `twin` tells apart what others have paid alike, which we never do."""
    nth = f":{twin}" if twin else ""
    return marks.token("bonus", bonus.assignment_id, f"{bonus.worker_id}:{bonus.amount}:{bonus.reason}{nth}")


def _sort(registry: Registry, plan: Plan, due: Due, run: Run, budgets: Budgets) -> None:
    state = _state(registry, due.bonus)
    if state == "paid":
        plan.paid.append(due)
        return
    budget, price = budgets.of(run), _price(due.bonus, run)
    if state != "sending" and not budget.take(price):  # what may have been sent is in the sum already
        plan.failed.append(due.explain(budget.refusal(price)))
    else:
        plan.due.append(due)


def _state(registry: Registry, bonus: BonusRow) -> str | None:
    """Return what the registry knows of a bonus: sending, paid, failed, or None for nothing."""
    known = {found.token: found.state for found in registry.bonuses(bonus.assignment_id, bonus.worker_id)}
    return known.get(bonus.token)


def _price(bonus: BonusRow, run: Run) -> Decimal:
    return bonus.amount + payments.bonus_fee(bonus.amount, run.environment)


def pay(
    registry: Registry,
    provider: MTurk,
    due: Sequence[Due],
    *,
    threads: int,
    progress: Progress,
) -> Tally[Due]:
    """Pay bonuses side by side: one call to read what was paid for the assignment, one to pay.

    Safe to repeat and to interrupt at any moment. When an outcome stays unknown the bonus is among the
    failed, and the next time it is settled by reading.
    """
    tally: Tally[Due] = Tally()
    waiting = {each.bonus.token: each for each in due}

    def intended() -> Iterator[Due]:
        for each in due:
            if refusal := _intend(registry, each):
                del waiting[each.bonus.token]
                tally.failed.append(each.explain(refusal))
            else:
                yield each

    def send(each: Due) -> _Settled:
        return _pay(provider, each.bonus)

    with Interrupts() as presses:
        presses.note = lambda count: PRESS_NOTE
        calls = parallel.each(send, intended(), threads=threads, stop=lambda: presses.count > 0)
        for number, outcome in enumerate(calls, start=1):
            del waiting[outcome.item.bonus.token]
            _enter(registry, tally, outcome)
            progress.update(number, "paid")
        tally.interrupted = presses.count > 0 and bool(waiting)
    progress.close()
    tally.add_untried(each.bonus.assignment_id for each in waiting.values())
    return tally


def _intend(registry: Registry, due: Due) -> str | None:
    """Write a bonus down. Returns why not, if the run has spent meanwhile what its max_cost had left for it."""
    run = registry.run(due.run_id)
    assert run is not None
    has_wall = Parameters.from_json(run.parameters).max_cost is not None
    with registry.together():
        if has_wall and _state(registry, due.bonus) != "sending":
            budget, price = Budget(registry, run), _price(due.bonus, run)
            if not budget.take(price):
                return budget.refusal(price)
        registry.intend_bonus(due.bonus)
    return None


def _enter(registry: Registry, tally: Tally[Due], outcome: parallel.Outcome[Due, _Settled]) -> None:
    due = outcome.item
    if outcome.result is not None:
        registry.settle_bonus(due.run_id, due.bonus)
        tally.settled.append(due)
        tally.already += outcome.result.was_so
        return
    if not isinstance(outcome.error, Unreachable | DuplicateToken):  # those may have been paid
        registry.fail_bonus(due.bonus.token, str(outcome.error))
    tally.failed.append(due.explain(outcome.error))


class _Settled(NamedTuple):
    was_so: bool


def _pay(provider: MTurk, bonus: BonusRow) -> _Settled:
    wanted = Bonus(bonus.assignment_id, bonus.worker_id, bonus.amount, bonus.reason)
    if _is_paid(provider, wanted):
        return _Settled(was_so=True)
    try:
        provider.send_bonus(wanted, bonus.token)
    except DuplicateToken as error:  # an answer was lost, and the call was sent again
        if not _is_paid(provider, wanted):
            raise DuplicateToken(
                f"the endpoint says that it was paid, and does not list it yet: look again in a minute ({error})"
            ) from error
    return _Settled(was_so=False)


def _is_paid(provider: MTurk, wanted: Bonus) -> bool:
    return any(
        (paid.worker_id, paid.amount, paid.reason.strip()) == (wanted.worker_id, wanted.amount, wanted.reason)
        for paid in provider.iter_bonuses(wanted.assignment_id)
    )


def recall(
    registry: Registry, provider: MTurk, hits: Mapping[str, str], *, threads: int
) -> tuple[int, list[str]]:
    """Write down what was paid for the collected assignments of these HITs, given with their runs' ids.

    One call a HIT. Returns how many were not known, and a line for each HIT that could not be read. Safe to repeat.
    """
    new, failures = 0, []

    def read(hit_id: str) -> list[Bonus]:
        return list(provider.iter_bonuses_of_hit(hit_id))

    for outcome in parallel.each(read, hits, threads=threads):
        if outcome.result is None:
            failures.append(f"The bonuses of HIT {outcome.item} could not be read: {outcome.error}")
            continue
        twins: Counter[Bonus] = Counter()
        for paid in outcome.result:
            bonus = paid._replace(reason=paid.reason.strip())
            token = _token(bonus, twins[bonus])
            twins[bonus] += 1
            new += registry.adopt_bonus(hits[outcome.item], BonusRow(token, *bonus, "paid"))
    return new, failures


def plan_rows(plan: Plan, runs: Sequence[Run]) -> list[tuple[object, ...]]:
    """Return the rows of a plan under PLAN_HEADERS, for the runs that it is about."""
    rows: list[tuple[object, ...]] = []
    for run in runs:
        amounts = [each.bonus.amount for each in plan.due if each.run_id == run.run_id]
        paid = sum(each.run_id == run.run_id for each in plan.paid)
        if amounts or paid:
            fees = sum((payments.bonus_fee(amount, run.environment) for amount in amounts), Decimal(0))
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
    words = f"{len(plan.due)} bonuses for ${plan.total(environment)} with fees."
    if others := others_paid(registry, plan):
        total = sum((bonus.amount for bonus in others), Decimal(0))
        words += f" Their assignments have got {len(others)} other bonuses before, ${total} in all."
    return words
