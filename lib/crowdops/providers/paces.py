"""The pace that a server bears is kept from one command to the next: it begins where the last one ended."""

from __future__ import annotations

from crowdops.config.settings import Settings
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Pace, Registry

SAME = 1.2  # paces that differ by less


def client(registry: Registry, settings: Settings, server_id: str | None = None) -> MTurk:
    """Return a client of an endpoint that begins at the pace which its server bore. Calls nobody."""
    pace = registry.pace(server_id, settings.environment, settings.endpoint)
    return MTurk(settings, server_id, pace=pace)


def note(registry: Registry, client: MTurk) -> None:
    """Keep the pace that a client's server bears, if that is news. No statement if not."""
    pace, settings = client.pace, client.settings
    if pace is None or (client.known_pace and _are_same(pace, client.known_pace)):
        return
    registry.note_pace(client.server_id, settings.environment, settings.endpoint, pace)
    client.known_pace = pace  # whether or not that could be written: the next time is soon enough


def _are_same(pace: Pace, known: Pace) -> bool:
    return pace.is_limit == known.is_limit and known.rate / SAME < pace.rate < known.rate * SAME
