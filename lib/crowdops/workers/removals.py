"""Workers out of the crowd again: who, with what in hand, and then at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crowdops.bulk import BulkResult
from crowdops.config.settings import Settings
from crowdops.providers.crowd_server import people
from crowdops.providers.crowd_server.people import Person

_UNKNOWN = "nobody by this id was invited. See who was: make workers"


class Plan(NamedTuple):
    """Who would be removed, how many are so already, and who cannot be: (id, why)."""

    leaving: list[Person]
    already: int
    unknown: list[tuple[str, str]]


def plan(settings: Settings, worker_ids: Sequence[str]) -> Plan:
    """Return what it would be to remove these workers."""
    everybody = {person.worker_id: person for person in people.people(settings, *people.ALWAYS)}
    known = [everybody[worker_id] for worker_id in worker_ids if worker_id in everybody]
    leaving = [person for person in known if person.removed_at is None]
    unknown = [worker_id for worker_id in worker_ids if worker_id not in everybody]
    return Plan(leaving, len(known) - len(leaving), [(worker_id, _UNKNOWN) for worker_id in unknown])


def remove(settings: Settings, planned: Plan) -> BulkResult[str]:
    """Remove those of a plan, a thousand a request."""
    ids = [person.worker_id for person in planned.leaving]
    result = BulkResult[str](already=planned.already, failed=list(planned.unknown))
    for start in range(0, len(ids), people.MOST_AT_ONCE):
        part = people.remove(settings, ids[start : start + people.MOST_AT_ONCE])
        result.done += len(part.removed)
        result.already += len(part.already)
        result.settled += part.removed + part.already
        result.failed += [(worker_id, _UNKNOWN) for worker_id in part.unknown]
    return result
