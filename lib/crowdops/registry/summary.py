"""What the registry knows of a run, as the row of a table and as a JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from crowdops.console import terminal
from crowdops.console.colour import of_words
from crowdops.console.columns import Column, Show
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


def _brief_state(summary: Summary) -> str:
    return summary.condition if summary.condition in ("crashed", "detached") else summary.run.state


def _answered(summary: Summary) -> str:
    return f"{summary.tally.answered} of {summary.run.units}"


def urgency(summary: Summary) -> int:
    """Return a number by which what needs somebody comes first: crashed, then what is out, then the rest."""
    if summary.condition == "crashed":
        return 0
    return 1 if summary.condition != "ended" or summary.tally.outstanding else 2


COLUMNS: list[Column[Summary]] = [
    Column("run_id", "run", lambda summary: summary.run.run_id, is_id=True),
    Column("task_name", "task_name", lambda summary: summary.run.task_name),
    Column(None, "state", _state, show=Show.WIDE, meaning=of_words),
    Column(None, "state", _brief_state, show=Show.BRIEF, meaning=of_words),
    Column("environment", "environment", lambda summary: summary.run.environment, show=Show.WIDE),
    Column("endpoint", None, lambda summary: summary.run.endpoint),
    Column("state", None, lambda summary: summary.run.state),
    Column("condition", None, lambda summary: summary.condition),
    Column("attended", None, lambda summary: summary.condition == "attended"),
    Column("units", "units", lambda summary: summary.run.units, show=Show.WIDE),
    Column("unit_states", None, lambda summary: summary.unit_states),
    Column(None, "answered", _answered, show=Show.BRIEF),
    Column("answered", "answered", lambda summary: summary.tally.answered, show=Show.WIDE),
    Column("unanswered", "unanswered", lambda summary: summary.tally.unanswered, show=Show.WIDE),
    Column("never_launched", "not launched", lambda summary: summary.tally.never_launched, show=Show.WIDE),
    Column("failed", None, lambda summary: summary.tally.failed),
    Column(None, "outstanding", lambda summary: summary.tally.outstanding, show=Show.WIDE),
    Column("assignments", "answers", lambda summary: summary.assignments, show=Show.WIDE),
    Column("created_at", "created", lambda summary: summary.run.created_at),
    Column("ended_at", None, lambda summary: summary.run.ended_at),
    Column("reason", None, lambda summary: summary.run.reason),
]


def last_lines(summaries: Iterable[Summary]) -> list[str]:
    """Return what is said below a table of runs at a terminal: what to type."""
    crashed = sum(summary.condition == "crashed" for summary in summaries)
    return [f"{crashed} crashed: make recover"] if crashed and terminal.is_one(terminal.STDOUT) else []


def summarize(registry: Registry, home: Path, run: Run) -> Summary:
    """Return what the registry knows of a run."""
    counts = registry.unit_counts(run.run_id)
    assignments = registry.assignment_count(run.run_id)
    return Summary(run, condition(home, run), counts, assignments, tally(registry, run))
