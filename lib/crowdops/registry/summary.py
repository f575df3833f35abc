"""Summary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crowdops.registry import Registry, Run
from crowdops.registry.locks import condition

SUMMARY_HEADERS = (
    "run",
    "task_name",
    "state",
    "environment",
    "units",
    "done",
    "outstanding",
    "answers",
    "created",
)


def summary(registry: Registry, home: Path, run: Run) -> dict[str, Any]:
    """Return what the registry knows of a run, as a JSON object."""
    counts = registry.unit_counts(run.run_id)
    now = condition(home, run)
    return {
        "run_id": run.run_id,
        "task_name": run.task_name,
        "environment": run.environment,
        "endpoint": run.endpoint,
        "state": run.state,
        "condition": now,
        "attended": now == "attended",
        "units": run.units,
        "unit_states": counts,
        "assignments": registry.assignment_count(run.run_id),
        "created_at": run.created_at,
        "ended_at": run.ended_at,
        "reason": run.reason,
    }


def summary_row(found: dict[str, Any]) -> tuple[object, ...]:
    """Return a summary as the row of a table under SUMMARY_HEADERS."""
    counts = found["unit_states"]
    done = sum(counts.get(state, 0) for state in ("finished", "disposed", "expired", "failed"))
    state = found["state"] if found["condition"] == "ended" else f"{found['state']}, {found['condition']}"
    return (
        *(found["run_id"], found["task_name"], state, found["environment"], found["units"]),
        *(
            done,
            counts.get("creating", 0) + counts.get("outstanding", 0),
            found["assignments"],
            found["created_at"],
        ),
    )
