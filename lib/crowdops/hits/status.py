"""What an account holds of our runs, and whether it is safe to shut down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from crowdops.console.unseen import Unseen
from crowdops.context import Context
from crowdops.providers.mturk.client import LISTING_LAG, Hit
from crowdops.registry import Run


class RunStatus(NamedTuple):
    """What a run has at the provider. `hits` counts by HIT status, `assignments` by state.

    `missing` are the HITs of outstanding units that should be listed and are not.
    """

    run: Run
    condition: str
    hits: Counter[str]
    assignments: Counter[str]
    missing: list[str]

    @property
    def outstanding(self) -> int:
        """Return how many HITs can be accepted or are being worked on."""
        return self.hits["Assignable"] + self.hits["Unassignable"]

    @property
    def is_safe(self) -> bool:
        """Return whether nobody can accept or submit anything, and no process is about to launch more."""
        return self.outstanding == 0 and self.condition != "attended"


class AccountStatus(NamedTuple):
    """What an account has, by run. Orphans are outstanding HITs of ours that have no living run.

    `outstanding` are the outstanding HITs of the runs, if details were asked for. `unseen` is what could not
    be looked at: there may be more of everything.
    """

    runs: list[RunStatus]
    orphan_hits: int
    foreign_hits: int
    outstanding: list[Hit]
    unseen: Sequence[Unseen] = ()


def read(
    context: Context, runs: Sequence[Run], conditions: Mapping[str, str], *, details: bool = False
) -> AccountStatus:
    """Return what the account has of these runs, with one walk over ListHITs however many runs there are.

    `conditions` has every run of the registry.
    """
    statuses = {run.run_id: RunStatus(run, conditions[run.run_id], Counter(), Counter(), []) for run in runs}
    listed: dict[str, set[str]] = {run.run_id: set() for run in runs}
    orphans, foreign, outstanding = 0, 0, []
    for hit in context.provider.iter_hits():
        mark = hit.mark
        if mark is None:
            foreign += 1
            continue
        orphans += hit.is_outstanding and conditions.get(mark.run_id) not in ("attended", "detached")
        if mark.run_id not in statuses:
            continue
        status = statuses[mark.run_id]
        status.hits[hit.status] += 1
        status.assignments.update(
            available=hit.available, pending=hit.pending, submitted=hit.submitted, completed=hit.completed
        )
        listed[mark.run_id].add(hit.hit_id)
        if details and hit.is_outstanding:
            outstanding.append(hit)
    before = datetime.now(UTC) - LISTING_LAG
    for run_id, status in statuses.items():
        status.missing.extend(context.registry.missing_hits(run_id, listed[run_id], before))
    return AccountStatus(list(statuses.values()), orphans, foreign, outstanding)


def only_crashed(status: AccountStatus) -> AccountStatus:
    """Return the part that cron should hear of: crashed runs with something outstanding."""
    crashed = [run for run in status.runs if run.condition == "crashed" and run.outstanding]
    return status._replace(runs=crashed)
