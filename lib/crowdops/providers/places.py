"""Where the servers of runs answer now: a run belongs to a server, not to an address.

A crowd server has an identity, told by /health and by every answer: an address that tells the same one is the
same place. Of an endpoint without one the address is the identity, and where that has changed, a HIT that
both the registry and the endpoint know is the proof. A new address is remembered as soon as it is proved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from crowdops.config.settings import Settings
from crowdops.console.unseen import Unseen
from crowdops.errors import Error, NotFound, NotSent, ProviderError, Unreachable
from crowdops.providers.mturk import identity
from crowdops.providers.mturk.client import MTurk
from crowdops.providers.mturk.failures import how_to_reach
from crowdops.registry import Registry, Run

PROOFS = 3  # HITs that are looked for at a new address of an endpoint without an identity


class Place(NamedTuple):
    """A server with the runs there that a command means. `settings` have the address where it answers.

    `server_id` is its identity, if it has one.
    """

    settings: Settings
    server_id: str | None
    runs: list[Run]


class Lost(NamedTuple):
    """A server that could not be looked at, and why; `runs` are those there that a command means."""

    settings: Settings
    runs: list[Run]
    reason: str

    def unseen(self, alive: Collection[str]) -> Unseen:
        """Return it as what could not be looked at; `alive` are runs of which something may be left there."""
        may_hold = tuple(f"run {run.run_id} ({run.task_name})" for run in self.runs if run.run_id in alive)
        return Unseen(self.settings.endpoint, self.reason, may_hold)


class Places:
    """Finds the servers of runs. One for each command: what an address has told is asked once."""

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self._registry, self._settings = registry, settings
        self._told: dict[tuple[str, str], str | None | Error] = {}

    def find(self, runs: Iterable[Run]) -> tuple[list[Place], list[Lost]]:
        """Return where these runs are now, by server, and the servers that do not answer anywhere.

        Only addresses are asked, unless one has to be proved by a HIT. A server that is alone and known at
        one address is not asked: its first answer tells which it is.
        """
        groups = by_server(runs)
        places: list[Place] = []
        lost: list[Lost] = []
        for group in groups:
            addresses = self._addresses(group[0])
            first = self._at(group[0], group[0].endpoint)
            if len(groups) == len(addresses) == 1:
                places.append(Place(first, group[0].crowd_server_id, group))
                continue
            try:
                places.append(self._locate(group, addresses))
            except Error as error:
                lost.append(Lost(first, group, str(error)))
        return _merged(places), lost

    def here(self, runs: Sequence[Run]) -> list[Run]:
        """Return the runs that are at the server of the ambient endpoint, at whatever address they were."""
        environment, endpoint = self._settings.environment, self._settings.endpoint
        in_environment = [run for run in runs if run.environment == environment]
        known = {run.crowd_server_id for run in in_environment if run.endpoint == endpoint}
        elsewhere = {run.crowd_server_id for run in in_environment if run.crowd_server_id not in known}
        if elsewhere - {None} and isinstance(told := self._ask(self._settings), str):
            known = {told}
        return [
            run
            for run in in_environment
            if (run.crowd_server_id in known if run.crowd_server_id else run.endpoint == endpoint)
        ]

    def with_life(self, runs: Sequence[Run]) -> list[Run]:
        """Return the runs at the ambient endpoint's server, and at others where something may be alive."""
        here, alive = {run.run_id for run in self.here(runs)}, self._registry.live_runs()
        groups = [group for group in by_server(runs) if {run.run_id for run in group} & (here | alive)]
        return [run for group in groups for run in group]

    def has_ambient(self, found: Iterable[Place]) -> bool:
        """Return whether the server of the ambient endpoint is one of these, under whatever address."""
        return any(place.settings == self._settings or self._is_ambient(place) for place in found)

    def _is_ambient(self, place: Place) -> bool:
        if place.settings.environment != self._settings.environment:
            return False
        told = self._ask(self._settings)
        if isinstance(told, Error) or told != place.server_id:
            return False
        try:
            return bool(told) or self._knows(MTurk(self._settings), place.runs)
        except ProviderError:
            return False

    def why_silent(self) -> str | None:
        """Return why the ambient endpoint does not answer; None if it does."""
        told = self._ask(self._settings)
        return str(told) if isinstance(told, Error) else None

    def _addresses(self, run: Run) -> list[str]:
        """Return where a run's server may answer: where it was last, before that, and the ambient one."""
        addresses = [run.endpoint]
        if run.crowd_server_id:
            addresses += self._registry.addresses(run.crowd_server_id, run.environment)
        if run.environment == self._settings.environment:
            addresses.append(self._settings.endpoint)
        return list(dict.fromkeys(addresses))

    def _at(self, run: Run, endpoint: str) -> Settings:
        return self._settings._replace(environment=run.environment, endpoint=endpoint)

    def _ask(self, settings: Settings) -> str | None | Error:
        """Return which server tells to be at an address; an error if none answers there."""
        key = (settings.environment, settings.endpoint)
        if key not in self._told:
            try:
                self._told[key] = identity.ask(settings)
            except ProviderError as error:
                self._told[key] = error
        return self._told[key]

    def _locate(self, group: list[Run], addresses: Sequence[str]) -> Place:
        """Return where the server of these runs answers. Unreachable says of each address why it does not."""
        run = group[0]
        reasons, silent = [], []
        for endpoint in addresses:
            settings = self._at(run, endpoint)
            told = self._ask(settings)
            if isinstance(told, NotSent) and not settings.amazon:
                silent.append(endpoint)
                continue
            try:
                return self._identify(group, settings, told)
            except Error as error:
                reasons.append(str(error))
        if silent:
            reasons.insert(0, f"Nothing listens at {' or '.join(silent)}.")
        reasons.append(how_to_reach(run.endpoint, is_free=run.endpoint in silent))
        raise Unreachable(" ".join(reasons))

    def _identify(self, group: list[Run], settings: Settings, told: str | Error | None) -> Place:
        """Return the place of runs if an address is that; `told` is what it said. An Error says why not."""
        run, endpoint = group[0], settings.endpoint
        if isinstance(told, Error):
            raise told
        if run.crowd_server_id is None:
            return self._prove(group, settings)
        if told != run.crowd_server_id:
            who = f"the crowd server {told}" if told else "a server without an identity"
            raise ProviderError(f"At {endpoint} answers {who}, and not theirs ({run.crowd_server_id}).")
        if endpoint != run.endpoint:
            self._registry.move_runs(told, run.environment, endpoint)
        return Place(settings, told, [each._replace(endpoint=endpoint) for each in group])

    def _prove(self, group: list[Run], settings: Settings) -> Place:
        """Return the place of runs whose server had no identity, if an address is that place."""
        run = group[0]
        if settings.endpoint == run.endpoint:
            return Place(settings, None, group)
        provider = MTurk(settings)
        if not self._knows(provider, group):
            raise ProviderError(f"{settings.endpoint} knows none of their HITs: it is not their server.")
        server_id = provider.server_id
        self._registry.settle_runs(run.environment, run.endpoint, settings.endpoint, server_id)
        moved = [each._replace(endpoint=settings.endpoint, crowd_server_id=server_id) for each in group]
        return Place(settings, server_id, moved)

    def _knows(self, provider: MTurk, group: Sequence[Run]) -> bool:
        """Return whether an endpoint has a HIT of these runs that the registry knows. A call, rarely more."""
        for run_id, hit_id in self._registry.known_hits([run.run_id for run in group], PROOFS):
            try:
                mark = provider.hit(hit_id).mark
            except NotFound:
                continue
            if mark and mark.run_id == run_id:
                return True
        return False


def _merged(places: Sequence[Place]) -> list[Place]:
    """Return places of one address as one: only one server answers there."""
    merged: dict[Settings, Place] = {}
    for place in places:
        same = merged.get(place.settings, Place(place.settings, None, []))
        server_id = same.server_id or place.server_id
        merged[place.settings] = Place(place.settings, server_id, same.runs + place.runs)
    return list(merged.values())


def by_server(runs: Iterable[Run]) -> list[list[Run]]:
    """Return runs in groups, each at one server."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.environment, run.crowd_server_id or run.endpoint), []).append(run)
    return list(groups.values())


def recognize(registry: Registry, provider: MTurk, settings: Settings, runs: Iterable[Run]) -> None:
    """Remember which server these runs are at, if that was not known: their HITs were seen there just now."""
    if provider.server_id and any(run.crowd_server_id is None for run in runs):
        endpoint = settings.endpoint
        registry.settle_runs(settings.environment, endpoint, endpoint, provider.server_id)
