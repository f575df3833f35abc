"""Topping runs up: what the units of a run at its end lack is launched, and the run is seen through again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crowdops.context import Context
from crowdops.errors import Error, UsageError
from crowdops.registry import END_STATES, Run, locks
from crowdops.results import endings
from crowdops.runs import entry, lacks, remainder, supervisor
from crowdops.runs.lacks import Lacks
from crowdops.runs.outcome import Outcome
from crowdops.servers import pages


class TopUp(NamedTuple):
    """The runs at one server: what each of those at their end lacks, and which are not, with why."""

    context: Context
    lacks: list[Lacks]
    going_on: list[tuple[str, str]]


def look(context: Context, runs: Sequence[Run]) -> TopUp:
    """Return what runs at one server lack. Only reads there; what has come in is stored.

    Runs that need no process come to their end by that if nothing of them is out any more.
    """
    detached = [run for run in runs if locks.condition(context.settings.home, run) == "detached"]
    endings.bring_in(context, detached) if detached else None
    found = TopUp(context, [], [])
    for run in runs:
        now = context.registry.run(run.run_id) or run
        if why_not := _why_not(context, now):
            found.going_on.append((run.run_id, why_not))
        else:
            found.lacks.append(lacks.examine(context, now))
    return found


def _why_not(context: Context, run: Run) -> str:
    """Return why a run cannot be topped up; '' if it can."""
    condition = locks.condition(context.settings.home, run)
    if condition == "attended":
        return "a process attends it, and launches what it lacks"
    if condition == "detached":
        return f"it has HITs out. Look: make status RUN={run.run_id}"
    if condition == "crashed":
        return f"it has crashed. Carry it on: make resume RUN={run.run_id}"
    if run.hit_type_id is None:
        return "nothing of it was ever launched: launch its run.toml anew"
    return ""


def check(found: Lacks, *, detach: bool) -> None:
    """UsageError if what a run lacks cannot be launched in this way."""
    if detach and found.run.parameters.max_num_concurrent_units:
        raise UsageError(
            "--detach launches everything at once, and max_num_concurrent_units of run"
            f" {found.run.run_id} forbids it."
        )


def top_up(context: Context, found: Lacks, *, detach: bool) -> Outcome:
    """Launch what a run lacks and see it through, or leave it once everything is out (`detach`).

    The context's interrupts must be entered. From the moment at which the run goes on it is like any other:
    after a crash, resume and recover know what to do.
    """
    run_id, registry = found.run.run_id, context.registry
    with locks.hold(context.settings.home, run_id):
        run = registry.run(run_id)
        if run is None or run.state not in END_STATES:
            raise UsageError(f"run {run_id} is no more at its end. Look: make status RUN={run_id}")
        context.bear_registry(away=context.settings.registry_patience)
        context.say(f"run {run_id}")
        if run.units > registry.unit_counts(run_id).total():
            remainder.examine(registry, run, remainder.Resumption(run_id))
            entry.add_rows(registry, run)
        registry.set_detached(run_id, detached=detach)
        registry.plan_places(run_id, found.places, "launching" if detach else "running")
        run = registry.run(run_id)
        assert run is not None
        return supervisor.attend(context, run, _open_pages(context, run), listed=found.hits)


def _open_pages(context: Context, run: Run) -> pages.Pages:
    """Return the run's pages, up and answering. If they cannot be had, the run is at its end again."""
    try:
        return pages.reopen(context, run)
    except Error as error:
        context.registry.set_run_state(run.run_id, "stopped", str(error))
        raise


def due(plans: Sequence[TopUp], *, detach: bool) -> list[tuple[Context, Lacks]]:
    """Return the runs that lack something, each with its place. Raises as check() and check_money() do."""
    found_due = [
        (plan.context, found) for plan in plans for found in plan.lacks if found.units or found.spent
    ]
    for context, found in found_due:
        check(found, detach=detach)
        lacks.check_money(context, found)
    return found_due
