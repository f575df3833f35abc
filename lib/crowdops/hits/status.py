"""What an account holds of our runs, and whether it is safe to shut down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from crowdops.config.settings import Settings
from crowdops.console.output import timestamp
from crowdops.context import Context
from crowdops.providers.mturk.client import LISTING_LAG, Hit
from crowdops.registry import Run

HEADERS = (
    *("run", "task_name", "state", "units", "assignable", "unassignable", "ended", "missing"),
    *("available", "pending", "submitted", "reviewed", "safe"),
)
DETAIL_HEADERS = ("HIT", "run", "unit", "status", "available", "pending", "submitted", "completed", "expires")
_ORPHANED = ("crashed", "ended", "unknown")


class RunStatus(NamedTuple):
    """What a run has at the provider. `hits` counts by HIT status, `assignments` by state."""

    run: Run
    condition: str
    hits: Counter[str]
    assignments: Counter[str]
    missing: list[str]

    @property
    def outstanding(self) -> int:
        """HITs that can be accepted or are being worked on."""
        return self.hits["Assignable"] + self.hits["Unassignable"]

    @property
    def is_safe(self) -> bool:
        """Nobody can accept or submit anything, and no process is about to launch more."""
        return self.outstanding == 0 and self.condition != "attended"


class Status(NamedTuple):
    """What an account has: per run, how much of ours has no living run, and how much is not ours."""

    runs: list[RunStatus]
    orphan_hits: int
    foreign_hits: int
    outstanding: list[Hit]


def read(
    context: Context, runs: Sequence[Run], conditions: Mapping[str, str], *, details: bool = False
) -> Status:
    """Return what the account has of these runs, with one walk over ListHITs however many runs there are.

    `conditions` has every run of the registry. With `details` the outstanding HITs of the runs are kept.
    """
    hits: dict[str, Counter[str]] = {run.run_id: Counter() for run in runs}
    assignments: dict[str, Counter[str]] = {run.run_id: Counter() for run in runs}
    seen: dict[str, set[str]] = {run.run_id: set() for run in runs}
    orphans, foreign, outstanding = 0, 0, []
    for hit in context.provider.iter_hits():
        mark = hit.mark
        if mark is None:
            foreign += 1
            continue
        orphans += hit.is_outstanding and conditions.get(mark.run_id, "unknown") in _ORPHANED
        if mark.run_id not in hits:
            continue
        hits[mark.run_id][hit.status] += 1
        assignments[mark.run_id].update(
            available=hit.available, pending=hit.pending, submitted=hit.submitted, completed=hit.completed
        )
        seen[mark.run_id].add(hit.hit_id)
        if details and hit.is_outstanding:
            outstanding.append(hit)
    before = datetime.now(UTC) - LISTING_LAG
    return Status(
        [
            RunStatus(
                *(run, conditions[run.run_id], hits[run.run_id], assignments[run.run_id]),
                context.registry.missing_hits(run.run_id, seen[run.run_id], before),
            )
            for run in runs
        ],
        *(orphans, foreign, outstanding),
    )


def only_left_over(status: Status) -> Status:
    """Return the part that cron should hear of: crashed runs with something outstanding."""
    return status._replace(
        runs=[run for run in status.runs if run.condition == "crashed" and run.outstanding]
    )


def rows(status: Status) -> list[tuple[object, ...]]:
    """Return the table's rows for HEADERS."""
    return [
        (
            *(
                found.run.run_id,
                found.run.task_name,
                describe_state(found.run, found.condition),
                found.run.units,
            ),
            *(found.hits["Assignable"], found.hits["Unassignable"]),
            *(found.hits["Reviewable"] + found.hits["Reviewing"], len(found.missing)),
            *(found.assignments[name] for name in ("available", "pending", "submitted", "completed")),
            "yes" if found.is_safe else "no",
        )
        for found in status.runs
    ]


def detail_rows(status: Status) -> list[tuple[object, ...]]:
    """Return the table's rows for DETAIL_HEADERS: one an outstanding HIT."""
    return [tuple(_hit_document(hit).values()) for hit in status.outstanding]


def describe_state(run: Run, condition: str) -> str:
    """Return a run's state with what it is doing, where the state alone does not say it."""
    return run.state if condition == "ended" else f"{run.state}, {condition}"


def verdict(status: Status, settings: Settings) -> str:
    """Return in words whether it is safe to shut down, and what to type if it is not."""
    unsafe = [found for found in status.runs if not found.is_safe]
    lines = []
    if not status.runs:
        lines.append(f"No runs at {settings.endpoint}.")
    elif not unsafe:
        lines.append("Nothing is available or pending: it is safe to shut down.")
    for found in unsafe:
        lines.append(_unsafe_line(found))
    if status.orphan_hits:
        lines.append(
            f"{status.orphan_hits} outstanding HITs carry our mark and have no living run."
            " End those of known runs: make expire RUN=RUN_ID"
        )
    if status.foreign_hits:
        lines.append(f"{status.foreign_hits} HITs of the account are not ours; they are left alone.")
    return "\n".join(lines)


def _unsafe_line(found: RunStatus) -> str:
    run, name = found.run, f"{found.run.run_id} ({found.run.task_name})"
    what = f"{found.outstanding} HITs outstanding"
    if found.condition == "attended":
        return f"{name} is attended, {what}. Stop it where it runs: Ctrl-C, or SIGTERM."
    if found.condition == "detached":
        return f"{name} is detached, {what}. End it: make expire RUN={run.run_id}"
    return f"{name} is {found.condition}, {what}. End them: make expire RUN={run.run_id}"


def document(status: Status, settings: Settings, api_calls: int, *, details: bool) -> dict[str, Any]:
    """Return the status as the JSON document that others build on."""
    found = {
        "environment": settings.environment,
        "endpoint": settings.endpoint,
        "checked_at": datetime.now(UTC),
        "api_calls": api_calls,
        "runs": [_run_document(run) for run in status.runs],
        "orphan_hits": status.orphan_hits,
        "foreign_hits": status.foreign_hits,
    }
    return found | {"hits": [_hit_document(hit) for hit in status.outstanding]} if details else found


def _run_document(found: RunStatus) -> dict[str, Any]:
    run = found.run
    return {
        "run_id": run.run_id,
        "task_name": run.task_name,
        "state": run.state,
        "attended": found.condition == "attended",
        "condition": found.condition,
        "units": run.units,
        "hits": {
            **{
                name.lower(): found.hits[name]
                for name in ("Assignable", "Unassignable", "Reviewable", "Reviewing")
            },
            "missing": len(found.missing),
        },
        "assignments": {
            name: found.assignments[name] for name in ("available", "pending", "submitted", "completed")
        },
        "outstanding": found.outstanding,
        "safe_to_shut_down": found.is_safe,
    }


def _hit_document(hit: Hit) -> dict[str, Any]:
    mark = hit.mark
    return {
        "hit_id": hit.hit_id,
        "run_id": mark.run_id if mark else None,
        "unit_index": mark.unit_index if mark else None,
        "status": hit.status,
        "available": hit.available,
        "pending": hit.pending,
        "submitted": hit.submitted,
        "completed": hit.completed,
        "expiration": timestamp(hit.expiration),
    }
