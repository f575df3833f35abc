"""What runs have left alive at an endpoint whose attending process is gone: found, weighed and shown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from crowdops.config import environments
from crowdops.config.settings import Settings
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.hits import scan
from crowdops.hits.scan import Sightings
from crowdops.payments import pricing
from crowdops.providers.heroku import client
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Registry, Run, locks
from crowdops.registry import locks as runs
from crowdops.servers.leftovers import look_at_servers
from crowdops.servers.status import ServerStatus

HEADERS = ("what", "id", "task_name", "state", "open HITs", "accepted", "unsettled", "may still cost", "then")


HOUR = 3600.0


SHUT_DOWN, CARRY_ON = "expire, collect, end", "carry on"


class Wreck(NamedTuple):
    """A run that left something behind. `run` is None where the registry does not know it. `creating` units may have HITs.

    `servers` are those of an unknown run that may be another home's, and alive there.
    """

    run_id: str
    task_name: str
    run: Run | None
    condition: str
    hits: list[Hit]
    creating: int
    servers: list[ServerStatus]

    @property
    def open_hits(self) -> list[Hit]:
        """HITs that can be accepted or are being worked on."""
        return [hit for hit in self.hits if hit.is_outstanding]


class Survey(NamedTuple):
    """What a crash left alive at one endpoint, and what was not looked at (`unseen`, a line each).

    `servers` are leftovers that are this home's to take down: of runs that crashed here, and of any that has ended.
    """

    crashed: list[Wreck]
    ended: list[Wreck]  # runs at their end that still have open HITs
    unknown: list[Wreck]  # our marks, and runs that this registry does not know
    attended: list[tuple[Run, str]]  # and by which process
    elsewhere: list[Run]
    servers: list[ServerStatus]
    foreign_hits: int
    unseen: list[str]


def survey(context: Context) -> Survey:
    """Return what crashes have left. Only reads: one walk over the account's HITs, and the servers' own lists."""
    conditions = runs.conditions(context.registry, context.settings.home)
    every = context.registry.runs()
    here = [run for run in every if run.endpoint == context.settings.endpoint]
    elsewhere = [
        run
        for run in every
        if run.endpoint != context.settings.endpoint and conditions[run.run_id] == "crashed"
    ]
    sightings = scan.look(context.provider)
    servers, unseen = look_at_servers(context)
    leftover = [status for status in servers if status.leftover and status.exists]
    strangers = [status for status in leftover if status.kind != "local" and status.run_id not in conditions]
    wrecks = [_wreck(context.registry, run, conditions[run.run_id], sightings) for run in here]
    not_ours = {status.name for status in strangers}
    spared = {run.run_id for run in elsewhere}  # their servers go, or stay, with them
    return Survey(
        crashed=[wreck for wreck in wrecks if wreck.condition == "crashed"],
        ended=[wreck for wreck in wrecks if wreck.condition == "ended" and wreck.open_hits],
        unknown=_unknown(conditions, sightings, strangers),
        attended=[
            (run, _holder(context.settings, run)) for run in here if conditions[run.run_id] == "attended"
        ],
        elsewhere=elsewhere,
        servers=[
            status for status in leftover if status.name not in not_ours and status.run_id not in spared
        ],
        foreign_hits=sightings.foreign,
        unseen=unseen,
    )


def _wreck(registry: Registry, run: Run, condition: str, sightings: Sightings) -> Wreck:
    creating = registry.unit_counts(run.run_id).get("creating", 0)
    return Wreck(run.run_id, run.task_name, run, condition, sightings.ours.get(run.run_id, []), creating, [])


def _unknown(known: Collection[str], sightings: Sightings, strangers: Sequence[ServerStatus]) -> list[Wreck]:
    """Return the runs of which the registry knows nothing, and that have open HITs or a server."""
    found = {
        run_id: Wreck(run_id, seen[0].mark.task_name if seen[0].mark else "", None, "unknown", seen, 0, [])
        for run_id, seen in sightings.ours.items()
        if run_id not in known and any(hit.is_outstanding for hit in seen)
    }
    for status in strangers:
        run_id = status.run_id or ""
        hits = sightings.ours.get(run_id, [])
        wreck = Wreck(run_id, status.task_name or "", None, "unknown", hits, 0, [])
        found.setdefault(run_id, wreck).servers.append(status)
    return [found[run_id] for run_id in sorted(found)]


def _holder(settings: Settings, run: Run) -> str:
    holder = locks.holder_of(settings.home, run.run_id)
    return locks.describe(holder) if holder else "a process that has just ended"


def may_cost(wreck: Wreck, environment: str) -> Decimal:
    """Return the most that a run's open HITs, and those that may exist, can still cost in rewards and fees."""
    total = Decimal(0)
    for hit in wreck.open_hits:
        places = hit.pending + (hit.available if hit.status == "Assignable" else 0)
        total += places * (hit.reward + pricing.fee(hit.reward, hit.max_assignments, environment=environment))
    if wreck.run and wreck.creating:
        parameters = wreck.run.parameters
        each = pricing.assignment_cost(parameters, environment) * parameters.assignments_per_unit
        total += wreck.creating * each
    return total


