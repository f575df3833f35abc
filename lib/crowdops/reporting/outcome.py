"""What became of the runs of a report, in a sentence each, and what to type next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from crowdops.formats import words
from crowdops.payments import budgets
from crowdops.payments.account import RunFigures
from crowdops.registry import Registry, Run, locks
from crowdops.registry.tally import Tally, tallies
from crowdops.results import votes

MOST_UNDECIDED = 10


class Undecided(NamedTuple):
    """A unit that has not agreed: the answer with the most votes, how many that has, and why no more came."""

    unit_index: int
    answer: str | None
    votes: int
    answers: int
    why: str


class Quality(NamedTuple):
    """How far the units of a run agree that has to: how many agreed, and why the others have not.

    `at_most_reached` have as many answers as they get, `out_of_money` get no more since max_cost forbids it,
    `open` may get more. `undecided` are at most MOST_UNDECIDED of them all.
    """

    answer_field: str
    agree: int
    at_most: int
    agreed: int
    at_most_reached: int
    out_of_money: int
    open: int
    undecided: list[Undecided]

    def describe(self) -> str:
        """Return in words what became of the units."""
        text = f"{words.count(self.agreed, 'unit')} agreed"
        for number, what in (
            (self.at_most_reached, f"not with {self.at_most} answers"),
            (self.out_of_money, "out of money"),
            (self.open, "undecided"),
        ):
            text += f", {number} {what}" if number else ""
        return text


class RunOutcome(NamedTuple):
    """A run and what became of it. Money in dollars; `tally` says what became of its units.

    `condition` is attended, detached, crashed or ended. `bound` is what it has to pay if all that is out is
    approved; it stays within `max_cost`, which may be None.
    """

    run_id: str
    task_name: str
    environment: str
    endpoint: str
    state: str
    condition: str
    reason: str | None
    created_at: datetime
    ended_at: datetime | None
    tally: Tally
    assignments_per_unit: int
    reward: Decimal
    unreviewed: int
    spent: Decimal
    bound: Decimal
    max_cost: Decimal | None
    verdict: str
    next_command: str
    quality: Quality | None = None


def outcomes(registry: Registry, home: Path, figures: Sequence[RunFigures]) -> list[RunOutcome]:
    """Return what became of the runs of these figures, in their order, from what the registry has."""
    counts = tallies(registry, [known.run for known in figures])
    return [_outcome(registry, home, known, counts[known.run.run_id]) for known in figures]


def worst(known: Sequence[RunOutcome]) -> RunOutcome | None:
    """Return the run that needs somebody most: crashed, then alive, then unreviewed; the newest of equals."""
    return max(known, key=lambda outcome: (_urgency(outcome), outcome.run_id), default=None)


def _urgency(outcome: RunOutcome) -> int:
    if outcome.condition == "crashed":
        return 3
    if outcome.condition != "ended":
        return 2
    return 1 if outcome.unreviewed else 0


def _outcome(registry: Registry, home: Path, known: RunFigures, counts: Tally) -> RunOutcome:
    run, figures = known
    condition = locks.condition(home, run)
    quality = _quality(registry, run)
    return RunOutcome(
        run_id=run.run_id,
        task_name=run.task_name,
        environment=run.environment,
        endpoint=run.endpoint,
        state=run.state,
        condition=condition,
        reason=run.reason,
        created_at=run.created_at,
        ended_at=run.ended_at,
        tally=counts,
        assignments_per_unit=run.parameters.assignments_per_unit,
        reward=run.parameters.task_reward,
        unreviewed=figures.unreviewed,
        spent=figures.spent,
        bound=budgets.Budget(registry, run).bound,
        max_cost=run.parameters.max_cost,
        verdict=_verdict(run, condition, _describe(counts, quality), figures.unreviewed),
        next_command=_next_command(run, condition, counts, figures.unreviewed),
        quality=quality,
    )


def _quality(registry: Registry, run: Run) -> Quality | None:
    """Return how far a run's units agree; None where nothing has to."""
    if not (field := run.parameters.answer_field):
        return None
    decisions = votes.decisions(registry, run)
    counts = Counter(decision.why for decision in decisions.values())
    undecided = [
        Undecided(index, decision.answer, decision.votes, decision.answers, decision.why)
        for index, decision in decisions.items()
        if not decision.agreed
    ]
    return Quality(
        answer_field=field,
        agree=run.parameters.agree,
        at_most=run.parameters.at_most,
        agreed=counts[votes.AGREED],
        at_most_reached=counts[votes.AT_MOST],
        out_of_money=counts[votes.OUT_OF_MONEY],
        open=counts[votes.OPEN],
        undecided=undecided[:MOST_UNDECIDED],
    )


def _describe(counts: Tally, quality: Quality | None) -> str:
    return f"{counts.describe()}; {quality.describe()}" if quality else counts.describe()


def _verdict(run: Run, condition: str, units: str, unreviewed: int) -> str:
    """Return in a sentence how a run and its units stand."""
    if condition == "ended":
        text = f"{run.state}: {units}"
    elif condition == "crashed":
        text = f"crashed, nobody attends it: {units}"
    else:
        text = f"{run.state}, {condition}: {units}"
    return f"{text}; {unreviewed} not reviewed." if unreviewed else f"{text}."


def _next_command(run: Run, condition: str, counts: Tally, unreviewed: int) -> str:
    """Return what to type next."""
    if condition == "crashed":
        return "make recover ARGS=--dry-run"
    if condition != "ended":
        return f"make status RUN={run.run_id}"
    if unreviewed:
        return f"make review RUN={run.run_id}"
    if counts.is_short:
        return f"make diagnose RUN={run.run_id}"
    return f"make results RUN={run.run_id}"
