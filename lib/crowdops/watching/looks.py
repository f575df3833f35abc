"""Everything that is looked at, side by side and until the deadline: who is late is not waited for."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import NamedTuple

from crowdops.bulk import Errand
from crowdops.config.settings import Settings
from crowdops.errors import CredentialsRefused, Error, Unreachable
from crowdops.providers.mturk.client import MTurk
from crowdops.watching import seen, task_servers
from crowdops.watching.findings import Finding, Level
from crowdops.watching.known import Known
from crowdops.watching.rules import NOT_SEEN, REFUSED
from crowdops.watching.seen import Group, SeenAccount, Silent
from crowdops.watching.task_servers import SeenServers, Servers


class Looks(NamedTuple):
    """What was seen. `findings` are about what could not be. `are_servers_known`: no server is missing."""

    accounts: list[SeenAccount]
    silent: list[Silent]
    servers: Servers
    findings: list[Finding]
    are_servers_known: bool
    calls: int


def look(
    settings: Settings,
    knowledge: Known,
    chosen: Collection[str] | None,
    deadline: float,
    timeout_state: Level,
) -> Looks:
    """Look at every endpoint of what is watched, and at the servers of the `chosen` runs; None: at all."""
    clients: dict[object, MTurk] = {}
    alive = [run.run for run in knowledge.runs if run.condition != "ended" or run.tally.outstanding]
    groups = seen.group(settings, alive, knowledge.conditions, clients)
    of_accounts = [Errand(seen.look, group) for group in groups]
    of_servers = [Errand(task_servers.look, task_servers.Look(settings, kind)) for kind in task_servers.KINDS]
    places = [place for errand in of_accounts for place in _places(errand, deadline)]
    everything: dict[str, SeenServers] = {}
    findings: list[Finding] = []
    for errand in of_servers:
        kind, outcome = errand.item.kind, errand.outcome(deadline - time.monotonic())
        if outcome is not None and outcome.result is not None:
            everything[kind] = outcome.result
            findings += [_not_seen(Level.UNKNOWN, kind, one.what, one.why) for one in outcome.result.unseen]
        else:
            findings.append(_failed(kind, outcome and outcome.error, settings, timeout_state))
    return Looks(
        accounts=[place for place in places if isinstance(place, SeenAccount)],
        silent=[place for place in places if isinstance(place, Silent)],
        servers=_merged(everything, chosen),
        findings=findings,
        are_servers_known=not findings,
        calls=sum(client.calls for client in list(clients.values())),
    )


def _places(
    errand: Errand[Group, list[SeenAccount | Silent]], deadline: float
) -> Sequence[SeenAccount | Silent]:
    """Return what came of the look at a group."""
    outcome, group = errand.outcome(deadline - time.monotonic()), errand.item
    if outcome is not None and outcome.result is not None:
        return outcome.result
    first, settings = group.runs[0], group.settings
    there = settings._replace(environment=first.environment, endpoint=first.endpoint)
    if outcome is None:
        return [Silent(there, group.runs, f"{first.endpoint} did not answer within {settings.timeout:g} s.")]
    return [Silent(there, group.runs, str(outcome.error), answered=True)]


def _failed(kind: str, error: Error | None, settings: Settings, timeout_state: Level) -> Finding:
    """Return the finding about servers of a kind that nobody could look at; without an error it is late."""
    where = task_servers.WHERE[kind]
    if error is None:
        return _not_seen(timeout_state, kind, where, f"no answer within {settings.timeout:g} s")
    if isinstance(error, CredentialsRefused):
        return Finding(Level.OK, REFUSED, f"The key is refused, of {where}: {error}", "make heroku-check")
    level = timeout_state if isinstance(error, Unreachable) else Level.UNKNOWN
    return _not_seen(level, kind, where, str(error))


def _not_seen(level: Level, kind: str, what: str, why: str) -> Finding:
    next = "make heroku-check" if kind == "heroku" else "make servers"
    return Finding(level, NOT_SEEN, f"{what} could not be looked at: {why}", next)


def _merged(everything: dict[str, SeenServers], chosen: Collection[str] | None) -> Servers:
    statuses = [status for of_kind in everything.values() for status in of_kind.statuses]
    return Servers(
        orphans=[
            one.server
            for one in statuses
            if one.orphan and one.exists and (chosen is None or one.run_id in chosen)
        ],
        # Of several of a run the one that exists.
        of_runs={one.run_id: one for one in sorted(statuses, key=lambda one: one.exists) if one.run_id},
        looked_at=frozenset(kind for kind, of_kind in everything.items() if of_kind.is_whole),
    )
