"""What the endpoints have of the runs that are watched. Each look has a registry of its own: see looks.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from crowdops.config.settings import Settings
from crowdops.context import Context
from crowdops.errors import CredentialsRefused, ProviderError, Unreachable
from crowdops.hits import status
from crowdops.hits.status import RunStatus
from crowdops.providers.mturk.client import Balance, Hit, MTurk
from crowdops.providers.places import Places
from crowdops.registry import Registry, Run
from crowdops.registry.patience import Patience
from crowdops.watching.known import Due, due_approvals

MARGIN = timedelta(days=1)  # a HIT with work left is about to expire so long before that, or
MARGIN_SHARE = 0.1  # when this share of its lifetime is left, if that is less
LOCKED_SECONDS = 3.0  # for another process that writes


class SeenRun(NamedTuple):
    """What a run has at its endpoint, at `now` by the clock there.

    `expiring` counts its HITs that are about to expire with work left, `expires_at` is the first of them.
    """

    status: RunStatus
    now: datetime
    expiring: int
    expires_at: datetime | None
    due: Due | None


class SeenAccount(NamedTuple):
    """What an account has at its endpoint; `trouble` is why its balance could not be read."""

    settings: Settings
    runs: list[SeenRun]
    unknown_hits: int
    balance: Balance | None
    trouble: str = ""


class Silent(NamedTuple):
    """An endpoint that could not be looked at, of these runs. It `refused` the key, or did not answer."""

    settings: Settings
    runs: list[Run]
    reason: str
    refused: bool = False
    answered: bool = False


class Group(NamedTuple):
    """Runs at one endpoint, with what it takes to look at them. `clients` are shared, to count the calls."""

    settings: Settings
    runs: list[Run]
    conditions: Mapping[str, str]
    clients: dict[object, MTurk]


def group(
    settings: Settings, runs: Sequence[Run], conditions: Mapping[str, str], clients: dict[object, MTurk]
) -> list[Group]:
    """Return runs in groups, each at one endpoint."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.environment, run.endpoint), []).append(run)
    return [Group(settings, of_place, conditions, clients) for of_place in groups.values()]


def look(group: Group) -> list[SeenAccount | Silent]:
    """Return what there is of the runs of a group, wherever their servers answer now. Runs that are through
    are ended by that, as status.read() says: one walk over an account, and its balance.
    """
    with opened(group.settings, group.clients) as context:
        found, lost = Places(context.registry, group.settings).find(group.runs)
        seen: list[SeenAccount | Silent] = [Silent(one.settings, one.runs, one.reason) for one in lost]
        for place in found:
            there = context.at(place.settings, place.server_id)
            try:
                seen.append(_look(there, place.runs, group.conditions))
            except ProviderError as error:
                refused, answered = isinstance(error, CredentialsRefused), not isinstance(error, Unreachable)
                seen.append(Silent(place.settings, place.runs, str(error), refused, answered))
        return seen


@contextmanager
def opened(settings: Settings, clients: dict[object, MTurk]) -> Iterator[Context]:
    """Open a context for a thread of its own, in which nothing is said."""
    with Registry.open(settings.home) as registry:
        registry.patience = Patience(locked=LOCKED_SECONDS, say=_silently)
        yield Context(settings, registry, MTurk(settings), _silently, clients=clients)


def _silently(text: str) -> None:
    pass


def _look(context: Context, runs: list[Run], conditions: Mapping[str, str]) -> SeenAccount:
    account = status.read(context, runs, conditions, details=True)
    now = context.provider.time_there or datetime.now(UTC)
    expiring, first = _expiring(account.outstanding, runs, now)
    due = due_approvals(context.registry, runs, now)
    seen = []
    for of_run in account.runs:
        run_id = of_run.run.run_id
        seen.append(SeenRun(of_run, now, expiring[run_id], first.get(run_id), due.get(run_id)))
    try:
        return SeenAccount(context.settings, seen, account.unknown_hits, context.provider.account())
    except ProviderError as error:
        return SeenAccount(context.settings, seen, account.unknown_hits, None, str(error))


def _expiring(
    hits: Sequence[Hit], runs: Sequence[Run], now: datetime
) -> tuple[Counter[str], dict[str, datetime]]:
    """Return how many of each run's HITs are about to expire with work left, and when the first does."""
    margins = {run.run_id: _margin(run) for run in runs}
    counts: Counter[str] = Counter()
    first: dict[str, datetime] = {}
    for hit in hits:
        run_id = hit.mark.run_id if hit.mark else ""
        if hit.acceptable and hit.expiration - now <= margins.get(run_id, timedelta(0)):
            counts[run_id] += 1
            first[run_id] = min(hit.expiration, first.get(run_id, hit.expiration))
    return counts, first


def _margin(run: Run) -> timedelta:
    lifetime = timedelta(seconds=run.parameters.task_lifetime_in_seconds)
    return min(MARGIN, MARGIN_SHARE * lifetime)
