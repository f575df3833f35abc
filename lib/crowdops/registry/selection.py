"""Which runs, and which of their results, a command means."""

from __future__ import annotations

import fnmatch
from collections.abc import Container, Sequence

from crowdops import errors
from crowdops.config.settings import Selection
from crowdops.errors import UsageError
from crowdops.registry import Registry, Result, Run


def select(registry: Registry, selection: Selection) -> list[Run]:
    """Return the selected runs, wherever they are; all of them if the selection is empty.

    UsageError names a selector that matches nothing.
    """
    runs = registry.runs()
    if selection.takes_all:
        return runs
    chosen = {run.run_id: run for glob in selection.task_names for run in _runs_named(glob, runs)}
    by_id = {run.run_id: run for run in runs}
    for run_id in selection.runs:
        if run_id not in by_id:
            raise UsageError(f"The registry has no run {run_id!r}. {_what_now(runs)}")
        chosen[run_id] = by_id[run_id]
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
