"""The lists of HITs and of assignments, page by page."""

from typing import Any

from sqlalchemy import Select, bindparam

from crowdserver.operations import assignments, hits, qualification_types
from crowdserver.operations.assignments import Assignment
from crowdserver.operations.hits import Hit
from crowdserver.protocol.call import Call
from crowdserver.storage.schema import assignments as assignments_table
from crowdserver.storage.schema import hits as hits_table

_ALL_STATUSES = ("Submitted", "Approved", "Rejected")
# Beyond every serial there can be.
_FIRST = 2**62

_HITS = (
    hits.SELECT.where(
        hits_table.c.disposed_at.is_(None),
        hits_table.c.serial < bindparam("before"),
    )
    .order_by(hits_table.c.serial.desc())
    .limit(bindparam("size"))
)
_REVIEWABLE = _HITS.where(hits.IS_DONE, hits_table.c.reviewing == bindparam("reviewing"))
_REVIEWABLE_OF_TYPE = _REVIEWABLE.where(hits_table.c.hit_type_id == bindparam("type"))
_ASKING_FOR = _HITS.where(qualification_types.asked_by(hits_table.c.hit_type_id))
_ASSIGNMENTS = (
    assignments.SELECT.where(
        assignments_table.c.hit_id == bindparam("hit"),
        assignments_table.c.status.in_(bindparam("statuses", expanding=True)),
        (assignments_table.c.submitted_at > bindparam("moment"))
        | (
            (assignments_table.c.submitted_at == bindparam("moment"))
            & (assignments_table.c.id > bindparam("after"))
        ),
    )
    .order_by(assignments_table.c.submitted_at, assignments_table.c.id)
    .limit(bindparam("size"))
)


def list_hits(call: Call) -> dict[str, Any]:
    """ListHITs: every HIT that is not disposed, the newest first."""
    return _hit_page(call, "ListHITs", _HITS, {})


def list_reviewable_hits(call: Call) -> dict[str, Any]:
    """ListReviewableHITs: HITs that are Reviewable, or those that are Reviewing, of one type or of all."""
    hit_type_id = call.input.get("HITTypeId")
    status = call.input.get("Status", "Reviewable")
    values = {"now": call.now, "reviewing": status == "Reviewing", "type": hit_type_id}
    if hit_type_id is None:
        del values["type"]
    statement = _REVIEWABLE if hit_type_id is None else _REVIEWABLE_OF_TYPE
    return _hit_page(call, f"ListReviewableHITs {status} {hit_type_id or ''}", statement, values)


def list_hits_for_qualification_type(call: Call) -> dict[str, Any]:
    """ListHITsForQualificationType: the HITs that ask for a qualification, the newest first."""
    found = qualification_types.find(call.tx, call.input["QualificationTypeId"])
    return _hit_page(call, f"ListHITsForQualificationType {found.id}", _ASKING_FOR, {"member": found.member})


def list_assignments(call: Call) -> dict[str, Any]:
    """ListAssignmentsForHIT: what was submitted for a HIT, in the order of submission."""
    hit = hits.find(call.tx, call.input["HITId"])
    statuses = sorted(set(call.input.get("AssignmentStatuses") or _ALL_STATUSES))
    scope = f"ListAssignmentsForHIT {hit.id} {' '.join(statuses)}"
    moment, after = call.position(scope) or (0.0, "")
    values = {"hit": hit.id, "statuses": statuses, "moment": moment, "after": after, "size": call.page_size}
    found = [Assignment._make(row) for row in call.tx.execute(_ASSIGNMENTS, values)]
    position = (found[-1].submitted_at or 0.0, found[-1].id) if found else ()
    return call.page(scope, "Assignments", [one.wire() for one in found], position)


def _hit_page(call: Call, scope: str, statement: Select[Any], values: dict[str, Any]) -> dict[str, Any]:
    (before,) = call.position(scope) or (_FIRST,)
    if call.list_lag:
        statement = statement.where(hits_table.c.created_at <= call.now - call.list_lag)
    place = {"before": before, "size": call.page_size}
    found = [Hit._make(row) for row in call.tx.execute(statement, {**values, **place})]
    position = (found[-1].serial,) if found else ()
    return call.page(scope, "HITs", hits.wire(call, found), position)
