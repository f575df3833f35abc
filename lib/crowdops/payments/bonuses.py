"""Paying bonuses: each exactly once, however often it is asked for.

A token counts for a day only, so the payments of the assignment are read before every sending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from crowdops import bulk
from crowdops.bulk import Tally
from crowdops.console.interrupts import Interrupts
from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import DuplicateToken, Unreachable
from crowdops.payments import bonus_plans
from crowdops.payments.bonus_plans import Due
from crowdops.payments.budgets import Budget
from crowdops.providers.mturk.client import Bonus, MTurk
from crowdops.registry import BonusRow, Registry

PRESS_NOTE = "Stopping: the payments under way are finished."


def pay(context: Context, due: Sequence[Due], *, progress: Progress) -> Tally[Due]:
    """Pay bonuses side by side: one call to read what was paid for the assignment, one to pay.

    Safe to repeat and to interrupt at any moment. When an outcome stays unknown the bonus is among the
    failed, and the next time it is settled by reading.
    """
    tally: Tally[Due] = Tally()
    waiting = {each.bonus.token: each for each in due}

    def intended() -> Iterator[Due]:
        for each in due:
            if refusal := _intend(context.registry, each):
                del waiting[each.bonus.token]
                tally.failed.append(each.explain(refusal))
            else:
                yield each

    def send(each: Due) -> _Settled:
        return _pay(context.provider, each.bonus)

    with Interrupts() as presses:
        presses.note = lambda count: PRESS_NOTE
        calls = bulk.each(send, intended(), threads=context.settings.threads, stop=lambda: presses.count > 0)
        for number, outcome in enumerate(calls, start=1):
            del waiting[outcome.item.bonus.token]
            _enter(context.registry, tally, outcome)
            progress.update(number)
        tally.interrupted = presses.count > 0 and bool(waiting)
    progress.close()
    tally.add_untried(each.bonus.assignment_id for each in waiting.values())
    return tally


def _intend(registry: Registry, due: Due) -> str | None:
    """Write a bonus down. Returns why not, if the run has spent meanwhile what its max_cost had left for it."""
    run = registry.run(due.run_id)
    assert run is not None
    has_wall = run.parameters.max_cost is not None
    with registry.together():
        if has_wall and bonus_plans.state_of(registry, due.bonus) != "sending":
            budget, price = Budget(registry, run), bonus_plans.price_of(due.bonus, run)
            if not budget.take(price):
                return budget.refusal(price)
        registry.intend_bonus(due.bonus)
    return None


def _enter(registry: Registry, tally: Tally[Due], outcome: bulk.Outcome[Due, _Settled]) -> None:
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


def recall(context: Context, hits: Mapping[str, str]) -> tuple[int, list[str]]:
    """Write down what was paid for the collected assignments of these HITs, given with their runs' ids.

    One call a HIT. Returns how many were not known, and a line for each HIT that could not be read. Safe to repeat.
    """
    new, failures = 0, []

    def read(hit_id: str) -> list[Bonus]:
        return list(context.provider.iter_bonuses_of_hit(hit_id))

    for outcome in bulk.each(read, hits, threads=context.settings.threads):
        if outcome.result is None:
            failures.append(f"The bonuses of HIT {outcome.item} could not be read: {outcome.error}")
            continue
        twins: Counter[Bonus] = Counter()
        for paid in outcome.result:
            bonus = paid._replace(reason=paid.reason.strip())
            token = bonus_plans.token_of(bonus, twins[bonus])
            twins[bonus] += 1
            new += context.registry.adopt_bonus(hits[outcome.item], BonusRow(token, *bonus, "paid"))
    return new, failures
