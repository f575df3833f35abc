"""Which task servers a command takes down. A living run's server only with its name typed."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from crowdops.config.settings import Selection, variable
from crowdops.console.progress import Progress
from crowdops.context import Context
from crowdops.errors import Error, NotFound, UsageError, WrongState
from crowdops.registry import Registry, locks
from crowdops.registry import locks as runs
from crowdops.servers import pages
from crowdops.servers.status import LIVING, ServerStatus


def look_at_servers(context: Context) -> tuple[list[ServerStatus], list[str]]:
    """Return every server of ours on this machine and at Heroku, and a line for what could not be looked at."""
    conditions = runs.conditions(context.registry, context.settings.home)
    found: list[ServerStatus] = []
    unseen: list[str] = []
    for kind in ("local", "heroku"):
        if kind == "heroku" and not variable("HEROKU_API_KEY"):
            unseen.append("Heroku was not looked at: HEROKU_API_KEY is not set.")
            continue
        try:
            found += pages.backend(kind).survey(context, conditions)
        except Error as error:
            unseen.append(f"Servers ({kind}) could not be looked at: {error}")
    return found, unseen


class Choice(NamedTuple):
    """Servers to take down, those that were selected and stay, with why, and names that are gone already."""

    targets: list[ServerStatus]
    spared: list[tuple[str, str]]
    gone: list[str]


def choose(
    seen: Sequence[ServerStatus],
    selection: Selection,
    names: Sequence[str],
    *,
    known_runs: Collection[str],
    is_our_name: Callable[[str], bool],
) -> Choice:
    """Return what a command means among the servers that were `seen`.

    Names mean themselves. --run and --task-name mean their runs' leftovers, by what the servers' marks say, so
    that they work without the registry; --all-runs means every leftover; without any of these, the leftovers of
    the `known_runs` of the registry. UsageError for a name that cannot be ours, and for a run that nobody knows.
    """
    by_name = {status.name: status for status in seen}
    for name in names:
        if name not in by_name and not is_our_name(name):
            raise UsageError(
                f"{name} is none of our servers. See them with print_server_status. Nothing was done."
            )
    if names and selection.is_empty:
        selected: list[ServerStatus] = []
    else:
        selected = [status for status in seen if _means(selection, status, known_runs)]
        _check_runs(selection, selected, known_runs)
    typed = [by_name[name] for name in dict.fromkeys(names) if name in by_name]
    targets = typed + [status for status in selected if status.leftover and status not in typed]
    spared = [
        (status.name, f"run {status.run_id} is alive. To take it down all the same, type the server's name.")
        for status in selected
        if status.marked and not status.leftover and status not in typed and not selection.all_runs
    ]
    return Choice(targets, spared, [name for name in names if name not in by_name])


def _means(selection: Selection, status: ServerStatus, known_runs: Collection[str]) -> bool:
    if status.run_id is None:
        return False
    if selection.all_runs:
        return True
    if selection.is_empty:
        return status.leftover and status.run_id in known_runs
    names = selection.task_names
    return status.run_id in selection.runs or any(
        fnmatch.fnmatchcase(status.task_name or "", g) for g in names
    )


def _check_runs(selection: Selection, selected: Sequence[ServerStatus], known_runs: Collection[str]) -> None:
    known = {status.run_id for status in selected} | set(known_runs)
    for run_id in selection.runs:
        if run_id not in known:
            raise UsageError(
                f"Neither the registry nor any server knows a run {run_id!r}. See them all: make runs"
            )


def of(seen: Sequence[ServerStatus], selection: Selection) -> list[ServerStatus]:
    """Return the servers of the selected runs, leftovers or not; without a selection every server."""
    if selection.is_empty:
        return list(seen)
    return [status for status in seen if _means(selection, status, ())]


def remarks(seen: Sequence[ServerStatus], choice: Choice) -> str:
    """Return what a command does not take down although it could be meant, a line a server, possibly nothing."""
    chosen = {status.name for status in choice.targets}
    others = [status.name for status in seen if status.leftover and status.name not in chosen]
    lines = [f"{name}: {why}" for name, why in choice.spared]
    lines += [f"{name}: no server of ours has this name (any more)." for name in choice.gone]
    if others:
        lines.append(f"Other leftovers: {', '.join(others)}. Every leftover is selected by --all-runs.")
    return "\n".join(lines)


def is_living(registry: Registry, home: Path, run_id: str) -> bool:
    """Return whether a run is attended or detached at this moment; a lost registry does not end a run."""
    run = registry.run(run_id)
    if run is None:
        return locks.holder_of(home, run_id) is not None
    return runs.condition(home, run) in LIVING


def kill(
    targets: Sequence[ServerStatus],
    take_down: Callable[[ServerStatus, bool], bool],
    *,
    is_living: Callable[[str], bool],
    names: Collection[str],
    progress: Progress,
) -> tuple[list[str], list[tuple[str, str]]]:
    """Take these servers down, one after another. Returns the names already gone, and (name, why) of those that failed.

    `take_down` gets the server and whether its name was typed, and returns False for one that was gone. Whether
    a run has come to life since the servers were looked at is asked again before each. Safe to repeat.
    """
    gone: list[str] = []
    failed: list[tuple[str, str]] = []
    for done, status in enumerate(targets, start=1):
        named = status.name in names
        try:
            if not named and status.run_id and is_living(status.run_id):
                raise WrongState(f"run {status.run_id} has come to life meanwhile")
            if not take_down(status, named):
                gone.append(status.name)
        except NotFound:
            gone.append(status.name)
        except Error as error:
            failed.append((status.name, str(error)))
        progress.update(done)
    progress.close()
    return gone, failed
