"""What commands show of money: the account's figures, and plans of bonuses and compensations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from crowdops.config.settings import Settings
from crowdops.console import columns, times
from crowdops.console.columns import Column, Show
from crowdops.formats import words
from crowdops.payments import account, bonus_plans
from crowdops.payments.account import Figures, RunFigures
from crowdops.payments.bonus_plans import BonusPlan
from crowdops.payments.budgets import Raise
from crowdops.payments.compensation_plans import Makeup, MakeupPlan
from crowdops.providers.mturk.client import Balance
from crowdops.registry import Registry, Run


class AccountRow(NamedTuple):
    """The figures of a run, or of several: then `run` says how many."""

    task_name: str
    run: str
    figures: Figures


def _money(
    key: str, heading: str, amount: Callable[[Figures], Decimal], show: Show = Show.ALWAYS
) -> Column[Figures]:
    return Column(
        key,
        heading,
        lambda figures: f"{amount(figures):.2f}",
        lambda figures: f"${amount(figures):.2f}",
        show,
    )


def _next_auto_approval(figures: Figures) -> datetime | None:
    moment = figures.next_auto_approval
    return None if moment is None else datetime.fromisoformat(moment)


_FIGURES: Sequence[Column[Figures]] = [
    Column("approved", "approved", lambda figures: figures.approved, show=Show.WIDE),
    _money("rewards", "rewards", lambda figures: figures.rewards, Show.WIDE),
    _money("fees", "fees", lambda figures: figures.fees, Show.WIDE),
    _money("bonuses", "bonuses", lambda figures: figures.bonuses, Show.WIDE),
    _money("bonus_fees", "bonus fees", lambda figures: figures.bonus_fees, Show.WIDE),
    _money("spent", "spent", lambda figures: figures.spent),
    Column("unreviewed", "not reviewed", lambda figures: figures.unreviewed),
    _money("unreviewed_cost", "their cost", lambda figures: figures.unreviewed_cost, Show.WIDE),
    Column("next_auto_approval", "next auto-approval", _next_auto_approval),
    _money("to_spend", "still to spend", lambda figures: figures.to_spend),
]


def _of_figures(column: Column[Figures]) -> Column[AccountRow]:
    shown = column.cell or column.value
    return Column(None, column.heading, lambda line: shown(line.figures), show=column.show)


ACCOUNT: Sequence[Column[AccountRow]] = [
    Column(None, "task_name", lambda line: line.task_name),
    Column(None, "run", lambda line: line.run, is_id=True),
    *map(_of_figures, _FIGURES),
]


RAISE: Sequence[Column[Raise]] = [
    Column("run_id", "run", lambda planned: planned.run.run_id, is_id=True),
    Column("task_name", "task_name", lambda planned: planned.run.task_name),
    Column("state", "state", lambda planned: planned.run.state),
    Column("bound", "bound", lambda planned: planned.bound, lambda planned: f"${planned.bound}"),
    Column("before", "max_cost", lambda planned: planned.before, lambda planned: f"${planned.before}"),
    Column("max_cost", "raised to", lambda planned: planned.after, lambda planned: f"${planned.after}"),
]


def raise_words(planned: Raise, *, is_raised: bool) -> str:
    """Return what came of raising a max_cost."""
    if planned.is_done:
        return f"It is ${planned.after} already."
    return f"It may cost ${planned.after} now." if is_raised else "Nothing was changed."


def account_table(runs: Sequence[RunFigures]) -> None:
    """Write a line for each run, each task_name with several runs, and all."""
    columns.table(ACCOUNT, _rows(runs))


def _rows(runs: Sequence[RunFigures]) -> Iterator[AccountRow]:
    for task_name, group in account.by_task_name(runs).items():
        for run in group:
            yield AccountRow(task_name, run.run.run_id, run.figures)
        if len(group) > 1:
            yield AccountRow(task_name, words.count(len(group), "run"), account.total(group))
    yield AccountRow("all", words.count(len(runs), "run"), account.total(runs))


def account_document(runs: Sequence[RunFigures], balance: Balance, settings: Settings) -> dict[str, Any]:
    """Return everything as a JSON object; money is text."""
    return {
        "environment": settings.environment,
        "endpoint": settings.endpoint,
        "available": balance.available,
        "held": balance.held,
        "task_names": [
            {
                "task_name": task_name,
                **columns.document(_FIGURES, account.total(group)),
                "runs": [
                    {"run_id": run.run_id, "state": run.state, **columns.document(_FIGURES, figures)}
                    for run, figures in group
                ],
            }
            for task_name, group in account.by_task_name(runs).items()
        ],
        "total": columns.document(_FIGURES, account.total(runs)),
    }


def balance_words(balance: Balance, as_of: datetime | None) -> str:
    """Return the balance in words, and as of when the figures are unless they are of now."""
    held = "" if balance.held is None else f"; ${balance.held} more are held for work on offer"
    text = f"The account can spend ${balance.available}{held}."
    return f"{text} Work and reviews are as of {times.said(as_of)}." if as_of else text


class BonusRow(NamedTuple):
    """What a run is to pay in bonuses, and how many it has paid before."""

    run: Run
    due: int
    amount: Decimal
    fees: Decimal
    paid: int


BONUSES: Sequence[Column[BonusRow]] = [
    Column(None, "run", lambda line: line.run.run_id, is_id=True),
    Column(None, "task_name", lambda line: line.run.task_name),
    Column(None, "bonuses", lambda line: line.due),
    Column(None, "amount", lambda line: f"${line.amount}"),
    Column(None, "fees", lambda line: f"${line.fees}"),
    Column(None, "paid already", lambda line: line.paid),
]


def bonus_table(plan: BonusPlan, runs: Sequence[Run]) -> None:
    """Write a line for each of these runs that is to pay bonuses, or has paid them."""
    lines = []
    for run in runs:
        due = [bonus for bonus in plan.due if bonus.run.run_id == run.run_id]
        paid = sum(bonus.run.run_id == run.run_id for bonus in plan.paid)
        if due or paid:
            amount = sum((bonus.bonus.amount for bonus in due), Decimal(0))
            fees = sum((bonus.price for bonus in due), -amount)
            lines.append(BonusRow(run, len(due), amount, fees, paid))
    columns.table(BONUSES, lines)


def bonus_words(plan: BonusPlan) -> str:
    """Return in words what is due."""
    return f"{words.count(len(plan.due), 'bonus')} for ${plan.total} with fees."


def others_words(registry: Registry, plan: BonusPlan) -> str:
    """Return in words which other bonuses the assignments of a plan have got; nothing if there are none."""
    others = bonus_plans.others_paid(registry, plan)
    if not others:
        return ""
    total = sum((bonus.amount for bonus in others), Decimal(0))
    return f" Their assignments have got {words.count(len(others), 'other bonus')} before, ${total} in all."


class MakeupRow(NamedTuple):
    """A compensation, its fee, and how far it has come."""

    makeup: Makeup
    fee: Decimal
    state: str


MAKEUPS: Sequence[Column[MakeupRow]] = [
    Column(None, "worker", lambda line: line.makeup.worker_id, is_id=True),
    Column(None, "amount", lambda line: f"${line.makeup.amount}"),
    Column(None, "fee", lambda line: f"${line.fee}"),
    Column(None, "reason", lambda line: line.makeup.reason),
    Column(None, "so far", lambda line: line.state),
]


def makeup_table(plan: MakeupPlan) -> None:
    """Write a line for each compensation."""
    environment = plan.original.environment
    lines = [
        MakeupRow(makeup, makeup.fee(environment), state)
        for makeups, state in ((plan.due, "to be made"), (plan.made, "made before"))
        for makeup in makeups
    ]
    columns.table(MAKEUPS, lines)
