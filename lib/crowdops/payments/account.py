"""What the runs of an account have cost and may still cost, to the cent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from crowdops.payments import budgets, pricing
from crowdops.registry import END_STATES, Registry, Run


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
    """Return the figures of these runs by task_name, from what the registry has. No API call."""
    by_name = sorted(runs, key=lambda run: (run.task_name, run.run_id))
    return [RunFigures(run, _figures(registry, run)) for run in by_name]


def _figures(registry: Registry, run: Run) -> Figures:
    parameters, statuses = run.parameters, registry.status_counts(run.run_id)
    approved, unreviewed = statuses["Approved"], statuses["Submitted"]
    cost = pricing.assignment_cost(parameters, run.environment)
    bonuses = registry.bonus_amounts(run.run_id, "paid")
    bound = budgets.assignments_bound(registry, run) - approved
    if run.state not in END_STATES:
        planned = registry.unit_counts(run.run_id)["planned"]
        bound += planned * parameters.assignments_per_unit
    return Figures(
        approved=approved,
        rewards=parameters.task_reward * approved,
        fees=(cost - parameters.task_reward) * approved,
        bonuses=sum(bonuses, Decimal(0)),
        bonus_fees=pricing.bonus_cost(bonuses, run.environment) - sum(bonuses),
        unreviewed=unreviewed,
        unreviewed_cost=cost * unreviewed,
        next_auto_approval=registry.next_auto_approval(run.run_id),
        to_spend=cost * bound,
    )


def as_of(registry: Registry, runs: Sequence[Run]) -> datetime | None:
    """Return when assignments of these runs were last collected, or None if there are none."""
    return registry.last_collected([run.run_id for run in runs])


def total(runs: Iterable[RunFigures]) -> Figures:
    """Return the sum of the figures of runs."""
    addends = [run.figures for run in runs]
    moments = [figures.next_auto_approval for figures in addends if figures.next_auto_approval]
    return Figures(
        approved=sum(figures.approved for figures in addends),
        rewards=sum((figures.rewards for figures in addends), Decimal(0)),
        fees=sum((figures.fees for figures in addends), Decimal(0)),
        bonuses=sum((figures.bonuses for figures in addends), Decimal(0)),
        bonus_fees=sum((figures.bonus_fees for figures in addends), Decimal(0)),
        unreviewed=sum(figures.unreviewed for figures in addends),
        unreviewed_cost=sum((figures.unreviewed_cost for figures in addends), Decimal(0)),
        next_auto_approval=min(moments, default=None),
        to_spend=sum((figures.to_spend for figures in addends), Decimal(0)),
    )


def by_task_name(runs: Sequence[RunFigures]) -> dict[str, list[RunFigures]]:
    """Return the runs' figures by task_name, in their order."""
    groups: dict[str, list[RunFigures]] = {}
    for run in runs:
        groups.setdefault(run.run.task_name, []).append(run)
    return groups
