"""Selection."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from crowdops.config.settings import Selection, Settings
from crowdops.errors import UsageError
from crowdops.registry import Registry, Run


def choose(registry: Registry, settings: Settings, selection: Selection) -> tuple[Settings, list[Run]]:
    """Return the selected runs and the settings with the runs' own environment and endpoint.

    An empty selection, like --all-runs, means the runs of the environment at hand. UsageError names a
    selector that matches nothing, and runs that do not share one endpoint.
    """
    chosen = select(registry, selection)
    if selection.is_empty or selection.all_runs:
        return settings, [run for run in chosen if run.endpoint == settings.endpoint]
    endpoints = {(run.environment, run.endpoint) for run in chosen}
    if len(endpoints) > 1:
        places = ", ".join(f"{run.run_id} ({run.environment}, {run.endpoint})" for run in chosen)
        raise UsageError(f"These runs are not at one endpoint: {places}. Name those of one endpoint: --run.")
    environment, endpoint = endpoints.pop()
    return settings._replace(environment=environment, endpoint=endpoint), chosen


def select(registry: Registry, selection: Selection) -> list[Run]:
    """Return the selected runs, wherever they are; all of them if the selection is empty.

    UsageError names a selector that matches nothing.
    """
    every = registry.runs()
    if selection.is_empty or selection.all_runs:
        return every
    chosen = {run.run_id: run for glob in selection.task_names for run in _named(every, glob)}
    for run_id in selection.runs:
        chosen[run_id] = _identified(every, run_id)
    return sorted(chosen.values(), key=lambda run: run.run_id)


def _named(every: Sequence[Run], glob: str) -> list[Run]:
    found = [run for run in every if fnmatch.fnmatchcase(run.task_name, glob)]
    if not found:
        raise UsageError(f"No run has a task_name like {glob!r}. See them all: make runs")
    return found


def _identified(every: Sequence[Run], run_id: str) -> Run:
    for run in every:
        if run.run_id == run_id:
            return run
    raise UsageError(f"The registry has no run {run_id!r}. See them all: make runs")
