"""What can be said of a task server at one moment, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from crowdops.registry import Server

HEADERS = (
    "server",
    "run",
    "task_name",
    "exists",
    "scaled",
    "state",
    "answers",
    "leftover",
    "created",
    "cost",
    "url",
)
LIVING = ("attended", "detached")
_SHOWN = (
    "name",
    "kind",
    "run_id",
    "task_name",
    "url",
    "exists",
    "scaled",
    "dyno_state",
    "answers",
    "leftover",
)


class ServerStatus(NamedTuple):
    """One server. Existing, scaled, running and answering are four facts, and any of them can be false alone.

    `scaled` is how many processes there should be, `dyno_state` what they do ("up", "crashed", None without any).
    `leftover` says that it is ours and that its run is crashed, ended or unknown. `marked` is False for what has
    our name and not our marks. `server_id` is None where the registry does not know it; `detail` is what the
    kind of server needs to find it again. `note` is for people.
    """

    name: str
    kind: str
    run_id: str | None
    task_name: str | None
    url: str | None
    exists: bool
    scaled: int
    dyno_state: str | None
    answers: bool
    leftover: bool
    created_at: datetime
    cost_so_far: Decimal | None
    server_id: str | None
    marked: bool
    detail: dict[str, Any] = {}  # noqa: RUF012 - never changed
    note: str = ""


def is_leftover(conditions: Mapping[str, str], run_id: str | None) -> bool:
    """Return whether a server that carries this run's mark has outlived it. One without a run never has."""
    return run_id is not None and conditions.get(run_id) not in LIVING


def as_server(status: ServerStatus) -> Server:
    """Return the registry row of a server, as it is or as it would be if the registry knew it."""
    server_id = status.server_id or f"{status.kind}-{status.name}"
    return Server(
        *(server_id, status.run_id, status.kind, status.name, "up", status.url),
        *(dict(status.detail), status.created_at, None),
    )


def as_json(status: ServerStatus) -> dict[str, Any]:
    """Return a status as a JSON object."""
    found = {name: getattr(status, name) for name in _SHOWN}
    rest = {"created_at": status.created_at, "cost_so_far": status.cost_so_far}
    return {**found, **rest, "marked": status.marked, "note": status.note}


def row(status: ServerStatus) -> tuple[object, ...]:
    """Return a status as the row of a table under HEADERS."""
    cost = "" if status.cost_so_far is None else f"${status.cost_so_far}"
    leftover = _yes(status.leftover) if status.marked or status.leftover else "unmarked"
    return (
        *(
            status.name,
            status.run_id,
            status.task_name,
            _yes(status.exists),
            status.scaled,
            status.dyno_state,
        ),
        *(_yes(status.answers), leftover, status.created_at, cost, status.url),
    )


def verdict(statuses: list[ServerStatus], foreign: int, kill: str) -> str:
    """Return what there is to say beside the table; `kill` is the script that takes servers down."""
    lines = [f"{status.name}: {status.note}" for status in statuses if status.note]
    leftovers = sum(status.leftover for status in statuses)
    lines.append(f"{leftovers} of {len(statuses)} servers are leftovers; {foreign} foreign.")
    if leftovers:
        lines.append(f"Take the leftovers down: {kill} --all-runs --dry-run")
    return "\n".join(lines)


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"
