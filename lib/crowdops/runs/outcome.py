"""How runs end, in words, as JSON and as an exit code."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from crowdops.console.output import timestamp
from crowdops.payments import pricing
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Registry

LAUNCHED_STATES = ("outstanding", "finished", "disposed", "expired")


class Ending(NamedTuple):
    """How a run ended. `in_flight` are HITs with accepted work, and when it can be submitted at the latest."""

    run_id: str
    state: str
    reason: str | None
    in_flight: list[tuple[Hit, datetime]]


def document(registry: Registry, ending: Ending, api_calls: int, seconds: float) -> dict[str, Any]:
    """Return how a run ended, as the JSON document that others build on."""
    run = registry.run(ending.run_id)
    assert run is not None
    parameters = run.parameters
    counts = registry.unit_counts(run.run_id)
    statuses = registry.status_counts(run.run_id)
    assignments = sum(statuses.values())
    each = pricing.assignment_cost(parameters, run.environment)
    return {
        "run_id": run.run_id,
        "task_name": run.task_name,
        "state": ending.state,
        "reason": ending.reason,
        "units": run.units,
        "launched": sum(counts.get(state, 0) for state in LAUNCHED_STATES),
        "finished": counts.get("finished", 0),
        "failed": counts.get("failed", 0),
        "assignments": assignments,
        "cost": each * (assignments - statuses.get("Rejected", 0)),
        "api_calls": api_calls,
        "seconds": round(seconds, 3),
    }


def closing_words(found: dict[str, Any], ending: Ending) -> str:
    """Return what happened and what to type next, for people."""
    run_id = found["run_id"]
    lines = [
        f"{found['task_name']} is {found['state']}: {found['finished']} of {found['units']} units have answers,"
        f" {found['assignments']} assignments, ${found['cost']}, {found['api_calls']} API calls,"
        f" {found['seconds']:.1f} s."
    ]
    if ending.reason:
        lines.append(f"Why: {ending.reason}")
    for hit, latest in ending.in_flight:
        lines.append(
            f"HIT {hit.hit_id}: {hit.pending} accepted, not submitted; possible until {timestamp(latest)} at the latest."
        )
    if ending.state == "stopped":
        lines.append("Collect what is submitted after this:")
    if ending.state == "running":
        lines.append(f"It needs no process. Look: make status RUN={run_id}. End it: make expire RUN={run_id}")
    lines.append(f"Results: make results RUN={run_id}")
    return "\n".join(lines)


def exit_code(found: dict[str, Any]) -> int:
    """Return 0 for a run that went as it was asked to, 130 for one that was stopped, 1 for the others."""
    if found["state"] == "stopped":
        return 130
    return 1 if found["reason"] or found["failed"] else 0
