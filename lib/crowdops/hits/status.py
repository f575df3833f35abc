"""What an account holds of our runs, and whether it is safe to shut down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from crowdops.config.settings import Selection, Settings
from crowdops.console.unseen import Unseen
from crowdops.context import Context
from crowdops.formats import words
from crowdops.providers import places
from crowdops.providers.mturk.client import LISTING_LAG, Hit
from crowdops.registry import Registry, Run, Server, locks
from crowdops.registry.tally import Tally, tallies, tally
from crowdops.results import endings
from crowdops.workers import eligibility


class RunStatus(NamedTuple):
    """What a run has at the provider. `hits` counts by HIT status, `assignments` by state.

    `missing` are the HITs of outstanding units that should be listed and are not. `as_of` is set where the
    provider could not be looked at: when the registry last learnt of the run, and `known_outstanding` what.
    `untouched` are HITs that have ended without an answer. `tally` says what became of the run's units.
    `latest` is set of a run that has ended and has work in hand: until when that can be submitted.
    """

    run: Run
    condition: str
    hits: Counter[str]
    assignments: Counter[str]
    missing: list[str]
    untouched: list[Hit]
    as_of: datetime | None = None
    known_outstanding: int = 0
    latest: datetime | None = None
    tally: Tally | None = None

    @property
    def uncollected(self) -> int:
        """Return how many answers to HITs that have ended are not in the registry."""
        return self.assignments["uncollected"]

    @property
    def outstanding(self) -> int:
        """Return how many HITs can be accepted or are being worked on."""
        if self.as_of:
            return self.known_outstanding
        return self.hits["Assignable"] + self.hits["Unassignable"]

    @property
    def is_safe(self) -> bool:
        """Return whether nothing can come in, all that came is collected, and no process launches more."""
        is_quiet = self.outstanding == 0 and self.uncollected == 0 and self.condition != "attended"
        return self.as_of is None and is_quiet


def uncollected_words(count: int) -> str:
    """Return in words how many answers are to be collected; the command comes after them."""
    are = words.choose(count, "is not collected. Collect it:", "are not collected. Collect them:")
    return f"{words.count(count, 'answer')} {are}"


class Place(NamedTuple):
    """A server that was looked at, and the runs there."""

    environment: str
    endpoint: str
    server_id: str | None
    runs: list[str]


class AccountStatus(NamedTuple):
    """What an account has, by run. Orphans are outstanding HITs of ours that have no living run.

    `unknown_hits` are those of them whose runs the registry does not know.
    `outstanding` are the outstanding HITs of the runs, if details were asked for. `unseen` is what could not
    be looked at: there may be more of everything. `orphan_servers` are up by the registry, and their runs
    have crashed or ended; nobody was asked about them. `lacking` says of runs that no worker qualifies.
    """

    runs: list[RunStatus]
    orphan_hits: int
    foreign_hits: int
    outstanding: list[Hit]
    places: Sequence[Place] = ()
    unseen: Sequence[Unseen] = ()
    unknown_hits: int = 0
    orphan_servers: Sequence[Server] = ()
    lacking: Mapping[str, str] = MappingProxyType({})


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
    runs = sorted([*statuses, *known], key=lambda status: status.run.run_id)
    return AccountStatus(
        runs=runs,
        orphan_hits=sum(account.orphan_hits for account in seen),
        foreign_hits=sum(account.foreign_hits for account in seen),
        outstanding=[hit for account in seen for hit in account.outstanding],
        places=[place for account in seen for place in account.places],
        unseen=context.unseen(missing),
        unknown_hits=sum(account.unknown_hits for account in seen),
        lacking={run_id: why for account in seen for run_id, why in account.lacking.items()},
        orphan_servers=orphan_servers(
            context.registry, {status.run.run_id: status.condition for status in runs}
        ),
    )


def orphan_servers(registry: Registry, conditions: Mapping[str, str]) -> list[Server]:
    """Return the servers that are up by the registry and whose runs, of these, have crashed or ended."""
    return [
        server
        for server in registry.servers("creating", "up")
        if server.kind != "url" and conditions.get(server.run_id or "") in ("crashed", "ended")
    ]


def _as_known(registry: Registry, run: Run, conditions: Mapping[str, str]) -> RunStatus:
    counts = registry.unit_counts(run.run_id)
    open_units = counts["creating"] + counts["outstanding"]
    as_of = registry.known_since(run.run_id)
    return RunStatus(
        run=run,
        condition=conditions[run.run_id],
        hits=Counter(),
        assignments=Counter(),
        missing=[],
        as_of=as_of,
        known_outstanding=open_units,
        untouched=[],
        tally=tally(registry, run),
    )


class Counting:
    """Counts the HITs of runs that a walk over their account shows."""

    def __init__(self, context: Context, runs: Sequence[Run]) -> None:
        self._context = context
        self._statuses = {run.run_id: RunStatus(run, "", Counter(), Counter(), [], []) for run in runs}
        self._listed: set[str] = set()  # runs
        self._collected: dict[str, dict[str, int]] = {}  # by run: how many answers of each HIT are stored

    def add(self, hit: Hit) -> None:
        """Count a listed HIT of one of the runs."""
        assert hit.mark is not None
        status = self._statuses[hit.mark.run_id]
        self._listed.add(hit.mark.run_id)
        status.hits[hit.status] += 1
        status.assignments.update(
            available=hit.acceptable, pending=hit.pending, submitted=hit.submitted, completed=hit.completed
        )
        if hit.is_outstanding:
            return
        if hit.ended_untouched:
            status.untouched.append(hit)
            return
        run_id = status.run.run_id
        if run_id not in self._collected:
            self._collected[run_id] = self._context.registry.collected_by_hit(run_id)
        missing = hit.answers - self._collected[run_id].get(hit.hit_id, 0)
        status.assignments["uncollected"] += max(0, missing)

    def add_open(self, run_id: str) -> None:
        """Count a HIT of a run in which there may be work in hand."""
        self._statuses[run_id].hits["Unassignable"] += 1

    def note_missing(self, run_id: str, hit_ids: Sequence[str]) -> None:
        """Note the HITs of a run that should be listed and are not."""
        self._statuses[run_id].missing.extend(hit_ids)

    def end(self, conditions: Mapping[str, str], *, for_good: bool = False) -> list[RunStatus]:
        """Return what there is, with what became of the units; runs that are through are ended by that.

        `conditions` has every run of the registry.
        """
        context, statuses = self._context, list(self._statuses.values())
        listed = [status.run for status in statuses if status.run.run_id in self._listed]
        places.recognize(context.registry, context.provider, context.settings, listed)
        quiet = [status.run for status in statuses if not (status.outstanding or status.uncollected)]
        untouched = {status.run.run_id: status.untouched for status in statuses}
        ended = {run.run_id: run for run in endings.finish(context, quiet, untouched, for_good=for_good)}
        counts = tallies(context.registry, [status.run for status in statuses])
        return [
            status._replace(
                run=ended.get(run_id, status.run),
                condition="ended" if run_id in ended else conditions[run_id],
                tally=counts[run_id],
            )
            for run_id, status in self._statuses.items()
        ]


def read(
    context: Context, runs: Sequence[Run], conditions: Mapping[str, str], *, details: bool = False
) -> AccountStatus:
    """Return what the account has of these runs, with one walk over ListHITs however many runs there are.

    `conditions` has every run of the registry. Runs that are through are ended; see endings.finish().
    """
    counting = Counting(context, runs)
    listed: dict[str, set[str]] = {run.run_id: set() for run in runs}
    orphans, unknown, foreign, outstanding = 0, 0, 0, []
    expirations: dict[str, datetime] = {}
    for hit in context.provider.iter_hits():
        mark = hit.mark
        if mark is None:
            foreign += 1
            continue
        orphans += hit.is_outstanding and conditions.get(mark.run_id) not in ("attended", "detached")
        unknown += hit.is_outstanding and mark.run_id not in conditions
        if mark.run_id not in listed:
            continue
        if hit.is_outstanding:
            expirations[mark.run_id] = max(hit.expiration, expirations.get(mark.run_id, hit.expiration))
        counting.add(hit)
        listed[mark.run_id].add(hit.hit_id)
        if details and hit.is_outstanding:
            outstanding.append(hit)
    before = datetime.now(UTC) - LISTING_LAG
    for run_id, hit_ids in listed.items():
        counting.note_missing(run_id, context.registry.missing_hits(run_id, hit_ids, before))
    now = counting.end(conditions)
    settings = context.settings
    place = Place(settings.environment, settings.endpoint, context.provider.server_id, list(listed))
    with_moments = [_with_moment(context.registry, one, expirations) for one in now]
    lacking = {one.run.run_id: problem for one in now if (problem := _why_nobody(settings, one))}
    return AccountStatus(
        with_moments, orphans, foreign, outstanding, [place], unknown_hits=unknown, lacking=lacking
    )


def _why_nobody(settings: Settings, status: RunStatus) -> str:
    """Return in words that no worker of the crowd qualifies for what a run has open; "" otherwise."""
    wanted = status.run.parameters.qualifications if status.hits["Assignable"] else []
    lack = eligibility.of_crowd(settings, wanted)
    return lack.met_by if lack else ""


def _with_moment(registry: Registry, status: RunStatus, expirations: Mapping[str, datetime]) -> RunStatus:
    """Return a status with the moment at which the last of the work in hand must have come in.

    A HIT that we expired has a date of years back: when that was stands in the registry.
    """
    if status.condition != "ended" or not status.hits["Unassignable"]:
        return status
    ended = max(filter(None, [expirations[status.run.run_id], registry.last_expired(status.run.run_id)]))
    duration = timedelta(seconds=status.run.parameters.assignment_duration_in_seconds)
    return status._replace(latest=ended + duration)


def only_crashed(status: AccountStatus) -> AccountStatus:
    """Return the part that cron should hear of: crashed runs with something outstanding."""
    crashed = [run for run in status.runs if run.condition == "crashed" and run.outstanding]
    return status._replace(runs=crashed)
