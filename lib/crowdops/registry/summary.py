"""What the registry knows of a run, as the row of a table and as a JSON object."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from crowdops.console.columns import Column
from crowdops.registry import Registry, Run
from crowdops.registry.locks import condition
from crowdops.registry.tally import Tally, tally


class Summary(NamedTuple):
    """A run, its condition, its units by their states, and how many of its assignments were collected.

    `tally` says what became of its units.
    """

    run: Run
    condition: str
    unit_states: dict[str, int]
    assignments: int
    tally: Tally


def _state(summary: Summary) -> str:
    state = summary.run.state
    return state if summary.condition == "ended" else f"{state}, {summary.condition}"


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
    Column("answered", "answered", lambda summary: summary.tally.answered),
    Column("unanswered", "unanswered", lambda summary: summary.tally.unanswered),
    Column("never_launched", "not launched", lambda summary: summary.tally.never_launched),
    Column("failed", None, lambda summary: summary.tally.failed),
    Column(None, "outstanding", lambda summary: summary.tally.outstanding),
    Column("assignments", "answers", lambda summary: summary.assignments),
    Column("created_at", "created", lambda summary: summary.run.created_at),
    Column("ended_at", None, lambda summary: summary.run.ended_at),
    Column("reason", None, lambda summary: summary.run.reason),
]


def summarize(registry: Registry, home: Path, run: Run) -> Summary:
    """Return what the registry knows of a run."""
    counts = registry.unit_counts(run.run_id)
    assignments = registry.assignment_count(run.run_id)
    return Summary(run, condition(home, run), counts, assignments, tally(registry, run))
