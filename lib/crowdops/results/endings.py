"""Runs that nobody attends come to their end once their last HIT has ended and its answers are collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.providers.mturk.client import Hit
from crowdops.registry import END_STATES, OPEN_STATES, Run, locks
from crowdops.registry.tally import tally
from crowdops.results import collect

NO_HITS: Mapping[str, Sequence[Hit]] = {}


def bring_in(context: Context, runs: Sequence[Run]) -> list[str]:
    """Collect what is new of these runs, and end those that are through. Returns as refresh() does."""
    failures = collect.refresh(context, runs)
    finish(context, runs)
    return failures


def finish(
    context: Context,
    runs: Iterable[Run],
    untouched: Mapping[str, Sequence[Hit]] = NO_HITS,
    *,
    for_good: bool = False,
) -> list[Run]:
    """End those of the runs that nobody attends and of which nothing can come any more. Returns them, ended.

    `untouched` are HITs, by run id, that have just been seen to have ended without an answer. A run of which
    units were never launched can be carried on and is left, unless its HITs are ended `for_good`. Each is
    ended under its lock, and that is said.
    """
    ended = []
    for run in runs:
        if run.state in END_STATES or locks.condition(context.settings.home, run) == "attended":
            continue
        try:
            with locks.hold(context.settings.home, run.run_id):
                if now := _finish(context, run.run_id, untouched.get(run.run_id, ()), for_good=for_good):
                    ended.append(now)
        except UsageError:  # somebody attends it by now
            continue
    return ended


def _finish(context: Context, run_id: str, untouched: Sequence[Hit], *, for_good: bool) -> Run | None:
    """End a run whose lock is held, and return it as it is then. None if it goes on, or had ended before."""
    run = context.registry.run(run_id)
    if run is None or run.state in END_STATES:
        return None
    for hit in untouched:
        stored = collect.Stored.read(context.registry, hit)
        if stored.unit is not None and stored.unit.state in OPEN_STATES:
            collect.store(context.registry, hit, [])
    counts = tally(context.registry, run)
    if counts.outstanding or (counts.never_launched and not for_good):
        return None
    state, reason = "finished", None
    if counts.never_launched:
        state, reason = "stopped", "its HITs were expired before all of its units were launched"
    context.registry.set_run_state(run_id, state, reason)
    context.say(f"{run.task_name} ({run_id}) is {state}: {counts.describe()}.")
    for server in context.registry.servers("creating", "up", run_id=run_id):
        context.say(f"Its task server {server.name} is still there. Take it down: make recover")
    return context.registry.run(run_id)
