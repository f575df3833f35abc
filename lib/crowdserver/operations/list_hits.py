"""The lists of HITs and of assignments, page by page."""

from typing import Any

from sqlalchemy import Select, bindparam, func, select, tuple_

from crowdserver.operations import assignments, hits, qualification_types
from crowdserver.operations.hits import Hit
from crowdserver.protocol.call import Call
from crowdserver.storage import schema
from crowdserver.storage.indexes import IS_DONE

_ALL_STATUSES = ("Submitted", "Approved", "Rejected")
# Of the answers on a page: those who fetch and store them can then do with little memory, whatever workers
# send. One answer always fits.
_MOST_CHARACTERS = 2_000_000
# A serial, or a moment, beyond every one there can be: where the list of the newest HITs begins.
_BEYOND_ALL = 2**62

_NEWEST = (
    select(schema.hits)
    .where(schema.hits.c.serial < bindparam("after"), schema.hits.c.created_at <= bindparam("until"))
    .limit(bindparam("size"))
)
# Also by the column that is NULL in all of them: only so PostgreSQL sees that the index has this order.
_LIVING = _NEWEST.where(schema.hits.c.disposed_at.is_(None)).order_by(
    schema.hits.c.disposed_at.desc(), schema.hits.c.serial.desc()
)
_DONE = _NEWEST.where(IS_DONE, schema.hits.c.reviewing == bindparam("reviewing")).order_by(
    schema.hits.c.serial.desc()
)
_IS_OF_TYPE = schema.hits.c.hit_type_id == bindparam("type")


def _with_types(page: Select[Any]) -> Select[Any]:
    # The types are joined to the page, not before: PostgreSQL might then sort the whole list for it.
    return hits.select_from(page.subquery())


_HITS = _with_types(_LIVING)
_OF_TYPE = _with_types(_LIVING.where(_IS_OF_TYPE))
_REVIEWABLE = _with_types(_DONE)
_REVIEWABLE_OF_TYPE = _with_types(_DONE.where(_IS_OF_TYPE))
_TYPES_REQUIRING = select(schema.hit_types.c.id).where(
    schema.hit_types.c.requirements.contains(bindparam("member"))
)
_SUBMITTED = (
    assignments.SELECT.where(
        schema.assignments.c.hit_id == bindparam("hit"),
        schema.assignments.c.status.in_(bindparam("statuses", expanding=True)),
        tuple_(schema.assignments.c.submitted_at, schema.assignments.c.id)
        > tuple_(bindparam("moment"), bindparam("after")),
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
    select(_PAGE).where(_PAGE.c.before < _MOST_CHARACTERS).order_by(_PAGE.c.submitted_at, _PAGE.c.id)
)


def list_hits(call: Call) -> dict[str, Any]:
    """Answer ListHITs: every HIT that is not disposed, the newest first."""
    return _hit_page(call, "ListHITs", _hit_rows(call, "ListHITs", _HITS, {}))


def list_reviewable_hits(call: Call) -> dict[str, Any]:
    """Answer ListReviewableHITs: HITs that are Reviewable, or Reviewing, of one type or of all."""
    hit_type_id = call.input.get("HITTypeId")
    status = call.input.get("Status", "Reviewable")
    scope = f"ListReviewableHITs {status} {hit_type_id or ''}"
    values = {"reviewing": status == "Reviewing"}
    statement = _REVIEWABLE
    if hit_type_id is not None:
        statement, values = _REVIEWABLE_OF_TYPE, {**values, "type": hit_type_id}
    return _hit_page(call, scope, _hit_rows(call, scope, statement, values))


def list_hits_for_qualification_type(call: Call) -> dict[str, Any]:
    """Answer ListHITsForQualificationType: the HITs that require a qualification, the newest first."""
    qualification_type = qualification_types.find(call.tx, call.input["QualificationTypeId"])
    scope = f"ListHITsForQualificationType {qualification_type.id}"
    # A page of each type, not all of their HITs: what requires a qualification are few types of many HITs.
    types = call.tx.execute(_TYPES_REQUIRING, {"member": qualification_type.member}).scalars().all()
    pages = [_hit_rows(call, scope, _OF_TYPE, {"type": hit_type_id}) for hit_type_id in types]
    newest = sorted((hit for page in pages for hit in page), key=lambda hit: hit.serial, reverse=True)
    return _hit_page(call, scope, newest[: call.page_size])


def list_assignments(call: Call) -> dict[str, Any]:
    """Answer ListAssignmentsForHIT: what was submitted for a HIT, in the order of submission.

    A page with long answers holds fewer of them than were asked for; its NextToken leads on.
    """
    hit = hits.find(call.tx, call.input["HITId"])
    statuses = sorted(set(call.input.get("AssignmentStatuses") or _ALL_STATUSES))
    scope = f"ListAssignmentsForHIT {hit.id} {' '.join(statuses)}"
    moment, after = call.position(scope) or (0.0, "")
    values = {"hit": hit.id, "statuses": statuses, "moment": moment, "after": after, "size": call.page_size}
    rows = call.tx.execute(_ASSIGNMENTS, values).all()
    members = [assignments.as_json(row) for row in rows]
    return call.page(scope, "Assignments", rows, members, ["submitted_at", "id"])


def _hit_rows(call: Call, scope: str, statement: Select[Any], values: dict[str, Any]) -> list[Hit]:
    """Return the HITs of the page that was asked for, the newest first."""
    until = call.now - call.list_lag if call.list_lag else _BEYOND_ALL
    rows = call.rows(scope, statement, {**values, "until": until}, first=_BEYOND_ALL)
    # Put in order here: a database would copy their long texts for that.
    return sorted((Hit._make(row) for row in rows), key=lambda hit: hit.serial, reverse=True)


def _hit_page(call: Call, scope: str, rows: list[Hit]) -> dict[str, Any]:
    return call.page(scope, "HITs", rows, hits.as_json(call, rows))
