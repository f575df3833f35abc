"""What runs have left alive that no process attends any more, wherever, and what that may still cost."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import NamedTuple

from crowdops.config.settings import Selection
from crowdops.console import unseen
from crowdops.console.unseen import Unseen
from crowdops.context import Context
from crowdops.hits import scan
from crowdops.hits.scan import AccountScan
from crowdops.payments import pricing
from crowdops.providers import places
from crowdops.providers.mturk.client import Hit
from crowdops.registry import Run, locks
from crowdops.registry.locks import Holder
from crowdops.registry.selection import expand
from crowdops.results import endings
from crowdops.servers.backend import survey_all
from crowdops.servers.status import ServerStatus


class OrphanedRun(NamedTuple):
    """A run that left something behind; `known` is its row in the registry, if there is one.

    `creating` units may have HITs. `servers` are those of an unknown run, which may be alive in another home.
    `context` is that of the place where it is.
    """

    context: Context
    run_id: str
    task_name: str
    known: Run | None
    condition: str
    hits: list[Hit]
    creating: int
    servers: list[ServerStatus]
    may_cost: Decimal  # at most, in rewards and fees, by the open HITs and those that may exist

    @property
    def open_hits(self) -> list[Hit]:
        """HITs that can be accepted or are being worked on."""
        return [hit for hit in self.hits if hit.is_outstanding]

    @property
    def pending(self) -> int:
        """Assignments that workers have accepted and not submitted."""
        return sum(hit.pending for hit in self.open_hits)


class Survey(NamedTuple):
    """What was left alive. `unseen` is what could not be looked at: there may be more. `endpoints` were.

    `servers` are orphans that are this home's to take down: of runs that crashed here, and of any that ended.
    """

    crashed: list[OrphanedRun]
    ended: list[OrphanedRun]  # runs at their end that still have open HITs
    unknown: list[OrphanedRun]  # our marks, and runs that this registry does not know
    attended: list[tuple[Run, Holder | None]]  # and by which process; None if that has just ended
    elsewhere: list[Run]  # crashed, at a server that does not answer
    servers: list[ServerStatus]
    foreign_hits: int
    unseen: list[Unseen]
    remarks: list[str]
    endpoints: list[str]

    @property
    def is_clean(self) -> bool:
        """Nothing of this home is left alive, as far as it could be looked at."""
        return not (self.crashed or self.ended or self.servers)

    def choose_unknown(self, run_ids: Sequence[str], *, every: bool) -> list[OrphanedRun]:
        """Return the unknown runs that a command means. Raises for one that has left nothing here."""
        known = {run.run_id for run in self.unknown}
        run_ids = expand(Selection(tuple(run_ids)), self.unknown).runs
        for run_id in run_ids:
            if run_id not in known:
                text = f"--orphans {run_id}: no unknown run of that id has open HITs or a server here."
                raise unseen.no_such(text, self.unseen)
        return [run for run in self.unknown if every or run.run_id in run_ids]


class Look(NamedTuple):
    """What one server has: the account's HITs, and the runs of this registry there."""

    context: Context
    runs: list[Run]
    account: AccountScan


def survey_everywhere(context: Context) -> Survey:
    """Return what is left alive at the ambient endpoint, and at each server of runs that may be alive.

    Only reads: one walk over each account's HITs, and the servers' own lists.
    """
    conditions = locks.conditions(context.registry, context.settings.home)
    looks, missing = context.visit(Selection(), _look, ambient=True)
    everywhere = survey_all(context)
    servers = [status for status in everywhere.statuses if status.orphan and status.exists]
    of_unknown_runs = [
        status for status in servers if status.server.kind != "local" and status.run_id not in conditions
    ]
    elsewhere = [run for lost in missing for run in lost.runs if conditions[run.run_id] == "crashed"]
    kept = {run.run_id for run in elsewhere}  # their servers go, or stay, with them
    here = [run for look in looks for run in look.runs]
    orphaned = [_orphaned_run(look, run, conditions[run.run_id]) for look in looks for run in look.runs]
    return Survey(
        crashed=[run for run in orphaned if run.condition == "crashed"],
        ended=[run for run in orphaned if run.condition == "ended" and run.open_hits],
        unknown=_all_unknown_runs(context, conditions, looks, of_unknown_runs),
        attended=[
            (run, locks.holder_of(context.settings.home, run.run_id))
            for run in here
            if conditions[run.run_id] == "attended"
        ],
        elsewhere=elsewhere,
        servers=[status for status in servers if status not in of_unknown_runs and status.run_id not in kept],
        foreign_hits=sum(look.account.foreign for look in looks),
        unseen=[*context.unseen(missing), *everywhere.unseen],
        remarks=everywhere.remarks,
        endpoints=[look.context.settings.endpoint for look in looks],
    )


