"""The lists of HITs and of assignments, page by page."""

from typing import Any

from sqlalchemy import Select, bindparam, func, select

from crowdserver.operations import assignments, hits, qualification_types
from crowdserver.operations.assignments import Assignment
from crowdserver.operations.hits import Hit
from crowdserver.protocol.call import Call
from crowdserver.storage import schema

_ALL_STATUSES = ("Submitted", "Approved", "Rejected")
# Of the answers on a page: those who fetch and store them can then do with little memory, whatever workers
# send. One answer always fits.
_MOST_CHARACTERS = 2_000_000
# A serial beyond every one there can be: where the list of the newest HITs begins.
_BEYOND_ALL = 2**62

_HITS = (
    hits.SELECT.where(
        schema.hits.c.disposed_at.is_(None),
        schema.hits.c.serial < bindparam("after"),
    )
    .order_by(schema.hits.c.serial.desc())
    .limit(bindparam("size"))
)
_REVIEWABLE = _HITS.where(hits.IS_DONE, schema.hits.c.reviewing == bindparam("reviewing"))
_REVIEWABLE_OF_TYPE = _REVIEWABLE.where(schema.hits.c.hit_type_id == bindparam("type"))
_REQUIRING = _HITS.where(qualification_types.is_required_by(schema.hits.c.hit_type_id))
_SUBMITTED = (
    assignments.SELECT.where(
        schema.assignments.c.hit_id == bindparam("hit"),
        schema.assignments.c.status.in_(bindparam("statuses", expanding=True)),
        (schema.assignments.c.submitted_at > bindparam("moment"))
        | (
            (schema.assignments.c.submitted_at == bindparam("moment"))
            & (schema.assignments.c.id > bindparam("after"))
        ),
    )
    .order_by(schema.assignments.c.submitted_at, schema.assignments.c.id)
    .limit(bindparam("size"))
    .subquery()
)
# Of a page's answers: how long those before each are.
_PAGE = select(
    _SUBMITTED,
    (
        func.sum(func.length(_SUBMITTED.c.answer)).over(
            order_by=(_SUBMITTED.c.submitted_at, _SUBMITTED.c.id), rows=(None, 0)
        )
        - func.length(_SUBMITTED.c.answer)
    ).label("before"),
).subquery()
_ASSIGNMENTS = (
    select(*(_PAGE.c[field] for field in Assignment._fields))
    .where(_PAGE.c.before < _MOST_CHARACTERS)
    .order_by(_PAGE.c.submitted_at, _PAGE.c.id)
)


def list_hits(call: Call) -> dict[str, Any]:
    """Answer ListHITs: every HIT that is not disposed, the newest first."""
    return _hit_page(call, "ListHITs", _HITS, {})


def list_reviewable_hits(call: Call) -> dict[str, Any]:
    """Answer ListReviewableHITs: HITs that are Reviewable, or Reviewing, of one type or of all."""
    hit_type_id = call.input.get("HITTypeId")
    status = call.input.get("Status", "Reviewable")
    scope = f"ListReviewableHITs {status} {hit_type_id or ''}"
    values = {"now": call.now, "reviewing": status == "Reviewing"}
    if hit_type_id is None:
        return _hit_page(call, scope, _REVIEWABLE, values)
    return _hit_page(call, scope, _REVIEWABLE_OF_TYPE, {**values, "type": hit_type_id})


def list_hits_for_qualification_type(call: Call) -> dict[str, Any]:
    """Answer ListHITsForQualificationType: the HITs that require a qualification, the newest first."""
    qualification_type = qualification_types.find(call.tx, call.input["QualificationTypeId"])
    scope = f"ListHITsForQualificationType {qualification_type.id}"
    return _hit_page(call, scope, _REQUIRING, {"member": qualification_type.member})


def list_assignments(call: Call) -> dict[str, Any]:
    """Answer ListAssignmentsForHIT: what was submitted for a HIT, in the order of submission.

    A page with long answers holds fewer of them than were asked for; its NextToken leads on.
    """
    hit = hits.find(call.tx, call.input["HITId"])
    statuses = sorted(set(call.input.get("AssignmentStatuses") or _ALL_STATUSES))
    scope = f"ListAssignmentsForHIT {hit.id} {' '.join(statuses)}"
    moment, after = call.position(scope) or (0.0, "")
    values = {"hit": hit.id, "statuses": statuses, "moment": moment, "after": after, "size": call.page_size}
    rows = [Assignment._make(row) for row in call.tx.execute(_ASSIGNMENTS, values)]
    position = (rows[-1].submitted_at or 0.0, rows[-1].id) if rows else ()
    return call.page(scope, "Assignments", [assignment.as_json() for assignment in rows], position)


def _hit_page(call: Call, scope: str, statement: Select[Any], values: dict[str, Any]) -> dict[str, Any]:
    if call.list_lag:
        statement = statement.where(schema.hits.c.created_at <= call.now - call.list_lag)
    rows = [Hit._make(row) for row in call.rows(scope, statement, values, first=_BEYOND_ALL)]
    position = (rows[-1].serial,) if rows else ()
    return call.page(scope, "HITs", hits.as_json(call, rows), position)
