"""How the extension of HITs is shown: a row a run, in words, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from crowdops.config.settings import Selection
from crowdops.console import times
from crowdops.console.colour import of_words
from crowdops.console.columns import Column
from crowdops.formats import words
from crowdops.registry import Run
from crowdops.runs.extension import HitExtension, Target, cost
from crowdops.runs.extension_terms import Terms


def columns(conditions: Mapping[str, str], targets: Sequence[Target]) -> Sequence[Column[Run]]:
    """Return what is shown of runs whose HITs are to be extended."""
    hits = Counter(target.run.run_id for target in targets)
    places: Counter[str] = Counter()
    costs: dict[str, Decimal] = {}
    for target in targets:
        run_id = target.run.run_id
        places[run_id] += target.places
        costs[run_id] = costs.get(run_id, Decimal(0)) + target.cost
    return (
        Column(None, "run", lambda run: run.run_id, is_id=True),
        Column(None, "task_name", lambda run: run.task_name),
        Column(None, "state", lambda run: f"{run.state}, {conditions[run.run_id]}", meaning=of_words),
        Column(None, "HITs to extend", lambda run: hits[run.run_id]),
        Column(None, "answers", lambda run: places[run.run_id]),
        Column(None, "cost with fees", lambda run: f"${costs.get(run.run_id, Decimal('0.00'))}"),
    )


def lines(plans: Sequence[HitExtension], terms: Terms, selection: Selection) -> Iterator[str]:
    """Yield what is to be done in words, and which commands before are gone on with."""
    for plan in plans:
        for order in plan.went_on:
            yield (
                f"Run {order.run_id}: going on with what was asked for at {times.said(order.begun_at)} and"
                " did not come to its end. No HIT gets it twice."
            )
    targets = [target for plan in plans for target in plan.found]
    if targets:
        answers = sum(target.places for target in targets)
        bring = f" They may bring {words.count(answers, 'more answer')}, for ${cost(targets)} with fees."
        yield f"Each gets {terms.describe()}.{bring if answers else ''}"
    left_out = sum(len(plan.over) for plan in plans)
    if left_out and not selection.runs:
        yield f"{words.have(left_out, 'run')} ended and {words.choose(left_out, 'is', 'are')} left out."


def over(plans: Sequence[HitExtension], selection: Selection) -> list[tuple[str, str]]:
    """Return the runs that were named and have ended: (id, why). Others are left out."""
    why = "the run has ended, or is being ended: nobody would collect what comes in. What it lacks by then:"
    return [
        (run_id, f"{why} make top-up RUN={run_id}")
        for plan in plans
        for run_id in (plan.over if selection.runs else ())
    ]


def document(targets: Sequence[Target]) -> dict[str, Any]:
    """Return what the JSON document has beside the usual keys."""
    return {"answers": sum(target.places for target in targets), "cost": cost(targets)}
