"""Whether a worker meets a HIT type's qualification requirements, as far as this server knows its workers.

It knows what workers did here, which decides the two system qualifications on their record, what the
requester granted them, and what the lab said of them: where they live, whether they agree to adult content
and are Masters. What the lab did not say a worker lacks.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, select

from crowdserver.storage.people_tables import workers
from crowdserver.storage.qualification_tables import grants, qualification_types
from crowdserver.storage.schema import AnyRow, assignments

PERCENT_APPROVED = "000000000000000000L0"
NUMBER_APPROVED = "00000000000000000040"
LOCALE = "00000000000000000071"
ADULT = "00000000000000000060"
MASTERS = frozenset({"2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"})
SYSTEM = frozenset({PERCENT_APPROVED, NUMBER_APPROVED, LOCALE, ADULT}) | MASTERS

# Below this many submissions a worker's percentage of approved ones counts as 100.
_LEAST_SUBMISSIONS = 100

_NAMES = {
    PERCENT_APPROVED: "percentage of approved assignments",
    NUMBER_APPROVED: "number of approved assignments",
    LOCALE: "country",
    ADULT: "agreement to adult content",
    **dict.fromkeys(MASTERS, "Masters qualification"),
}
# Of each Comparator that has values: its words, and how a score compares with the values, or with the first.
_COMPARISONS: dict[str, tuple[str, Callable[[int, list[int]], bool]]] = {
    "LessThan": ("below", lambda score, values: score < values[0]),
    "LessThanOrEqualTo": ("at most", lambda score, values: score <= values[0]),
    "GreaterThan": ("above", lambda score, values: score > values[0]),
    "GreaterThanOrEqualTo": ("at least", lambda score, values: score >= values[0]),
    "EqualTo": ("equal to", lambda score, values: score == values[0]),
    "NotEqualTo": ("other than", lambda score, values: score != values[0]),
    "In": ("one of", lambda score, values: score in values),
    "NotIn": ("none of", lambda score, values: score not in values),
}
# What a requirement keeps an unqualified worker from, by its ActionsGuarded.
_GUARDED = {
    "Accept": {"accept"},
    "PreviewAndAccept": {"accept", "preview"},
    "DiscoverPreviewAndAccept": {"accept", "preview", "discover"},
}

_NUMBERS = (
    select(assignments.c.status, func.count().label("number"))
    .where(
        assignments.c.worker_id == bindparam("worker"),
        assignments.c.status.in_(["Submitted", "Approved", "Rejected"]),
    )
    .group_by(assignments.c.status)
)
_GRANTS = (
    select(qualification_types.c.id, qualification_types.c.name, grants.c.value)
    .outerjoin_from(
        qualification_types,
        grants,
        and_(
            grants.c.type_id == qualification_types.c.id,
            grants.c.worker_id == bindparam("worker"),
            grants.c.revoked_at.is_(None),
        ),
    )
    .where(qualification_types.c.id.in_(bindparam("types", expanding=True)))
)
_ATTRIBUTES = select(workers.c.country, workers.c.subdivision, workers.c.adult, workers.c.masters).where(
    workers.c.id == bindparam("worker")
)
OF_ATTRIBUTES = frozenset({LOCALE, ADULT}) | MASTERS
_EMPTY: Mapping[str, Any] = MappingProxyType({})


class Record(NamedTuple):
    """What a worker has done on this server, in assignments, and the granted qualifications.

    scores: the worker's scores by qualification type. names: what the requester calls the types. place: the
    worker's country and subdivision, each None if it is not known.
    """

    submitted: int = 0
    approved: int = 0
    rejected: int = 0
    scores: Mapping[str, int] = _EMPTY
    names: Mapping[str, str] = _EMPTY
    place: tuple[str | None, str | None] = (None, None)

    def score(self, qualification_type_id: str) -> int | None:
        """Return the worker's score in a qualification, or None for one that the worker lacks."""
        if qualification_type_id == NUMBER_APPROVED:
            return self.approved
        if qualification_type_id == PERCENT_APPROVED:
            if self.submitted < _LEAST_SUBMISSIONS or not self.approved + self.rejected:
                return 100
            return 100 * self.approved // (self.approved + self.rejected)
        return self.scores.get(qualification_type_id)


