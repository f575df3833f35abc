"""What the registry knows of a run, as the row of a table and as a JSON object."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from crowdops.console.columns import Column
from crowdops.registry import Registry, Run
from crowdops.registry.locks import condition


class Summary(NamedTuple):
    """A run, its condition, its units by their states, and how many of its assignments were collected."""

    run: Run
    condition: str
    unit_states: dict[str, int]
    assignments: int


def _state(summary: Summary) -> str:
    state = summary.run.state
    return state if summary.condition == "ended" else f"{state}, {summary.condition}"


def _count(summary: Summary, *states: str) -> int:
    return sum(summary.unit_states.get(state, 0) for state in states)


COLUMNS: list[Column[Summary]] = [
    Column("run_id", "run", lambda summary: summary.run.run_id),
    Column("task_name", "task_name", lambda summary: summary.run.task_name),
    Column(None, "state", _state),
    Column("environment", "environment", lambda summary: summary.run.environment),
    Column("endpoint", None, lambda summary: summary.run.endpoint),
    Column("state", None, lambda summary: summary.run.state),
    Column("condition", None, lambda summary: summary.condition),
    Column("attended", None, lambda summary: summary.condition == "attended"),
    Column("units", "units", lambda summary: summary.run.units),
    Column("unit_states", None, lambda summary: summary.unit_states),
    Column(None, "done", lambda summary: _count(summary, "finished", "disposed", "expired", "failed")),
    Column(None, "outstanding", lambda summary: _count(summary, "creating", "outstanding")),
    Column("assignments", "answers", lambda summary: summary.assignments),
    Column("created_at", "created", lambda summary: summary.run.created_at),
    Column("ended_at", None, lambda summary: summary.run.ended_at),
    Column("reason", None, lambda summary: summary.run.reason),
]


def summarize(registry: Registry, home: Path, run: Run) -> Summary:
    """Return what the registry knows of a run."""
    counts = registry.unit_counts(run.run_id)
    return Summary(run, condition(home, run), counts, registry.assignment_count(run.run_id))
