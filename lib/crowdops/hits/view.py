"""How HITs are shown: columns of tables and JSON objects, and what is said beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from crowdops.config.settings import Selection, Settings
from crowdops.console import columns, terminal, times, unseen
from crowdops.console.colour import good_if_yes, of_words
from crowdops.console.columns import Column, Show, yes_or_no
from crowdops.console.terminal import STDOUT
from crowdops.formats import words
from crowdops.hits.delete import Candidate
from crowdops.hits.expire import Target
from crowdops.hits.status import AccountStatus, RunStatus, uncollected_words
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


def _wide(heading: str, count: Callable[[RunStatus], object]) -> Column[RunStatus]:
    return Column(None, heading, _seen(count), show=Show.WIDE)


def _state(status: RunStatus) -> str:
    return status.run.state + ("" if status.condition == "ended" else f", {status.condition}")


def brief_state(state: str, condition: str) -> str:
    """Return the one word that says most of a run: its condition without a process, else its state."""
    return condition if condition in ("crashed", "detached") else state


def _answered(status: RunStatus) -> str:
    return f"{status.tally.answered} of {status.run.units}" if status.tally else ""


STATUS_COLUMNS: Sequence[Column[RunStatus]] = (
    Column("run_id", "run", lambda status: status.run.run_id, is_id=True),
    Column("task_name", "task_name", lambda status: status.run.task_name),
    Column("state", "state", lambda status: status.run.state, _state, Show.WIDE, meaning=of_words),
    Column(
        None,
        "state",
        lambda status: brief_state(status.run.state, status.condition),
        show=Show.BRIEF,
        meaning=of_words,
    ),
    Column("as_of", None, lambda status: status.as_of),
    Column("endpoint", None, lambda status: status.run.endpoint),
    Column("attended", None, lambda status: status.condition == "attended"),
    Column("condition", None, lambda status: status.condition),
    Column("units", "units", lambda status: status.run.units, show=Show.WIDE),
    Column(None, "answered", _answered, show=Show.BRIEF),
    Column("answered", "answered", lambda status: status.tally and status.tally.answered, show=Show.WIDE),
    Column(
        "unanswered", "unanswered", lambda status: status.tally and status.tally.unanswered, show=Show.WIDE
    ),
    Column(
        "never_launched",
        "not launched",
        lambda status: status.tally and status.tally.never_launched,
        show=Show.WIDE,
    ),
    Column("uncollected", None, _seen(lambda status: status.uncollected)),
    _wide("assignable", lambda status: status.hits["Assignable"]),
    _wide("unassignable", lambda status: status.hits["Unassignable"]),
    _wide("ended", lambda status: status.hits["Reviewable"] + status.hits["Reviewing"]),
    _wide("missing", lambda status: len(status.missing)),
    Column("hits", None, _seen(_hit_counts)),
    Column("assignments", None, _seen(lambda status: {name: status.assignments[name] for name in COUNTS})),
    _wide("available", lambda status: status.assignments["available"]),
    _wide("pending", lambda status: status.assignments["pending"]),
    _wide("submitted", lambda status: status.assignments["submitted"]),
    _wide("reviewed", lambda status: status.assignments["completed"]),
    Column("outstanding", None, lambda status: status.outstanding),
    Column(None, "outstanding", lambda status: status.outstanding, show=Show.BRIEF),
    Column("in_flight_until", None, lambda status: status.latest),
    Column(
        "safe_to_shut_down",
        "safe",
        lambda status: status.is_safe,
        lambda status: "not known" if status.as_of else yes_or_no(status.is_safe),
        meaning=good_if_yes,
    ),
)
HIT_COLUMNS: Sequence[Column[Hit]] = (
    Column("hit_id", "HIT", lambda hit: hit.hit_id, is_id=True),
    Column("run_id", "run", lambda hit: hit.mark and hit.mark.run_id, is_id=True, show=Show.WIDE),
    Column("unit_index", "unit", lambda hit: hit.mark and hit.mark.unit_index),
    Column("status", "status", lambda hit: hit.status, meaning=of_words),
    Column("available", "available", lambda hit: hit.acceptable, show=Show.WIDE),
    Column("pending", "pending", lambda hit: hit.pending),
    Column("submitted", "submitted", lambda hit: hit.submitted, show=Show.WIDE),
    Column("completed", "completed", lambda hit: hit.completed, show=Show.WIDE),
    Column("expiration", "expires", lambda hit: hit.expiration),
)
SERVER_COLUMNS: Sequence[Column[Server]] = (
    Column("name", "server", lambda server: server.name),
    Column("kind", "kind", lambda server: server.kind),
    Column("run_id", "run", lambda server: server.run_id),
)


def urgency(status: RunStatus) -> int:
    """Return a number by which what needs somebody comes first: crashed, then what is out, then the rest."""
    if status.condition == "crashed":
        return 0
    return 2 if status.is_safe else 1


def hidden_runs(status: AccountStatus, selection: Selection, *, every: bool) -> list[RunStatus]:
    """Return the runs that a terminal is spared: those that are over, unless they or all were asked for."""
    if every or not selection.is_empty or not terminal.is_one(STDOUT):
        return []
    return [run for run in status.runs if run.condition == "ended" and run.is_safe]


def last_lines(runs: Sequence[RunStatus], hidden: Sequence[RunStatus]) -> list[str]:
    """Return what is said below a table at a terminal: what to type, and what is not shown."""
    if not terminal.is_one(STDOUT):
        return []
    crashed = sum(run.condition == "crashed" for run in runs)
    lines = [f"{crashed} crashed: make recover"] if crashed else []
    if hidden:
        are = words.choose(len(hidden), "is", "are")
        lines.append(f"{words.count(len(hidden), 'ended run')} {are} not shown: make status ARGS=--all")
    return lines


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
        "nobody_qualifies": sorted(status.lacking),
        "not_looked_at": unseen.documents(status.unseen),
    }
    return document | {"hits": columns.documents(HIT_COLUMNS, status.outstanding)} if details else document


def status_verdict(status: AccountStatus, settings: Settings) -> str:
    """Return in words whether it is safe to shut down, and what to type if it is not."""
    unsafe = [run for run in status.runs if not run.is_safe]
    lines = [_headline(status, unsafe, settings), *map(_unsafe_line, unsafe), *_orphan_lines(status)]
    lines += [
        f"The task server {server.name} is up by the registry, and its run {server.run_id} has no process."
        " Take it down: make recover"
        for server in status.orphan_servers
    ]
    lines += [f"{run_id}: {why}. Why: make diagnose RUN={run_id}" for run_id, why in status.lacking.items()]
    if status.foreign_hits:
        lines.append(foreign_words(status.foreign_hits))
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
    name = f"{run_id} ({status.run.task_name})"
    outstanding = f"{words.count(status.outstanding, 'HIT')} outstanding"
    if status.as_of:
        as_of = times.said(status.as_of)
        return f"{name}: {outstanding} as of {as_of}, by the registry; now it is not known."
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
            f"{name} is {status.condition}, and {uncollected_words(status.uncollected)}"
            f" make results RUN={run_id}"
        )
    if status.latest and not status.hits["Assignable"]:
        return (
            f"{what} {words.choose(status.outstanding, 'It is', 'They are')} in workers' hands until"
            f" {times.said(status.latest)} at the latest."
            f" Then: make results RUN={run_id}"
        )
    is_single = status.condition == "detached" or status.outstanding == 1
    return f"{what} End {'it' if is_single else 'them'}: make expire RUN={run_id}"


def foreign_words(count: int) -> str:
    """Return in words how many HITs of an account are not ours."""
    are = words.choose(count, "is not ours; it is", "are not ours; they are")
    return f"{words.count(count, 'HIT')} of the account {are} left alone."


def _orphan_lines(status: AccountStatus) -> list[str]:
    """Return what to type about HITs that have no living run, but for those of runs that have a line."""
    orphaned = [run for run in status.runs if not run.as_of and run.condition not in ("attended", "detached")]
    told = sum(run.outstanding for run in orphaned)
    lines, known = [], status.orphan_hits - status.unknown_hits - told
    if known > 0:
        carry = words.choose(known, "carries our mark and has", "carry our mark and have")
        lines.append(
            f"{words.count(known, 'more outstanding HIT' if told else 'outstanding HIT')} {carry}"
            f" no living run. Take {words.choose(known, 'it', 'them')} down: make recover"
        )
    if unknown := status.unknown_hits:
        carry = words.choose(unknown, "carries our mark and is", "carry our mark and are")
        lines.append(
            f"{words.count(unknown, 'outstanding HIT')} {carry} of runs that this registry does not know."
            " See which: make recover ARGS=--dry-run"
        )
    return lines


def expire_columns(conditions: Mapping[str, str], targets: Sequence[Target]) -> Sequence[Column[Run]]:
    """Return what is shown of runs whose HITs are to be expired."""
    counts = Counter(target.run_id for target in targets)
    return (
        Column(None, "run", lambda run: run.run_id, is_id=True),
        Column(None, "task_name", lambda run: run.task_name),
        Column(None, "state", lambda run: f"{run.state}, {conditions[run.run_id]}", meaning=of_words),
        Column(None, "HITs to expire", lambda run: counts[run.run_id]),
    )


def delete_columns(ready: Sequence[Candidate], held: Sequence[Candidate]) -> Sequence[Column[Run]]:
    """Return what is shown of runs whose HITs are to be deleted."""
    counts = Counter(candidate.run_id for candidate in ready)
    return (
        Column(None, "run", lambda run: run.run_id, is_id=True),
        Column(None, "task_name", lambda run: run.task_name),
        Column(None, "to delete", lambda run: counts[run.run_id]),
        Column(None, "held back", lambda run: sum(candidate.run_id == run.run_id for candidate in held)),
        Column(None, "because", lambda run: _reasons(held, run.run_id)),
    )


def _reasons(held: Sequence[Candidate], run_id: str) -> str:
    reasons = [(candidate.held or "").partition(":")[0] for candidate in held if candidate.run_id == run_id]
    return ", ".join(f"{count}: {reason}" for reason, count in Counter(reasons).most_common())
