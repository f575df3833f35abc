"""Paying bonuses: each exactly once, however often it is asked for.

A token counts for a day only, so the payments of the assignment are read before every sending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing

from crowdops import bulk
from crowdops.bulk import Action, BulkResult, Outcome
from crowdops.context import Context
from crowdops.errors import DuplicateToken, NotFound, Unreachable
from crowdops.payments import bonus_plans
from crowdops.payments.bonus_plans import DueBonus
from crowdops.payments.budgets import Budget
from crowdops.providers.mturk.client import Bonus, MTurk
from crowdops.registry import BonusRow, Registry


def pay(context: Context, bonuses: Sequence[DueBonus]) -> BulkResult[DueBonus]:
    """Pay bonuses side by side: one call to read what was paid for the assignment, one to pay.

    Safe to repeat and to interrupt at any moment. A bonus whose outcome stays unknown is among the
    failed, and is looked for the next time.
    """
    action = Action[DueBonus, bool](
        call=lambda due: _pay(context.provider, due.bonus),
        settle=lambda outcome: _settle(context.registry, outcome),
        explain=DueBonus.explain,
        intend=lambda due: _intend(context.registry, due),
    )
    return context.carry_out(action, bonuses, "paid")


def _intend(registry: Registry, due: DueBonus) -> None:
    """Write a bonus down. BudgetReached if its run has spent meanwhile what its max_cost had left for it."""
    has_wall = due.run.parameters.max_cost is not None
    with registry.transaction():
        if has_wall and bonus_plans.state_of(registry, due.bonus) != "sending":
            Budget(registry, due.run).take(due.price)
        registry.intend_bonus(due.bonus)


def _settle(registry: Registry, outcome: Outcome[DueBonus, bool]) -> bool:
    due, error = outcome.item, outcome.error
    if error and not isinstance(error, Unreachable | DuplicateToken):  # those may have been paid
        registry.fail_bonus(due.run.run_id, due.bonus, str(error))
    was_paid = outcome.get()
    registry.set_paid(due.run.run_id, due.bonus)
    return was_paid


def _pay(provider: MTurk, row: BonusRow) -> bool:
    """Pay a bonus. Returns whether it was paid before."""
    bonus = Bonus(row.assignment_id, row.worker_id, row.amount, row.reason)
    if _is_paid(provider, bonus):
        return True
    try:
        provider.send_bonus(bonus, row.token)
    except DuplicateToken as error:  # an answer was lost, and the call was sent again
        if not _is_paid(provider, bonus):
            raise DuplicateToken(
                "the endpoint says that it was paid, and does not list it yet: look again in a minute"
                f" ({error})"
            ) from error
    return False


def _is_paid(provider: MTurk, bonus: Bonus) -> bool:
    payments = provider.iter_bonuses(bonus.assignment_id)
    return any(payment._replace(reason=payment.reason.strip()) == bonus for payment in payments)


def recall(context: Context, hits: Mapping[str, str]) -> tuple[int, list[str]]:
    """Write down what was paid for the collected assignments of these HITs, given with their runs' ids.

    One call a HIT. Returns how many were not known, and a line for each HIT that could not be read. Safe to
    repeat.
    """
    new = 0

    def read(hit_id: str) -> list[Bonus]:
        try:
            return list(context.provider.iter_bonuses_of_hit(hit_id))
        except NotFound:  # it was deleted: nothing is paid for it any more
            return []

    def adopt(outcome: Outcome[str, list[Bonus]]) -> bool:
        nonlocal new
        twins: Counter[Bonus] = Counter()
        for payment in outcome.get():
            bonus = payment._replace(reason=payment.reason.strip())
            token = bonus_plans.token_of(bonus, twins[bonus])
            twins[bonus] += 1
            new += context.registry.adopt_bonus(hits[outcome.item], BonusRow(token, *bonus, state="paid"))
        return False

    action = Action(read, adopt, lambda hit_id, why: (hit_id, str(why)))
    with closing(context.working("HITs asked for bonuses", len(hits))) as line:
        result = bulk.carry_out(action, list(hits), threads=context.settings.threads, on_progress=line.update)
    return new, [f"The bonuses of HIT {hit_id} could not be read: {why}" for hit_id, why in result.failed]
