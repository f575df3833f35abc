"""Which runs, and which of their results, a command means."""

from __future__ import annotations

import fnmatch
from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from crowdops import errors
from crowdops.config.settings import Selection
from crowdops.errors import UsageError
from crowdops.registry import Registry, Result, Run

LAST = "last"
CANDIDATES_SHOWN = 10
SECONDS = 15  # characters of an id that tell when


class Label(NamedTuple):
    """What a mark tells of a run."""

    run_id: str
    task_name: str


class Labelled(Protocol):
    """Whatever stands for a run: a row of the registry, or what a mark tells."""

    @property
    def run_id(self) -> str:
        """The run's id, which begins with the time of its launch."""

    @property
    def task_name(self) -> str:
        """The run's task_name."""


Labels = TypeVar("Labels", bound=Labelled)


def find(name: str, runs: Iterable[Labels]) -> Labels | None:
    """Return the run of a name, None if there is none.

    A name is an id, `last` for the newest run, the beginning of one id, or the task_name of one run. If it
    could be several, UsageError lists them.
    """
    by_id = {run.run_id: run for run in runs}
    if not name or not by_id:
        return None
    if name in by_id:
        return by_id[name]
    if name == LAST:
        return max(by_id.values(), key=_moment)
    candidates = [run for run in by_id.values() if run.run_id.startswith(name) or run.task_name == name]
    if len(candidates) > 1:
        raise UsageError(_which(name, candidates))
    return candidates[0] if candidates else None


def _moment(run: Labelled) -> tuple[str, str, str]:
    """Return what sorts runs by their launch: to the second by the id, and to more where that is known."""
    return run.run_id[:SECONDS], str(getattr(run, "created_at", "")), run.run_id


def _which(name: str, candidates: Sequence[Labelled]) -> str:
    newest_first = sorted(candidates, key=_moment, reverse=True)
    lines = [f"  {run.run_id}  {run.task_name}" for run in newest_first[:CANDIDATES_SHOWN]]
    if len(newest_first) > CANDIDATES_SHOWN:
        lines.append(f"  and {len(newest_first) - CANDIDATES_SHOWN} older ones")
    head = f"{name!r} could be any of {len(candidates)} runs, the newest first:"
    return "\n".join([head, *lines, "Name one by its id, or by as much of it as only that one has."])


def expand(selection: Selection, runs: Iterable[Labelled]) -> Selection:
    """Return a selection with ids in place of the names of these runs; other names stay as they are."""
    known = list(runs)
    names = [(name, find(name, known)) for name in selection.runs]
    return selection._replace(runs=tuple(run.run_id if run else name for name, run in names))


def select(registry: Registry, selection: Selection) -> list[Run]:
    """Return the selected runs, wherever they are; all of them if the selection is empty.

    UsageError names a selector that matches nothing.
    """
    runs = registry.runs()
    if selection.takes_all:
        return runs
    chosen = {run.run_id: run for glob in selection.task_names for run in _runs_named(glob, runs)}
    for name in selection.runs:
        run = find(name, runs)
        if run is None:
            hint = errors.nearest(name, {word for run in runs for word in (run.run_id, run.task_name)})
            raise UsageError(f"The registry has no run {name!r}.{hint} {_what_now(runs)}")
        chosen[run.run_id] = run
    return sorted(chosen.values(), key=lambda run: run.run_id)


def _runs_named(glob: str, runs: Sequence[Run]) -> list[Run]:
    named = [run for run in runs if fnmatch.fnmatchcase(run.task_name, glob)]
    if not named:
        hint = errors.nearest(glob, {run.task_name for run in runs})
        raise UsageError(f"No run has a task_name like {glob!r}.{hint} {_what_now(runs)}")
    return named


def _what_now(runs: Sequence[Run]) -> str:
    """Return what to type where a run is not known."""
    if runs:
        return "See them all: make runs"
    return "It has no runs at all. If it was lost, make it again from what the provider has: make rebuild"


def find_result(registry: Registry, run_ids: Container[str], assignment_id: str, worker_id: str) -> Result:
    """Return a worker's assignment that was collected of these runs. UsageError says why there is none."""
    results = [result for result in registry.results_of(assignment_id) if result.run_id in run_ids]
    for result in results:
        if result.assignment.worker_id == worker_id:
            return result
    if not results:
        raise UsageError(
            "no such assignment has been collected of the selected runs; download_results collects what is"
            " there"
        )
    workers = ", ".join(result.assignment.worker_id for result in results)
    raise UsageError(f"it is the work of {workers}, not of {worker_id or 'nobody'}")
