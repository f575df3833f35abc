"""Which task servers a command means: orphans of its runs, and others only when their name is typed."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Sequence
from typing import NamedTuple

from crowdops.config.settings import Selection
from crowdops.console import unseen
from crowdops.console.unseen import Unseen
from crowdops.context import Context
from crowdops.errors import ProviderError, UsageError
from crowdops.registry import locks
from crowdops.registry.selection import Label, expand
from crowdops.servers.backend import Backend
from crowdops.servers.status import LIVING, ServerStatus, Survey


class Choice(NamedTuple):
    """The `servers` to take down, the names that were `typed`, and how many of these are gone already.

    `remarks` say what is not taken down although it could be meant, a line a server. `left` are typed names
    that are not taken down, each with the reason. `unseen` is what of that which is meant was not looked at.
    """

    servers: list[ServerStatus]
    typed: frozenset[str]
    gone: int
    remarks: list[str]
    left: Sequence[tuple[str, str]] = ()
    unseen: Sequence[Unseen] = ()


def choose(
    context: Context,
    backend: Backend,
    survey: Survey,
    selection: Selection,
    names: Sequence[str],
) -> Choice:
    """Return what a command means among the servers of a backend.

    Names mean themselves. --run and --task-name mean their runs' orphans, by what the servers' marks say, so
    that they work without the registry; --all-runs means every orphan; without any of these, the orphans of
    the runs of the registry. UsageError for a name that cannot be ours, and for a run that nobody knows;
    ProviderError for the run if not everything could be looked at.
    """
    statuses = survey.statuses
    by_name = {status.name: status for status in statuses}
    selection = with_ids(context, selection, statuses)
    for name in names:
        if name not in by_name and not backend.is_our_name(name):
            raise UsageError(
                f"{name} is none of our servers: theirs are other names. See them with print_server_status."
                " Nothing was done."
            )
    selected: list[ServerStatus] = []
    if not names or not selection.is_empty:
        known_runs = {run.run_id for run in context.registry.runs()}
        selected = [status for status in statuses if _means(selection, status, known_runs)]
        _check_runs(selection, selected, known_runs, survey.unseen)
    named = [by_name[name] for name in dict.fromkeys(names) if name in by_name]
    typed = [status for status in named if not status.never]
    servers = typed + [status for status in selected if status.orphan and status.name not in names]
    remarks = [
        f"{status.name}: run {status.run_id} is alive. To take it down all the same, type the server's name."
        for status in selected
        if status.marked and not status.orphan and status.name not in names and not selection.all_runs
    ]
    known_as_gone = {row.name for row in context.registry.servers("gone")}
    absent = [name for name in dict.fromkeys(names) if name not in by_name]
    left = _look_up(context, backend, survey, [name for name in absent if name not in known_as_gone])
    left += [(status.name, f"left alone: {status.never}") for status in named if status.never]
    gone = [name for name in absent if name not in dict(left)]
    remarks += [f"{name}: no server of ours has this name (any more)." for name in gone]
    others = ", ".join(status.name for status in statuses if status.orphan and status not in servers)
    if others:
        remarks.append(f"Other leftovers: {others}. Every leftover is selected by --all-runs.")
    is_whole = bool(names) and selection.is_empty  # a name that could not be looked up is among those left
    return Choice(servers, frozenset(names), len(gone), remarks, left, () if is_whole else survey.unseen)


def _look_up(
    context: Context, backend: Backend, survey: Survey, names: Sequence[str]
) -> list[tuple[str, str]]:
    """Return which of these names, none of which was surveyed, are left alone, and why: those not gone."""
    left = []
    for name in names:
        why = None
        if survey.foreign is not None:
            try:
                why = backend.why_left(context, name)
            except ProviderError as error:
                why = f"whose it is could not be looked up: {error}"
        if why is None and survey.unseen:
            places = "; ".join(f"{one.what} could not be looked at: {one.why}" for one in survey.unseen)
            why = f"whether it is there is not known. {places}"
        if why:
            left.append((name, f"left alone: {why}"))
    return left


def with_ids(context: Context, selection: Selection, statuses: Sequence[ServerStatus]) -> Selection:
    """Return a selection with ids for the names of runs that the registry or the marks of a server tell."""
    marked = [Label(status.run_id, status.task_name or "") for status in statuses if status.run_id]
    return expand(selection, [*marked, *context.registry.runs()])


def of_runs(statuses: Sequence[ServerStatus], selection: Selection) -> list[ServerStatus]:
    """Return the servers of the selected runs, orphans or not; without a selection every server."""
    if selection.is_empty:
        return list(statuses)
    return [status for status in statuses if _means(selection, status, ())]


def _means(selection: Selection, status: ServerStatus, known_runs: Collection[str]) -> bool:
    if status.run_id is None:
        return False
    if selection.all_runs:
        return True
    if selection.is_empty:
        return status.orphan and status.run_id in known_runs
    task_name = status.task_name or ""
    return status.run_id in selection.runs or any(
        fnmatch.fnmatchcase(task_name, glob) for glob in selection.task_names
    )


def _check_runs(
    selection: Selection,
    selected: Sequence[ServerStatus],
    known_runs: set[str],
    not_looked_at: Sequence[Unseen],
) -> None:
    known = known_runs | {status.run_id for status in selected if status.run_id}
    for run_id in selection.runs:
        if run_id not in known:
            text = f"Neither the registry nor any server knows a run {run_id!r}. See them all: make runs."
            raise unseen.no_such(text, not_looked_at)


def is_living(context: Context, run_id: str) -> bool:
    """Return whether a run is attended or detached at this moment; a lost registry does not end a run."""
    run = context.registry.run(run_id)
    if run is None:
        return locks.holder_of(context.settings.home, run_id) is not None
    return locks.condition(context.settings.home, run) in LIVING
