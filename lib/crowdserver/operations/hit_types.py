"""HIT types: seven properties that many HITs share. Equal properties are one type."""

import hashlib
import json
from typing import Any

from sqlalchemy import Connection, bindparam, select

from crowdserver.operations import eligibility, limits, qualification_types, requirements
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.protocol.identifiers import new_id
from crowdserver.storage.schema import AnyRow, hit_types
from crowdserver.storage.upsert import Upsert

_DEFAULT_AUTO_APPROVAL_DELAY = 2_592_000

_BY_ID = select(hit_types).where(hit_types.c.id == bindparam("id"))
_BY_FINGERPRINT = select(hit_types).where(hit_types.c.fingerprint == bindparam("fingerprint"))
_INSERT = Upsert(hit_types)


def create(call: Call) -> dict[str, Any]:
    """Answer CreateHITType. Safe to repeat: equal properties give the same id."""
    return {"HITTypeId": find_or_create(call.tx, call.input).id}


def find(tx: Connection, hit_type_id: str) -> AnyRow:
    """Return a HIT type that is to be used. Raises HITTypeDoesNotExist, and what check_usable() raises."""
    row = tx.execute(_BY_ID, {"id": hit_type_id}).first()
    if row is None:
        raise errors.does_not_exist("HITType", hit_type_id)
    qualification_types.check_usable(tx, eligibility.parsed(row.requirements))
    return row


def find_or_create(tx: Connection, members: dict[str, Any]) -> AnyRow:
    """Return the HIT type with the properties in an operation's input; made if there is none yet.

    A reward of 0.1 and one of 0.10 are the same; everything else counts as it is written.
    Raises ParameterValidationError, and what check_usable() raises.
    """
    properties = _properties(members)
    qualification_types.check_usable(tx, eligibility.parsed(properties["requirements"]))
    fingerprint = hashlib.sha256(json.dumps(properties).encode()).hexdigest()
    row = tx.execute(_BY_FINGERPRINT, {"fingerprint": fingerprint}).first()
    if row is None:
        values = {"id": new_id(), "group_id": new_id(), "fingerprint": fingerprint, **properties}
        # Another process may be making the same type: whoever is first, both then read what there is.
        _INSERT.execute(tx, values)
        row = tx.execute(_BY_FINGERPRINT, {"fingerprint": fingerprint}).one()
    return row


def _properties(members: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": limits.required_text(members, "Title"),
        "description": limits.required_text(members, "Description"),
        "keywords": limits.text("Keywords", members.get("Keywords")),
        "reward": limits.amount("Reward", members["Reward"]),
        "assignment_duration": limits.number(
            "AssignmentDurationInSeconds", members["AssignmentDurationInSeconds"]
        ),
        "auto_approval_delay": limits.number(
            "AutoApprovalDelayInSeconds",
            members.get("AutoApprovalDelayInSeconds", _DEFAULT_AUTO_APPROVAL_DELAY),
        ),
        "requirements": json.dumps(requirements.completed(members.get("QualificationRequirements", []))),
    }
