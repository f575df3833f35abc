"""What can be said of a task server at one moment, and whether it has outlived its run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from crowdops.console.unseen import Unseen
from crowdops.providers import task_server
from crowdops.registry import Registry, Server

LIVING = ("attended", "detached")


class ServerStatus(NamedTuple):
    """One server. Existing, scaled, running and answering are four facts, and any of them can be false alone.

    `server` is its row in the registry, as it is or, where it is not `known`, as it would be. `scaled` is how
    many processes there should be (None if that could not be read), `dyno_state` what they do ("up",
    "crashed", None without any). `orphan` says that it is ours and that its run is crashed, ended or unknown.
    `marked` is False for what has our name and not our marks. `note` is for people. `never` is why it is not
    taken down, not even when its name is typed.
    """

    server: Server
    known: bool
    exists: bool
    scaled: int | None
    dyno_state: str | None
    answers: bool
    orphan: bool
    cost_so_far: Decimal | None = None
    marked: bool = True
    note: str = ""
    never: str = ""

    @property
    def name(self) -> str:
        return self.server.name

    @property
    def run_id(self) -> str | None:
        return self.server.run_id

    @property
    def is_crowd(self) -> bool:
        """Whether it is a crowd server: it serves no run, and holds what people did and are owed."""
        return is_crowd(self.server)

    @property
    def task_name(self) -> str | None:
        return self.server.detail.get("task_name")


class Survey(NamedTuple):
    """Our servers of one kind, and how many others there are where they run; None if nobody could look.

    `unseen` is what could not be looked at: there may be more servers.
    """

    statuses: list[ServerStatus]
    foreign: int | None
    unseen: Sequence[Unseen] = ()


def is_crowd(server: Server) -> bool:
    """Return whether a server is a crowd server."""
    return bool(server.detail.get("crowd"))


def known_servers(registry: Registry, kind: str) -> dict[str, Server]:
    """Return the registry's servers of a kind by their names, also those that are gone."""
    return {row.name: row for row in registry.servers("creating", "up", "gone") if row.kind == kind}


def names_of_living(registry: Registry, kind: str) -> tuple[str, ...]:
    """Return the names of the registry's servers of a kind that are not gone, as far as it knows."""
    return tuple(row.name for row in registry.servers("creating", "up") if row.kind == kind)


def is_orphan(conditions: Mapping[str, str], run_id: str | None) -> bool:
    """Return whether a server that carries this run's mark has outlived it. One without a run never has."""
    return run_id is not None and conditions.get(run_id) not in LIVING


def vanished(row: Server, conditions: Mapping[str, str], note: str) -> ServerStatus:
    """Return the status of a server that the registry has and that is nowhere to be found."""
    orphan = is_orphan(conditions, row.run_id)
    return ServerStatus(row, True, False, 0, None, answers=False, orphan=orphan, note=note)


def is_answering(server: Server, timeout: float) -> bool:
    """Return whether a server serves its pages; of somebody's own app, whether anything answers."""
    if server.detail.get("own_app"):
        return task_server.is_answering(server.url or "", timeout)
    health = task_server.health(server.url or "", timeout) or {}
    return health.get("status") == "ok" and health.get("run_id") == server.run_id
