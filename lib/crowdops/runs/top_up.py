"""Topping runs up: what the units of a run at its end lack is launched, and the run is seen through again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from crowdops.console.interrupts import EXIT_INTERRUPTED, Interrupts
from crowdops.context import Context
from crowdops.errors import BudgetReached, Error, UsageError
from crowdops.registry import END_STATES, Run, locks
from crowdops.results import endings
from crowdops.runs import entry, lacks, outcome, remainder, supervisor
from crowdops.runs.lacks import Lacks
from crowdops.runs.outcome import Outcome, RunReport
from crowdops.servers import pages


class TopUp(NamedTuple):
    """The runs at one server: what each of those at their end lacks, and which are not, with why."""

    context: Context
    lacks: list[Lacks]
    going_on: list[tuple[str, str]]


class Due(NamedTuple):
    """What a run lacks and is to get, at its server."""

    context: Context
    lacks: Lacks


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


def top_up(context: Context, found: Lacks, *, detach: bool) -> Outcome | None:
    """Launch what a run lacks and see it through, or leave it once everything is out (`detach`).

    None if it lacks nothing any more: somebody was at it since the look. The context's interrupts must be
    entered. From the moment at which the run goes on it is like any other: after a crash, resume and recover
    know what to do.
    """
    run_id, registry = found.run.run_id, context.registry
    with locks.hold(context.settings.home, run_id):
        run = registry.run(run_id)
        if run is None or run.state not in END_STATES:
            raise UsageError(f"run {run_id} is no more at its end. Look: make status RUN={run_id}")
        if extender := locks.extender_of(context.settings.home, run_id):
            raise UsageError(
                f"the HITs of run {run_id} are being extended by {locks.describe(extender)}. Once that is"
                f" through: make top-up RUN={run_id}"
            )
        context.bear_registry(away=context.settings.registry_patience)
        found = _as_it_is(context, run, found)
        if not found.units:
            return None
        context.say(f"run {run_id}")
        if run.units > registry.unit_counts(run_id).total():
            remainder.examine(registry, run, remainder.Resumption(run_id))
            entry.add_rows(registry, run)
        registry.set_detached(run_id, detached=detach)
        registry.plan_places(run_id, found.places, "launching" if detach else "running")
        run = registry.run(run_id)
        assert run is not None
        return supervisor.attend(context, run, _open_pages(context, run), listed=found.hits)


def _as_it_is(context: Context, run: Run, found: Lacks) -> Lacks:
    """Return what a run lacks by now: another command, or a person, may have launched it since the look.

    UsageError if it lacks more than was agreed to.
    """
    if lacks.is_as_seen(context, found):
        return found
    now = lacks.examine(context, run)
    if now.cost > found.cost:
        raise UsageError(f"it lacks more by now, for ${now.cost} in place of ${found.cost}. {_command(run)}")
    return now


def _open_pages(context: Context, run: Run) -> pages.Pages:
    """Return the run's pages, up and answering. If they cannot be had, the run is at its end again."""
    try:
        return pages.reopen(context, run)
    except Error as error:
        context.registry.set_run_state(run.run_id, "stopped", str(error))
        raise


class Attempt(NamedTuple):
    """What came of topping up a run: its report, or why there is none. Neither: it lacks nothing any more."""

    run: Run
    exit_code: int
    report: RunReport | None = None
    why_not: str = ""


def top_up_all(due: Sequence[Due], interrupts: Interrupts, *, detach: bool) -> Iterator[Attempt]:
    """Top runs up one after another and yield what came of each. After Ctrl-C none is begun."""
    with interrupts:
        for context, found in due:
            if interrupts.count:
                why_not = f"interrupted before its turn: nothing of it was launched. {_command(found.run)}"
                yield Attempt(found.run, EXIT_INTERRUPTED, why_not=why_not)
                continue
            started = time.monotonic()
            try:
                ended = top_up(context, found, detach=detach)
            except Error as error:
                yield Attempt(found.run, error.exit_code, why_not=str(error))
                continue
            if ended is None:
                yield Attempt(found.run, 0)
                continue
            report = outcome.report(context, ended, time.monotonic() - started)
            yield Attempt(found.run, outcome.exit_code(report), report)


def _command(run: Run) -> str:
    return f"Do that: make top-up RUN={run.run_id}"


def due(plans: Sequence[TopUp], *, detach: bool) -> tuple[list[Due], list[tuple[str, str]]]:
    """Return the runs that lack something, each with its place, and those that max_cost refuses, with why.

    UsageError if one cannot be launched in this way, or the account cannot pay. One call a server.
    """
    found_due: list[Due] = []
    refused = []
    for plan in plans:
        affordable = []
        for found in plan.lacks:
            if not (found.units or found.spent):
                continue
            check(found, detach=detach)
            try:
                lacks.check_money(plan.context, found)
                affordable.append(Due(plan.context, found))
            except BudgetReached as error:
                refused.append((found.run.run_id, str(error)))
        _check_account(plan.context, affordable)
        found_due += affordable
    return found_due, refused


def _check_account(context: Context, found_due: Sequence[Due]) -> None:
    cost = sum((one.lacks.cost for one in found_due), Decimal(0))
    if found_due and (balance := context.provider.balance()) < cost:
        raise UsageError(f"The account has ${balance}, and this would cost ${cost}. Nothing was created.")
