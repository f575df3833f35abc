"""What an account holds of our runs, and whether it is safe to shut down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from crowdops import places
from crowdops.config.settings import Selection
from crowdops.console.unseen import Unseen
from crowdops.context import Context
from crowdops.providers.mturk.client import LISTING_LAG, Hit
from crowdops.registry import Registry, Run, locks


class RunStatus(NamedTuple):
    """What a run has at the provider. `hits` counts by HIT status, `assignments` by state.

    `missing` are the HITs of outstanding units that should be listed and are not. `as_of` is set where the
    provider could not be looked at: when the registry last learnt of the run, and `known_outstanding` what.
    """

    run: Run
    condition: str
    hits: Counter[str]
    assignments: Counter[str]
    missing: list[str]
    as_of: datetime | None = None
    known_outstanding: int = 0

    @property
    def outstanding(self) -> int:
        """Return how many HITs can be accepted or are being worked on."""
        if self.as_of:
            return self.known_outstanding
        return self.hits["Assignable"] + self.hits["Unassignable"]

    @property
    def is_safe(self) -> bool:
        """Return whether nobody can accept or submit anything, and no process is about to launch more."""
        return self.as_of is None and self.outstanding == 0 and self.condition != "attended"


class Place(NamedTuple):
    """A server that was looked at, and the runs there."""

    environment: str
    endpoint: str
    server_id: str | None
    runs: list[str]


class AccountStatus(NamedTuple):
    """What an account has, by run. Orphans are outstanding HITs of ours that have no living run.

    `outstanding` are the outstanding HITs of the runs, if details were asked for. `unseen` is what could not
    be looked at: there may be more of everything.
    """

    runs: list[RunStatus]
    orphan_hits: int
    foreign_hits: int
    outstanding: list[Hit]
    places: Sequence[Place] = ()
    unseen: Sequence[Unseen] = ()


def survey(context: Context, selected: Selection, *, details: bool = False) -> AccountStatus:
    """Return what there is of the selected runs, each at its own server; what is known of those not reached.

    Without selectors the ambient endpoint is looked at, too: its orphans and foreign HITs count.
    """
    conditions = locks.conditions(context.registry, context.settings.home)

    def look(there: Context, runs: list[Run]) -> AccountStatus:
        return read(there, runs, conditions, details=details)

    seen, missing = context.visit(selected, look, ambient=selected.takes_all)
    known = [_as_known(context.registry, run, conditions) for lost in missing for run in lost.runs]
    statuses = [status for account in seen for status in account.runs]
    return AccountStatus(
        runs=sorted([*statuses, *known], key=lambda status: status.run.run_id),
        orphan_hits=sum(account.orphan_hits for account in seen),
        foreign_hits=sum(account.foreign_hits for account in seen),
        outstanding=[hit for account in seen for hit in account.outstanding],
        places=[place for account in seen for place in account.places],
        unseen=context.unseen(missing),
    )


def _as_known(registry: Registry, run: Run, conditions: Mapping[str, str]) -> RunStatus:
    counts = registry.unit_counts(run.run_id)
    open_units = counts["creating"] + counts["outstanding"]
    as_of = registry.known_since(run.run_id)
    return RunStatus(run, conditions[run.run_id], Counter(), Counter(), [], as_of, open_units)


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
    settings, provider = context.settings, context.provider
    places.recognize(context.registry, provider, settings, [run for run in runs if listed[run.run_id]])
    place = Place(settings.environment, settings.endpoint, provider.server_id, list(statuses))
    return AccountStatus(list(statuses.values()), orphans, foreign, outstanding, [place])


def only_crashed(status: AccountStatus) -> AccountStatus:
    """Return the part that cron should hear of: crashed runs with something outstanding."""
    crashed = [run for run in status.runs if run.condition == "crashed" and run.outstanding]
    return status._replace(runs=crashed)
