"""Whether a worker meets a HIT type's qualification requirements, as far as this server knows its workers.

It knows what workers did here, which settles the two system qualifications on their record, and what the requester
granted them. It does not know where they live or how old they are: Amazon's other qualifications a worker lacks.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, select

from crowdserver.storage.schema import assignments, grants, qualification_types

PERCENT_APPROVED = "000000000000000000L0"
NUMBER_APPROVED = "00000000000000000040"
LOCALE = "00000000000000000071"
ADULT = "00000000000000000060"
MASTERS = frozenset({"2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"})
SYSTEM = frozenset({PERCENT_APPROVED, NUMBER_APPROVED, LOCALE, ADULT}) | MASTERS

# A worker's percentage says little before this many submissions; until then it reads as 100.
_MEANINGFUL_SUBMISSIONS = 100

_NAMES = {
    PERCENT_APPROVED: "percentage of approved assignments",
    NUMBER_APPROVED: "number of approved assignments",
    LOCALE: "country",
    ADULT: "agreement to adult content",
    **dict.fromkeys(MASTERS, "Masters qualification"),
}
_WORDS = {
    "LessThan": "below",
    "LessThanOrEqualTo": "at most",
    "GreaterThan": "above",
    "GreaterThanOrEqualTo": "at least",
    "EqualTo": "equal to",
    "NotEqualTo": "other than",
    "In": "one of",
    "NotIn": "none of",
}
_TESTS: dict[str, Callable[[int, list[int]], bool]] = {
    "LessThan": lambda value, wanted: value < wanted[0],
    "LessThanOrEqualTo": lambda value, wanted: value <= wanted[0],
    "GreaterThan": lambda value, wanted: value > wanted[0],
    "GreaterThanOrEqualTo": lambda value, wanted: value >= wanted[0],
    "EqualTo": lambda value, wanted: value == wanted[0],
    "NotEqualTo": lambda value, wanted: value != wanted[0],
    "In": lambda value, wanted: value in wanted,
    "NotIn": lambda value, wanted: value not in wanted,
    "Exists": lambda value, wanted: True,
    "DoesNotExist": lambda value, wanted: False,
}
# What a requirement keeps an unqualified worker from, by its ActionsGuarded.
_GUARDED = {
    "Accept": {"accept"},
    "PreviewAndAccept": {"accept", "preview"},
    "DiscoverPreviewAndAccept": {"accept", "preview", "discover"},
}

_RECORD = (
    select(assignments.c.status, func.count().label("number"))
    .where(assignments.c.worker_id == bindparam("worker"), assignments.c.submitted_at.is_not(None))
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
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Record(NamedTuple):
    """What a worker has done on this server, in assignments, and the granted qualifications.

    scores: the worker's values by qualification type. names: what the requester calls the types.
    """

    submitted: int = 0
    approved: int = 0
    rejected: int = 0
    scores: Mapping[str, int] = _NOTHING
    names: Mapping[str, str] = _NOTHING

    def score(self, qualification_type_id: str) -> int | None:
        """The worker's value of a qualification, or None for one that the worker lacks."""
        if qualification_type_id == NUMBER_APPROVED:
            return self.approved
        if qualification_type_id == PERCENT_APPROVED:
            if self.submitted < _MEANINGFUL_SUBMISSIONS or not self.approved + self.rejected:
                return 100
            return 100 * self.approved // (self.approved + self.rejected)
        return self.scores.get(qualification_type_id)


def record(tx: Connection, worker_id: str, requirements: Iterable[str]) -> Record:
    """Read what a worker has done and holds, as far as requirements ask for it.

    requirements: as stored with HIT types. Nothing is read for what none of them asks.
    """
    asked = {requirement["QualificationTypeId"] for text in requirements for requirement in parsed(text)}
    found = Record()
    if asked & {PERCENT_APPROVED, NUMBER_APPROVED}:
        numbers: dict[str, int] = {
            row.status: row.number for row in tx.execute(_RECORD, {"worker": worker_id})
        }
        found = Record(sum(numbers.values()), numbers.get("Approved", 0), numbers.get("Rejected", 0))
    if asked - SYSTEM:
        rows = tx.execute(_GRANTS, {"worker": worker_id, "types": sorted(asked - SYSTEM)}).all()
        scores = {row.id: row.value for row in rows if row.value is not None}
        found = found._replace(scores=scores, names={row.id: row.name for row in rows})
    return found


def unmet(requirements: str, action: str, worker: Record) -> list[str]:
    """Say in plain words which requirements keep a worker from an action.

    requirements: JSON as stored with a HIT type. action: "discover", "preview" or "accept".
    """
    return [
        _explain(requirement, worker.names)
        for requirement in parsed(requirements)
        if action in _GUARDED[requirement["ActionsGuarded"]] and not _is_met(requirement, worker)
    ]


@lru_cache(maxsize=1024)
def parsed(requirements: str) -> list[dict[str, Any]]:
    """Read the requirements stored with a HIT type. Shared between callers: not to be changed."""
    found: list[dict[str, Any]] = json.loads(requirements)
    return found


def asks_for_masters(requirements: str) -> bool:
    """Whether only Masters may do the work, which raises the fee."""
    return any(
        requirement["QualificationTypeId"] in MASTERS and requirement["Comparator"] == "Exists"
        for requirement in parsed(requirements)
    )


def _is_met(requirement: dict[str, Any], worker: Record) -> bool:
    value = worker.score(requirement["QualificationTypeId"])
    if value is None:
        return bool(requirement["Comparator"] == "DoesNotExist")
    return _TESTS[requirement["Comparator"]](value, requirement.get("IntegerValues", []))


def _explain(requirement: dict[str, Any], names: Mapping[str, str]) -> str:
    type_id, comparator = requirement["QualificationTypeId"], requirement["Comparator"]
    name = _NAMES.get(type_id) or f'qualification "{names.get(type_id, type_id)}"'
    if comparator == "Exists":
        return f"your {name} is needed"
    if comparator == "DoesNotExist":
        return f"it is for workers without the {name}"
    wanted = requirement.get("IntegerValues") or [
        "-".join(place[part] for part in ("Country", "Subdivision") if part in place)
        for place in requirement.get("LocaleValues", [])
    ]
    return f"your {name} must be {_WORDS[comparator]} {', '.join(map(str, wanted))}"