def _look(context: Context, runs: list[Run]) -> Look:
    account = scan.scan(context)
    listed = [run for run in runs if run.run_id in account.hits_by_run]
    places.recognize(context.registry, context.provider, context.settings, listed)
    _end_detached(context, runs, account)
    return Look(context, runs, account)


def _end_detached(context: Context, runs: Sequence[Run], account: AccountScan) -> None:
    """End the detached runs of which nothing is out and everything is collected: nobody else would."""
    quiet = []
    untouched: dict[str, list[Hit]] = {}
    for run in runs:
        hits = account.hits_by_run.get(run.run_id, [])
        is_quiet = not any(hit.is_outstanding for hit in hits)
        if run.detached and run.state == "running" and is_quiet:
            quiet.append(run)
            untouched[run.run_id] = [hit for hit in hits if hit.ended_untouched]
    endings.finish(context, quiet, untouched)


def _orphaned_run(look: Look, run: Run, condition: str) -> OrphanedRun:
    context, hits = look.context, look.account.hits_by_run.get(run.run_id, [])
    creating = context.registry.unit_counts(run.run_id)["creating"]
    environment = context.settings.environment
    may_cost = _open_cost(hits, environment)
    if creating:
        may_cost += pricing.estimate(run.parameters, creating, environment).total
    return OrphanedRun(context, run.run_id, run.task_name, run, condition, hits, creating, [], may_cost)


def _open_cost(hits: Sequence[Hit], environment: str) -> Decimal:
    """Return the most that HITs can still cost, in rewards and fees."""
    total = Decimal(0)
    for hit in hits:
        if hit.is_outstanding:
            assignments = hit.pending + hit.acceptable
            fee = pricing.fee(hit.reward, hit.max_assignments, environment=environment)
            total += assignments * (hit.reward + fee)
    return total


def _all_unknown_runs(
    context: Context, known: Collection[str], looks: Sequence[Look], servers: Sequence[ServerStatus]
) -> list[OrphanedRun]:
    """Return the runs of which the registry knows nothing, and that have open HITs or one of the servers.

    One whose HITs are nowhere is taken for one of the ambient endpoint.
    """
    orphaned = []
    for look in looks:
        of_account = [status for status in servers if status.run_id in look.account.hits_by_run]
        orphaned += _unknown_runs(look.context, known, look.account, of_account)
    without_hits = [status for status in servers if status.run_id not in {run.run_id for run in orphaned}]
    orphaned += _unknown_runs(context, known, AccountScan({}, 0), without_hits)
    return sorted(orphaned, key=lambda run: run.run_id)


def _unknown_runs(
    context: Context, known: Collection[str], account: AccountScan, servers: Sequence[ServerStatus]
) -> list[OrphanedRun]:
    task_names = {
        run_id: hits[0].mark.task_name if hits[0].mark else ""
        for run_id, hits in account.hits_by_run.items()
        if run_id not in known and any(hit.is_outstanding for hit in hits)
    }
    for status in servers:
        task_names.setdefault(status.run_id or "", status.task_name or "")
    orphaned = []
    for run_id, task_name in task_names.items():
        hits = account.hits_by_run.get(run_id, [])
        of_run = [status for status in servers if (status.run_id or "") == run_id]
        may_cost = _open_cost(hits, context.settings.environment)
        orphaned.append(OrphanedRun(context, run_id, task_name, None, "unknown", hits, 0, of_run, may_cost))
    return orphaned
