"""What the lab says of its workers, which Amazon's own qualifications go by, and whether one qualifies."""

import json
import re
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from crowdserver.operations import eligibility, requirements
from crowdserver.operations.eligibility import Record
from crowdserver.protocol import countries, validation
from crowdserver.protocol.call import InvalidRequest
from crowdserver.storage.people_tables import blocks, links, workers
from crowdserver.storage.schema import AnyRow

# As ISO 3166 writes them: US, and the CA of US-CA.
_FORMS = {"country": re.compile("|".join(countries.CODES)), "subdivision": re.compile("[A-Z0-9]{1,3}")}
NAMES = (*_FORMS, "adult", "masters")
MOST_WORKERS = 1000

_SET = update(workers).where(workers.c.id == bindparam("worker"))
_PEOPLE = (
    select(workers)
    .outerjoin(links, links.c.worker_id == workers.c.id)
    .outerjoin(blocks, blocks.c.worker_id == workers.c.id)
    .where(workers.c.id > bindparam("after"), links.c.removed_at.is_(None), blocks.c.worker_id.is_(None))
    .order_by(workers.c.id)
    .limit(MOST_WORKERS)
)
# What a call is checked as that has only requirements.
_HIT_TYPE = {"Title": "t", "Description": "d", "Reward": "0.01", "AssignmentDurationInSeconds": 60}


def read(member: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes in a request, checked; None takes one back. Raises InvalidRequest."""
    values = {name: value for name, value in member.items() if name in NAMES}
    for name, value in values.items():
        form = _FORMS.get(name)
        is_right = isinstance(value, str) and form.fullmatch(value) if form else isinstance(value, bool)
        if value is not None and not is_right:
            what = "a code of ISO 3166 in capitals, such as US and CA" if form else "true or false"
            raise InvalidRequest(f"{value!r} is no {name}: give {what}.")
    return values


def put(tx: Connection, worker_id: str, values: dict[str, Any]) -> bool:
    """Keep attributes of a worker; those that are not named stay. Returns whether there is this worker."""
    return not values or tx.execute(_SET.values(**values), {"worker": worker_id}).rowcount > 0


def put_all(tx: Connection, _now: float, body: object) -> dict[str, Any]:
    """Keep attributes of known workers: {"workers": [{"worker_id": …, "country": …}, …]}, all or none.

    Raises InvalidRequest, also for an id that nobody has.
    """
    members = body.get("workers") if isinstance(body, dict) else None
    if not isinstance(members, list) or len(members) > MOST_WORKERS:
        raise InvalidRequest(f"Send a JSON object with workers, a list of at most {MOST_WORKERS}.")
    unknown = []
    for member in members:
        if not isinstance(member, dict) or not isinstance(member.get("worker_id"), str):
            raise InvalidRequest("Each of the workers is an object with a worker_id.")
        if not put(tx, member["worker_id"], read(member)):
            unknown.append(member["worker_id"])
    if unknown:
        raise InvalidRequest(f"Nobody by these ids was invited: {', '.join(unknown)}. Nothing was changed.")
    return {"changed": len(members)}


def find_qualified(tx: Connection, _now: float, body: object) -> dict[str, Any]:
    """Return how many workers there are, and whether one qualifies: {"requirements": […]}, as of a HIT type.

    Raises InvalidRequest, and what the requirements of a HIT type raise.
    """
    given = body.get("requirements") if isinstance(body, dict) else None
    members = {**_HIT_TYPE, "QualificationRequirements": given}
    checked = validation.read_input("CreateHITType", json.dumps(members).encode())
    needs = requirements.completed(checked.get("QualificationRequirements", []))
    count, after, somebody = 0, "", False
    while rows := tx.execute(_PEOPLE, {"after": after}).all():
        count, after = count + len(rows), rows[-1].id
        somebody = somebody or any(_qualifies(tx, row, needs) for row in rows)
    return {"workers": count, "somebody": somebody}


def _qualifies(tx: Connection, row: AnyRow, needs: list[dict[str, Any]]) -> bool:
    # By what the row says first: only who meets that is looked up.
    said = [need for need in needs if need["QualificationTypeId"] in eligibility.OF_ATTRIBUTES]
    rest = json.dumps([need for need in needs if need not in said])
    if eligibility.unmet(json.dumps(said), "accept", eligibility.with_attributes(Record(), row)):
        return False
    return not eligibility.unmet(rest, "accept", eligibility.read_record(tx, row.id, [rest]))
