"""Runs that are alive: whoever launches the same again may have forgotten one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings
from crowdops.formats import words
from crowdops.registry import Registry, Run, locks


class LivingRun(NamedTuple):
    """A run that is not at its end, its condition (attended, detached or crashed), and who attends it.

    `outstanding` units have HITs, or may have.
    """

    run: Run
    condition: str
    holder: str
    outstanding: int


def find(settings: Settings, parameters: Parameters) -> list[LivingRun]:
    """Return the runs of a task_name, or of the same run.toml under another one, that are alive.

    Of those in the environment at hand. A detached or crashed run that has nothing out is not alive. Calls
    nobody, and makes no registry where there is none.
    """
    if not (settings.home / "registry.db").exists():
        return []
    with Registry.open(settings.home) as registry:
        runs = [run for run in registry.open_runs() if run.environment == settings.environment]
        living = [_look_at(registry, settings, run) for run in runs if _is_same(run.parameters, parameters)]
    return [run for run in living if run.condition == "attended" or run.outstanding]


def _is_same(one: Parameters, other: Parameters) -> bool:
    return one.task_name == other.task_name or one._replace(task_name="") == other._replace(task_name="")


def _look_at(registry: Registry, settings: Settings, run: Run) -> LivingRun:
    counts = registry.unit_counts(run.run_id)
    holder = locks.holder_of(settings.home, run.run_id)
    condition = locks.condition(settings.home, run)
    who = locks.describe(holder) if holder else ""
    return LivingRun(run, condition, who, counts["creating"] + counts["outstanding"])


def describe(living: Sequence[LivingRun]) -> str:
    """Return in words which runs are alive and what can be done about each, a line each."""
    return "\n".join(map(_describe_one, living))


def _describe_one(living: LivingRun) -> str:
    run, run_id = living.run, living.run.run_id
    name, hits = f"{run.task_name} ({run_id})", words.count(living.outstanding, "HIT")
    if living.condition == "attended":
        return f"{name} is alive, attended by {living.holder}. Look: make status RUN={run_id}"
    if living.condition == "detached":
        return (
            f"{name} is alive, detached, with {hits} out. Look: make status RUN={run_id}."
            f" End it: make expire RUN={run_id}"
        )
    return f"{name} has crashed with {hits} out. Carry it on: make resume RUN={run_id}. End it: make recover"