def choose_orphans(found: Survey, run_ids: Sequence[str], *, every: bool) -> list[Wreck]:
    """Return the unknown runs that a command means. UsageError for one that has left nothing here."""
    known = {wreck.run_id for wreck in found.unknown}
    for run_id in run_ids:
        if run_id not in known:
            raise UsageError(f"--orphans {run_id}: no unknown run of that id has open HITs or a server here.")
    return [wreck for wreck in found.unknown if every or wreck.run_id in run_ids]


def rows(found: Survey, environment: str, orphans: Sequence[Wreck], then: str) -> list[tuple[object, ...]]:
    """Return the rows of the plan under HEADERS: what was found, what it may cost while it lives, what becomes of it."""
    shown = [_row("run", wreck, environment, then) for wreck in found.crashed]
    shown += [_row("run", wreck, environment, "end its open HITs") for wreck in found.ended]
    for wreck in found.unknown:
        meant = wreck in orphans
        alone = f"left alone; --orphans {wreck.run_id}"
        shown.append(_row("orphans", wreck, environment, f"take over, {then}" if meant else alone))
        shown += [_server_row(status, "take over" if meant else alone) for status in wreck.servers]
    carried_on = {wreck.run_id for wreck in found.crashed} if then == CARRY_ON else set()
    shown += [
        _server_row(status, "kept for its run" if status.run_id in carried_on else "take down")
        for status in found.servers
    ]
    shown += [
        ("run elsewhere", run.run_id, run.task_name, run.state, "", "", "", "", _command_for(run))
        for run in found.elsewhere
    ]
    return shown


def _row(what: str, wreck: Wreck, environment: str, then: str) -> tuple[object, ...]:
    state = f"{wreck.run.state}, {wreck.condition}" if wreck.run else wreck.condition
    open_hits = wreck.open_hits
    return (
        *(what, wreck.run_id, wreck.task_name, state, len(open_hits), sum(hit.pending for hit in open_hits)),
        *(wreck.creating, f"${may_cost(wreck, environment)}", then),
    )


def _server_row(status: ServerStatus, fate: str) -> tuple[object, ...]:
    state = status.dyno_state or "down"
    return ("server", status.name, status.task_name, state, "", "", "", _rate(status), fate)


def _rate(status: ServerStatus) -> str:
    """Return what a server costs an hour, as far as it is known."""
    if status.kind != "heroku":
        return "nothing"
    dollars = client.dyno_dollars(status.detail.get("size", ""), status.scaled, HOUR)
    return "not known" if dollars is None else f"${dollars:.4f} an hour"


def _command_for(run: Run) -> str:
    """Return the command that takes on a run of another endpoint."""
    usual = environments.ENVIRONMENTS[run.environment].endpoint
    place = "" if run.endpoint == usual else f"AWS_ENDPOINT_URL_MTURK={run.endpoint} "
    return f"{place}scripts/local/recover.py --environment {run.environment}"


def remarks(found: Survey) -> list[str]:
    """Return what there is to say beside the table."""
    lines = [f"run {run.run_id} is attended by {holder}: left alone." for run, holder in found.attended]
    if found.foreign_hits:
        lines.append(f"{found.foreign_hits} HITs of the account are not ours; they are left alone.")
    lines += [f"Elsewhere, take it on with: {_command_for(run)}" for run in found.elsewhere]
    return lines + found.unseen


def is_clean(found: Survey) -> bool:
    """Return whether nothing of this home is left over at this endpoint."""
    return not (found.crashed or found.ended or found.servers)


def document(found: Survey, environment: str) -> dict[str, Any]:
    """Return a survey as a JSON object."""
    orphans = [*found.unknown, *found.ended]
    servers = [*found.servers, *(status for wreck in found.unknown for status in wreck.servers)]
    return {
        "crashed_runs": [_wreck_document(wreck, environment) for wreck in found.crashed],
        "ended_runs": [_wreck_document(wreck, environment) for wreck in found.ended],
        "orphan_runs": [_wreck_document(wreck, environment) for wreck in found.unknown],
        "orphan_hits": sum(len(wreck.open_hits) for wreck in orphans),
        "orphan_servers": len(servers),
        "servers": [status.name for status in servers],
        "foreign_hits": found.foreign_hits,
        "attended_runs": [{"run_id": run.run_id, "by": holder} for run, holder in found.attended],
        "elsewhere": [
            {"run_id": run.run_id, "endpoint": run.endpoint, "command": _command_for(run)}
            for run in found.elsewhere
        ],
        "not_looked_at": found.unseen,
    }


def _wreck_document(wreck: Wreck, environment: str) -> dict[str, Any]:
    return {
        "run_id": wreck.run_id,
        "task_name": wreck.task_name,
        "state": wreck.run.state if wreck.run else None,
        "condition": wreck.condition,
        "outstanding": len(wreck.open_hits),
        "pending": sum(hit.pending for hit in wreck.open_hits),
        "creating": wreck.creating,
        "servers": [status.name for status in wreck.servers],
        "may_cost": may_cost(wreck, environment),
    }