def read_record(tx: Connection, worker_id: str, requirements: Iterable[str]) -> Record:
    """Return what a worker has done and holds, as far as requirements ask for it.

    requirements: as stored with HIT types. Nothing is read for what none of them asks.
    """
    type_ids = {requirement["QualificationTypeId"] for text in requirements for requirement in parsed(text)}
    record = Record()
    if type_ids & {PERCENT_APPROVED, NUMBER_APPROVED}:
        numbers: dict[str, int] = {
            row.status: row.number for row in tx.execute(_NUMBERS, {"worker": worker_id})
        }
        record = Record(sum(numbers.values()), numbers.get("Approved", 0), numbers.get("Rejected", 0))
    if type_ids & OF_ATTRIBUTES and (row := tx.execute(_ATTRIBUTES, {"worker": worker_id}).first()):
        record = with_attributes(record, row)
    if type_ids - SYSTEM:
        rows = tx.execute(_GRANTS, {"worker": worker_id, "types": sorted(type_ids - SYSTEM)}).all()
        scores = {row.id: row.value for row in rows if row.value is not None}
        record = record._replace(scores={**record.scores, **scores}, names={row.id: row.name for row in rows})
    return record


def with_attributes(record: Record, row: AnyRow) -> Record:
    """Return a record with what the lab said of a worker. row: these columns of the worker's."""
    scores = dict.fromkeys(MASTERS, 1) if row.masters else {}
    scores |= {ADULT: int(row.adult)} if row.adult is not None else {}
    return record._replace(place=(row.country, row.subdivision), scores={**record.scores, **scores})


def unmet(requirements: str, action: str, record: Record) -> list[str]:
    """Return in plain words which requirements keep a worker from an action.

    requirements: JSON as stored with a HIT type. action: "discover", "preview" or "accept".
    """
    return [
        _explain(requirement, record.names)
        for requirement in parsed(requirements)
        if action in _GUARDED[requirement["ActionsGuarded"]] and not _is_met(requirement, record)
    ]


def to_ask_for(requirements: str, record: Record) -> tuple[tuple[str, str], ...]:
    """Return the qualifications that a worker lacks: those of the requester, with their names."""
    return tuple(
        (type_id, record.names.get(type_id, type_id))
        for requirement in parsed(requirements)
        if (type_id := requirement["QualificationTypeId"]) not in SYSTEM
        and requirement["Comparator"] != "DoesNotExist"
        and not _is_met(requirement, record)
    )


@lru_cache(maxsize=1024)
def parsed(requirements: str) -> list[dict[str, Any]]:
    """Return the requirements stored with a HIT type. Shared between callers: not to be changed."""
    members: list[dict[str, Any]] = json.loads(requirements)
    return members


def requires_masters(requirements: str) -> bool:
    """Return whether only Masters may do the HITs, which raises the fee."""
    return any(
        requirement["QualificationTypeId"] in MASTERS and requirement["Comparator"] == "Exists"
        for requirement in parsed(requirements)
    )


def _is_met(requirement: dict[str, Any], record: Record) -> bool:
    if requirement["QualificationTypeId"] == LOCALE:
        return _is_in_place(requirement, *record.place)
    score = record.score(requirement["QualificationTypeId"])
    comparator = requirement["Comparator"]
    if score is None or comparator not in _COMPARISONS:
        return bool(comparator == ("DoesNotExist" if score is None else "Exists"))
    return _COMPARISONS[comparator][1](score, requirement["IntegerValues"])


def _is_in_place(requirement: dict[str, Any], country: str | None, subdivision: str | None) -> bool:
    """Return whether a worker is certain to live where it is asked for; who does not tell is not."""
    if country is None:
        return False
    places = [place for place in requirement["LocaleValues"] if place["Country"] == country]
    if requirement["Comparator"] in ("EqualTo", "In"):
        return any(place.get("Subdivision") in (None, subdivision) for place in places)
    return all(subdivision and place.get("Subdivision") not in (None, subdivision) for place in places)


def _explain(requirement: dict[str, Any], names: Mapping[str, str]) -> str:
    type_id, comparator = requirement["QualificationTypeId"], requirement["Comparator"]
    name = _NAMES.get(type_id) or f'qualification "{names.get(type_id, type_id)}"'
    if comparator == "Exists":
        return f"your {name} is needed"
    if comparator == "DoesNotExist":
        return f"it is for workers without the {name}"
    values = requirement.get("IntegerValues") or [
        "-".join(place[part] for part in ("Country", "Subdivision") if part in place)
        for place in requirement.get("LocaleValues", [])
    ]
    return f"your {name} must be {_COMPARISONS[comparator][0]} {', '.join(map(str, values))}"
