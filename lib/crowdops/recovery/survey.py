"""What runs have left alive at an endpoint that no process attends any more, and what that may still cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from crowdops.config.settings import Settings
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.hits import scan
from crowdops.payments import pricing
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Run, locks
from crowdops.servers.backend import survey_all
from crowdops.servers.status import ServerStatus


class OrphanedRun(NamedTuple):
    """A run that left something behind; `run` is None where the registry does not know it.

    `creating` units may have HITs. `servers` are those of an unknown run, which may be alive in another home.
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

    @property
    def pending(self) -> int:
        """Assignments that workers have accepted and not submitted."""
        return sum(hit.pending for hit in self.open_hits)

    def may_cost(self, environment: str) -> Decimal:
        """Return the most that open HITs, and those that may exist, can still cost in rewards and fees."""
        total = Decimal(0)
        for hit in self.open_hits:
            places = hit.pending + (hit.available if hit.status == "Assignable" else 0)
            fee = pricing.fee(hit.reward, hit.max_assignments, environment=environment)
            total += places * (hit.reward + fee)
        if self.run and self.creating:
            parameters = self.run.parameters
            unit_cost = pricing.assignment_cost(parameters, environment) * parameters.assignments_per_unit
            total += self.creating * unit_cost
        return total


class Survey(NamedTuple):
    """What was left alive at one endpoint. `remarks` say what was not looked at.

    `servers` are orphans that are this home's to take down: of runs that crashed here, and of any that ended.
    """

    crashed: list[OrphanedRun]
    ended: list[OrphanedRun]  # runs at their end that still have open HITs
    unknown: list[OrphanedRun]  # our marks, and runs that this registry does not know
    attended: list[tuple[Run, str]]  # and by which process
    elsewhere: list[Run]  # crashed, at another endpoint
    servers: list[ServerStatus]
    foreign_hits: int
    remarks: list[str]

    @property
    def is_clean(self) -> bool:
        """Nothing of this home is left alive at this endpoint."""
        return not (self.crashed or self.ended or self.servers)


def survey(context: Context) -> Survey:
    """Return what is left alive. Only reads: one walk over the account's HITs, and the servers' own lists."""
    conditions = locks.conditions(context.registry, context.settings.home)
    runs, endpoint = context.registry.runs(), context.settings.endpoint
    here = [run for run in runs if run.endpoint == endpoint]
    elsewhere = [run for run in runs if run.endpoint != endpoint and conditions[run.run_id] == "crashed"]
    hits_by_run, foreign_hits = scan.scan(context.provider)
    statuses, remarks = survey_all(context)
    servers = [status for status in statuses if status.orphan and status.exists]
    of_unknown_runs = [
        status for status in servers if status.server.kind != "local" and status.run_id not in conditions
    ]
    kept = {run.run_id for run in elsewhere}  # their servers go, or stay, with them
    orphaned = [_orphaned_run(context, run, conditions, hits_by_run.get(run.run_id, [])) for run in here]
    return Survey(
        crashed=[run for run in orphaned if run.condition == "crashed"],
        ended=[run for run in orphaned if run.condition == "ended" and run.open_hits],
        unknown=_unknown_runs(conditions, hits_by_run, of_unknown_runs),
        attended=[
            (run, _holder(context.settings, run)) for run in here if conditions[run.run_id] == "attended"
        ],
        elsewhere=elsewhere,
        servers=[status for status in servers if status not in of_unknown_runs and status.run_id not in kept],
        foreign_hits=foreign_hits,
        remarks=remarks,
    )


def _orphaned_run(context: Context, run: Run, conditions: Mapping[str, str], hits: list[Hit]) -> OrphanedRun:
    creating = context.registry.unit_counts(run.run_id)["creating"]
    return OrphanedRun(run.run_id, run.task_name, run, conditions[run.run_id], hits, creating, [])


def _unknown_runs(
    known: Collection[str], hits_by_run: Mapping[str, list[Hit]], servers: Sequence[ServerStatus]
) -> list[OrphanedRun]:
    """Return the runs of which the registry knows nothing, and that have open HITs or one of the servers."""
    task_names = {
        run_id: hits[0].mark.task_name if hits[0].mark else ""
        for run_id, hits in hits_by_run.items()
        if run_id not in known and any(hit.is_outstanding for hit in hits)
    }
    for status in servers:
        task_names.setdefault(status.run_id or "", status.task_name or "")
    return [
        OrphanedRun(
            run_id=run_id,
            task_name=task_names[run_id],
            run=None,
            condition="unknown",
            hits=hits_by_run.get(run_id, []),
            creating=0,
            servers=[status for status in servers if (status.run_id or "") == run_id],
        )
        for run_id in sorted(task_names)
    ]


def _holder(settings: Settings, run: Run) -> str:
    holder = locks.holder_of(settings.home, run.run_id)
    return locks.describe(holder) if holder else "a process that has just ended"


def choose_unknown(left: Survey, run_ids: Sequence[str], *, every: bool) -> list[OrphanedRun]:
    """Return the unknown runs that a command means. UsageError for one that has left nothing here."""
    known = {run.run_id for run in left.unknown}
    for run_id in run_ids:
        if run_id not in known:
            raise UsageError(f"--orphans {run_id}: no unknown run of that id has open HITs or a server here.")
    return [run for run in left.unknown if every or run.run_id in run_ids]
