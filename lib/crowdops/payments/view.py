"""What commands show of money: the account's figures, and plans of bonuses and compensations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from crowdops.config.settings import Settings
from crowdops.console import columns, output
from crowdops.console.columns import Column
from crowdops.console.output import timestamp
from crowdops.payments import account, bonus_plans
from crowdops.payments.account import Figures, RunFigures
from crowdops.payments.bonus_plans import BonusPlan
from crowdops.payments.budgets import Raise
from crowdops.payments.compensation_plans import MakeupPlan
from crowdops.providers.mturk.client import Balance
from crowdops.registry import Registry, Run


def _money(key: str, heading: str, amount: Callable[[Figures], Decimal]) -> Column[Figures]:
    return Column(
        key, heading, lambda figures: f"{amount(figures):.2f}", lambda figures: f"${amount(figures):.2f}"
    )


def _next_auto_approval(figures: Figures) -> str | None:
    moment = figures.next_auto_approval
    return None if moment is None else timestamp(datetime.fromisoformat(moment))


_FIGURES: Sequence[Column[Figures]] = [
    Column("approved", "approved", lambda figures: figures.approved),
    _money("rewards", "rewards", lambda figures: figures.rewards),
    _money("fees", "fees", lambda figures: figures.fees),
    _money("bonuses", "bonuses", lambda figures: figures.bonuses),
    _money("bonus_fees", "bonus fees", lambda figures: figures.bonus_fees),
    _money("spent", "spent", lambda figures: figures.spent),
    Column("unreviewed", "not reviewed", lambda figures: figures.unreviewed),
    _money("unreviewed_cost", "their cost", lambda figures: figures.unreviewed_cost),
    Column("next_auto_approval", "next auto-approval", _next_auto_approval),
    _money("to_spend", "still to spend", lambda figures: figures.to_spend),
]


RAISE: Sequence[Column[Raise]] = [
    Column("run_id", "run", lambda planned: planned.run.run_id),
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
    output.table(["task_name", "run", *columns.headings(_FIGURES)], list(_rows(runs)))


def _rows(runs: Sequence[RunFigures]) -> Iterator[list[object]]:
    for task_name, group in account.by_task_name(runs).items():
        for run in group:
            yield [task_name, run.run.run_id, *columns.row(_FIGURES, run.figures)]
        if len(group) > 1:
            yield [task_name, f"{len(group)} runs", *columns.row(_FIGURES, account.total(group))]
    yield ["all", f"{len(runs)} runs", *columns.row(_FIGURES, account.total(runs))]


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
    words = f"The account can spend ${balance.available}{held}."
    return f"{words} Work and reviews are as of {timestamp(as_of)}." if as_of else words


def bonus_table(plan: BonusPlan, runs: Sequence[Run]) -> None:
    """Write a line for each of these runs that is to pay bonuses, or has paid them."""
    rows: list[tuple[object, ...]] = []
    for run in runs:
        due = [bonus for bonus in plan.due if bonus.run.run_id == run.run_id]
        paid = sum(bonus.run.run_id == run.run_id for bonus in plan.paid)
        if due or paid:
            amount = sum((bonus.bonus.amount for bonus in due), Decimal(0))
            fees = sum((bonus.price for bonus in due), -amount)
            rows.append((run.run_id, run.task_name, len(due), f"${amount}", f"${fees}", paid))
    output.table(("run", "task_name", "bonuses", "amount", "fees", "paid already"), rows)


def bonus_words(plan: BonusPlan) -> str:
    """Return in words what is due."""
    return f"{len(plan.due)} bonuses for ${plan.total} with fees."


def others_words(registry: Registry, plan: BonusPlan) -> str:
    """Return in words which other bonuses the assignments of a plan have got; nothing if there are none."""
    others = bonus_plans.others_paid(registry, plan)
    if not others:
        return ""
    total = sum((bonus.amount for bonus in others), Decimal(0))
    return f" Their assignments have got {len(others)} other bonuses before, ${total} in all."


def makeup_table(plan: MakeupPlan) -> None:
    """Write a line for each compensation."""
    environment = plan.original.environment
    rows = [
        (makeup.worker_id, f"${makeup.amount}", f"${makeup.fee(environment)}", makeup.reason, state)
        for makeups, state in ((plan.due, "to be made"), (plan.made, "made before"))
        for makeup in makeups
    ]
    output.table(("worker", "amount", "fee", "reason", "so far"), rows)
