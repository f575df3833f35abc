"""What an account holds, and what the runs have cost and may still cost, to the cent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from crowdops.console.output import timestamp
from crowdops.payments import budgets, pricing
from crowdops.providers.mturk.client import Balance
from crowdops.registry import END_STATES, Registry, Run

HEADERS = (
    *("task_name", "run", "approved", "rewards", "fees", "bonuses", "bonus fees", "spent"),
    *("not reviewed", "their cost", "next auto-approval", "still to spend"),
)


class Figures(NamedTuple):
    """What work has cost and may cost, in dollars. `to_spend` includes what is not reviewed.

    `unreviewed` and `approved` count assignments; a rejected one costs nothing.
    """

    approved: int
    rewards: Decimal
    fees: Decimal
    bonuses: Decimal
    bonus_fees: Decimal
    unreviewed: int
    unreviewed_cost: Decimal
    next_auto_approval: str | None
    to_spend: Decimal

    @property
    def spent(self) -> Decimal:
        """What has been paid in all."""
        return self.rewards + self.fees + self.bonuses + self.bonus_fees


class RunFigures(NamedTuple):
    """The figures of a run."""

    run: Run
    figures: Figures


def read(registry: Registry, runs: Sequence[Run]) -> list[RunFigures]:
    """Return the figures of these runs, from what the registry has. No API call."""
    found = [RunFigures(run, _figures(registry, run)) for run in runs]
    return sorted(found, key=lambda each: (each.run.task_name, each.run.run_id))


def _figures(registry: Registry, run: Run) -> Figures:
    parameters = run.parameters
    statuses = registry.status_counts(run.run_id)
    approved, unreviewed = statuses.get("Approved", 0), statuses.get("Submitted", 0)
    each = pricing.assignment_cost(parameters, run.environment)
    amounts = registry.bonus_amounts(run.run_id, "paid")
    bound = budgets.assignments_bound(registry, run, parameters) - approved
    if run.state not in END_STATES:
        planned = registry.unit_counts(run.run_id).get("planned", 0)
        bound += planned * parameters.assignments_per_unit
    return Figures(
        approved=approved,
        rewards=parameters.task_reward * approved,
        fees=(each - parameters.task_reward) * approved,
        bonuses=sum(amounts, Decimal(0)),
        bonus_fees=sum((pricing.bonus_fee(amount, run.environment) for amount in amounts), Decimal(0)),
        unreviewed=unreviewed,
        unreviewed_cost=each * unreviewed,
        next_auto_approval=registry.next_auto_approval(run.run_id),
        to_spend=each * bound,
    )


def total(found: Iterable[RunFigures]) -> Figures:
    """Return the sum of figures."""
    every = [each.figures for each in found]
    moments = [figures.next_auto_approval for figures in every if figures.next_auto_approval]
    return Figures(
        approved=sum(figures.approved for figures in every),
        rewards=sum((figures.rewards for figures in every), Decimal(0)),
        fees=sum((figures.fees for figures in every), Decimal(0)),
        bonuses=sum((figures.bonuses for figures in every), Decimal(0)),
        bonus_fees=sum((figures.bonus_fees for figures in every), Decimal(0)),
        unreviewed=sum(figures.unreviewed for figures in every),
        unreviewed_cost=sum((figures.unreviewed_cost for figures in every), Decimal(0)),
        next_auto_approval=min(moments, default=None),
        to_spend=sum((figures.to_spend for figures in every), Decimal(0)),
    )


def by_task_name(found: Sequence[RunFigures]) -> dict[str, list[RunFigures]]:
    """Return the runs' figures by task_name, in their order."""
    groups: dict[str, list[RunFigures]] = {}
    for each in found:
        groups.setdefault(each.run.task_name, []).append(each)
    return groups


def rows(found: Sequence[RunFigures]) -> list[tuple[object, ...]]:
    """Return the table's rows under HEADERS: each run, each task_name with several runs, and all."""
    lines: list[tuple[object, ...]] = []
    for task_name, group in by_task_name(found).items():
        lines += [(task_name, each.run.run_id, *_cells(each.figures)) for each in group]
        if len(group) > 1:
            lines.append((task_name, f"{len(group)} runs", *_cells(total(group))))
    return [*lines, ("all", f"{len(found)} runs", *_cells(total(found)))]


def _cells(figures: Figures) -> tuple[object, ...]:
    money = (figures.rewards, figures.fees, figures.bonuses, figures.bonus_fees, figures.spent)
    return (
        *(figures.approved, *(f"${amount:.2f}" for amount in money)),
        *(figures.unreviewed, f"${figures.unreviewed_cost:.2f}"),
        *(_second(figures.next_auto_approval), f"${figures.to_spend:.2f}"),
    )


def describe(balance: Balance) -> str:
    """Return the balance in words."""
    held = "" if balance.held is None else f"; ${balance.held} more are held for work on offer"
    return f"The account can spend ${balance.available}{held}."


def document(
    found: Sequence[RunFigures], balance: Balance, environment: str, endpoint: str
) -> dict[str, Any]:
    """Return everything as a JSON object; money is text."""
    return {
        "environment": environment,
        "endpoint": endpoint,
        "available": balance.available,
        "held": balance.held,
        "task_names": [
            {
                "task_name": task_name,
                **_document(total(group)),
                "runs": [
                    {"run_id": each.run.run_id, "state": each.run.state, **_document(each.figures)}
                    for each in group
                ],
            }
            for task_name, group in by_task_name(found).items()
        ],
        "total": _document(total(found)),
    }


def _document(figures: Figures) -> dict[str, Any]:
    values = {
        name: f"{value:.2f}" if isinstance(value, Decimal) else value
        for name, value in figures._asdict().items()
    }
    return values | {
        "spent": f"{figures.spent:.2f}",
        "next_auto_approval": _second(figures.next_auto_approval),
    }


def _second(moment: str | None) -> str | None:
    return None if moment is None else timestamp(datetime.fromisoformat(moment))
