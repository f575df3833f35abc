"""How HITs are shown: columns of tables and JSON objects, and what is said beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from crowdops.config.settings import Settings
from crowdops.console import columns, unseen
from crowdops.console.columns import Column, yes_or_no
from crowdops.console.output import timestamp
from crowdops.hits.delete import Candidate
from crowdops.hits.differences import UNSEEN_END, Difference
from crowdops.hits.expire import Target
from crowdops.hits.status import AccountStatus, RunStatus
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Run, Server

STATUSES = ("Assignable", "Unassignable", "Reviewable", "Reviewing")
COUNTS = ("available", "pending", "submitted", "completed")


def _hit_counts(status: RunStatus) -> dict[str, int]:
    counts = {name.lower(): status.hits[name] for name in STATUSES}
    return {**counts, "missing": len(status.missing)}


def _seen(count: Callable[[RunStatus], object]) -> Callable[[RunStatus], object]:
    """Return what shows a count of the provider's; nothing where that could not be looked at."""
    return lambda status: None if status.as_of else count(status)


STATUS_COLUMNS: Sequence[Column[RunStatus]] = (
    Column("run_id", "run", lambda status: status.run.run_id),
    Column("task_name", "task_name", lambda status: status.run.task_name),
    Column(
        "state",
        "state",
        lambda status: status.run.state,
        lambda status: status.run.state + ("" if status.condition == "ended" else f", {status.condition}"),
    ),
    Column("as_of", None, lambda status: status.as_of),
    Column("endpoint", None, lambda status: status.run.endpoint),
    Column("attended", None, lambda status: status.condition == "attended"),
    Column("condition", None, lambda status: status.condition),
    Column("units", "units", lambda status: status.run.units),
    Column("answered", "answered", lambda status: status.tally and status.tally.answered),
    Column("unanswered", "unanswered", lambda status: status.tally and status.tally.unanswered),
    Column("never_launched", "not launched", lambda status: status.tally and status.tally.never_launched),
    Column("uncollected", None, _seen(lambda status: status.uncollected)),
    Column(None, "assignable", _seen(lambda status: status.hits["Assignable"])),
    Column(None, "unassignable", _seen(lambda status: status.hits["Unassignable"])),
    Column(None, "ended", _seen(lambda status: status.hits["Reviewable"] + status.hits["Reviewing"])),
    Column(None, "missing", _seen(lambda status: len(status.missing))),
    Column("hits", None, _seen(_hit_counts)),
    Column("assignments", None, _seen(lambda status: {name: status.assignments[name] for name in COUNTS})),
    Column(None, "available", _seen(lambda status: status.assignments["available"])),
    Column(None, "pending", _seen(lambda status: status.assignments["pending"])),
    Column(None, "submitted", _seen(lambda status: status.assignments["submitted"])),
    Column(None, "reviewed", _seen(lambda status: status.assignments["completed"])),
    Column("outstanding", None, lambda status: status.outstanding),
    Column("in_flight_until", None, lambda status: status.latest),
    Column(
        "safe_to_shut_down",
        "safe",
        lambda status: status.is_safe,
        lambda status: "not known" if status.as_of else yes_or_no(status.is_safe),
    ),
)
HIT_COLUMNS: Sequence[Column[Hit]] = (
    Column("hit_id", "HIT", lambda hit: hit.hit_id),
    Column("run_id", "run", lambda hit: hit.mark and hit.mark.run_id),
    Column("unit_index", "unit", lambda hit: hit.mark and hit.mark.unit_index),
    Column("status", "status", lambda hit: hit.status),
    Column("available", "available", lambda hit: hit.acceptable),
    Column("pending", "pending", lambda hit: hit.pending),
    Column("submitted", "submitted", lambda hit: hit.submitted),
    Column("completed", "completed", lambda hit: hit.completed),
    Column("expiration", "expires", lambda hit: timestamp(hit.expiration)),
)
SERVER_COLUMNS: Sequence[Column[Server]] = (
    Column("name", "server", lambda server: server.name),
    Column("kind", "kind", lambda server: server.kind),
    Column("run_id", "run", lambda server: server.run_id),
)


def status_document(
    status: AccountStatus, settings: Settings, api_calls: int, *, details: bool
) -> dict[str, Any]:
    """Return the status of an account as the JSON document that others build on."""
    is_one = len(status.places) == 1 and not status.unseen
    place = status.places[0] if is_one else settings
    document = {
        "environment": place.environment,
        "endpoint": place.endpoint,
        "checked_at": datetime.now(UTC),
        "api_calls": api_calls,
        "runs": columns.documents(STATUS_COLUMNS, status.runs),
        "orphan_hits": status.orphan_hits,
        "foreign_hits": status.foreign_hits,
        "places": [place._asdict() for place in status.places],
        "orphan_servers": columns.documents(SERVER_COLUMNS, status.orphan_servers),
        "not_looked_at": unseen.documents(status.unseen),
    }
    return document | {"hits": columns.documents(HIT_COLUMNS, status.outstanding)} if details else document


def status_verdict(status: AccountStatus, settings: Settings) -> str:
    """Return in words whether it is safe to shut down, and what to type if it is not."""
    unsafe = [run for run in status.runs if not run.is_safe]
    lines = [_headline(status, unsafe, settings), *map(_unsafe_line, unsafe)]
    if status.orphan_hits:
        lines += _orphan_lines(status)
    lines += [
        f"The task server {server.name} is up by the registry, and its run {server.run_id} has no process."
        " Take it down: make recover"
        for server in status.orphan_servers
    ]
    if status.foreign_hits:
        lines.append(f"{status.foreign_hits} HITs of the account are not ours; they are left alone.")
    return "\n".join(lines)


