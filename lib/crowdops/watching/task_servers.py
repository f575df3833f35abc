"""The task servers of the runs that are watched, one kind at a time: of these, too, one may hang."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from crowdops.config.settings import Settings, variable
from crowdops.console.unseen import Unseen
from crowdops.context import Context
from crowdops.registry import Server
from crowdops.servers.backend import PLACES, backend_of
from crowdops.servers.status import ServerStatus, names_of_living
from crowdops.watching.seen import opened

KINDS = ("local", "heroku", "url")
WHERE = {**PLACES, "url": "the servers that somebody else runs"}
SERVER_SECONDS = 5.0  # for one of them


class Look(NamedTuple):
    """Servers of one kind that are to be looked at."""

    settings: Settings
    kind: str


class SeenServers(NamedTuple):
    """Servers of one kind. `unseen` is what could not be looked at; not `is_whole`: some may be missing."""

    statuses: list[ServerStatus]
    unseen: Sequence[Unseen]
    is_whole: bool


class Servers(NamedTuple):
    """All task servers, as they were looked at or as the registry has them.

    `orphans` have outlived their runs, `of_runs` are by run id. `looked_at` are the kinds of which none can
    have been missed.
    """

    orphans: list[Server]
    of_runs: Mapping[str, ServerStatus]
    looked_at: frozenset[str]


def look(look: Look) -> SeenServers:
    """Return the servers of a kind. An Error says why nobody could look."""
    patient = look.settings._replace(timeout=min(look.settings.timeout, SERVER_SECONDS))
    with opened(patient, {}) as context:
        if look.kind == "url":
            return _look_at_others(context)
        if look.kind == "heroku" and not variable("HEROKU_API_KEY"):
            names = names_of_living(context.registry, look.kind)
            why = [Unseen(WHERE[look.kind], "HEROKU_API_KEY is not set", names)] if names else []
            return SeenServers([], why, is_whole=False)
        survey = backend_of(look.kind).survey(context)
        return SeenServers(survey.statuses, survey.unseen, is_whole=not survey.unseen)


def _look_at_others(context: Context) -> SeenServers:
    """Return the servers that somebody else runs. One that is not in the registry is not missed."""
    rows = [server for server in context.registry.servers("up") if server.kind == "url"]
    timeout, backend = context.settings.timeout, backend_of("url")
    answers = context.outcomes(lambda server: backend.is_answering(server, timeout), rows)
    statuses = [
        ServerStatus(one.item, True, True, None, None, answers=one.get(), orphan=False) for one in answers
    ]
    return SeenServers(statuses, (), is_whole=False)