def _headline(status: AccountStatus, unsafe: Sequence[RunStatus], settings: Settings) -> str:
    """Return the answer in one line."""
    if status.unseen:
        return "Whether it is safe to shut down is not known: not everything could be looked at."
    if not status.runs and status.orphan_servers:
        return "No run has anything outstanding, but task servers are left over."
    if not status.runs:
        return f"No runs at {settings.endpoint}."
    if not unsafe:
        return "Nothing is available or pending: it is safe to shut down."
    conditions = Counter(run.condition for run in unsafe)
    counts = ", ".join(f"{count} {condition}" for condition, count in conditions.items())
    return f"It is not safe to shut down. Runs with something outstanding: {counts}."


def _unsafe_line(status: RunStatus) -> str:
    run_id = status.run.run_id
    name, outstanding = f"{run_id} ({status.run.task_name})", f"{status.outstanding} HITs outstanding"
    if status.as_of:
        return f"{name}: {outstanding} as of {timestamp(status.as_of)}, by the registry; now it is not known."
    what = f"{name} is {status.condition}, {outstanding}."
    if status.condition == "attended":
        return (
            f"{what} Stop it where it runs: Ctrl-C, or SIGTERM; or from here:"
            f" make expire RUN={run_id} ARGS=--stop-run"
        )
    if status.condition == "crashed":
        return f"{what} Carry it on: make resume RUN={run_id}, or end it: make recover"
    if not status.outstanding:
        return (
            f"{name} is {status.condition}, and {status.uncollected} answers are not collected."
            f" Collect them: make results RUN={run_id}"
        )
    if status.latest and not status.hits["Assignable"]:
        return (
            f"{what} They are in workers' hands until {timestamp(status.latest)} at the latest."
            f" Then: make results RUN={run_id}"
        )
    return f"{what} End {'it' if status.condition == 'detached' else 'them'}: make expire RUN={run_id}"


def _orphan_lines(status: AccountStatus) -> list[str]:
    """Return what to type about HITs that have no living run."""
    lines, known = [], status.orphan_hits - status.unknown_hits
    if known:
        lines.append(
            f"{known} outstanding HITs carry our mark and have no living run. Take them down: make recover"
        )
    if status.unknown_hits:
        lines.append(
            f"{status.unknown_hits} outstanding HITs carry our mark and are of runs that this registry does"
            " not know. See which: make recover ARGS=--dry-run"
        )
    return lines


def expire_columns(conditions: Mapping[str, str], targets: Sequence[Target]) -> Sequence[Column[Run]]:
    """Return what is shown of runs whose HITs are to be expired."""
    counts = Counter(target.run_id for target in targets)
    return (
        Column(None, "run", lambda run: run.run_id),
        Column(None, "task_name", lambda run: run.task_name),
        Column(None, "state", lambda run: f"{run.state}, {conditions[run.run_id]}"),
        Column(None, "HITs to expire", lambda run: counts[run.run_id]),
    )


def delete_columns(ready: Sequence[Candidate], held: Sequence[Candidate]) -> Sequence[Column[Run]]:
    """Return what is shown of runs whose HITs are to be deleted."""
    counts = Counter(candidate.run_id for candidate in ready)
    return (
        Column(None, "run", lambda run: run.run_id),
        Column(None, "task_name", lambda run: run.task_name),
        Column(None, "to delete", lambda run: counts[run.run_id]),
        Column(None, "held back", lambda run: sum(candidate.run_id == run.run_id for candidate in held)),
        Column(None, "because", lambda run: _reasons(held, run.run_id)),
    )


def _reasons(held: Sequence[Candidate], run_id: str) -> str:
    reasons = [(candidate.held or "").partition(":")[0] for candidate in held if candidate.run_id == run_id]
    return ", ".join(f"{count}: {reason}" for reason, count in Counter(reasons).most_common())


def mend_command(difference: Difference) -> str:
    """Return what to type to put a difference right."""
    if difference.kind is UNSEEN_END:
        return f"make results RUN={difference.run.run_id}"
    return f"make broken RUN={difference.run.run_id} ARGS=--mend"


DIFFERENCE_COLUMNS: Sequence[Column[Difference]] = (
    Column("run_id", "run", lambda difference: difference.run.run_id),
    Column("task_name", None, lambda difference: difference.run.task_name),
    Column("unit_index", "unit", lambda difference: difference.unit_index),
    Column("kind", None, lambda difference: difference.kind.word),
    Column(
        "registry", "registry", lambda difference: difference.unit.state if difference.unit else "unknown"
    ),
    Column("provider", "provider", lambda difference: difference.hit.status if difference.hit else "gone"),
    Column("hit_id", "HIT", lambda difference: difference.hit_id),
    Column("reason", "why", lambda difference: difference.kind.reason),
    Column("command", "mend", mend_command),
)


def difference_remarks(differences: Sequence[Difference], unknown_hits: int) -> list[str]:
    """Return what there is to say beside the table of differences."""
    lines = [] if differences else ["Registry and provider say the same of every unit."]
    if unknown_hits:
        lines.append(
            f"{unknown_hits} HITs carry the mark of runs that this registry does not know."
            " Which these are: make rebuild ARGS='--all-runs --dry-run'"
        )
    return lines
