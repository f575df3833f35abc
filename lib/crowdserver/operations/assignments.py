"""Submitted assignments, as the requester sees and reviews them."""

from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from crowdserver.operations import hits, limits
from crowdserver.operations.hits import Hit
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage import account, counters, schema
from crowdserver.storage.indexes import IS_COUNTED
from crowdserver.storage.schema import UPDATE_ASSIGNMENT, AnyRow, assignments

# How long after its submission a rejection can still be taken back.
_OVERRIDE_SECONDS = 30 * 86_400

# An assignment's members as the API shows it, with the columns that they are in.
_MEMBERS = {
    "AssignmentId": "id",
    "WorkerId": "worker_id",
    "HITId": "hit_id",
    "AssignmentStatus": "status",
    "AutoApprovalTime": "auto_approval_at",
    "AcceptTime": "accepted_at",
    "SubmitTime": "submitted_at",
    "ApprovalTime": "approved_at",
    "RejectionTime": "rejected_at",
    "Deadline": "deadline",
    "Answer": "answer",
    "RequesterFeedback": "feedback",
}
SELECT = select(*(assignments.c[column] for column in _MEMBERS.values()))
_SUBMITTED = SELECT.where(assignments.c.id == bindparam("id"), assignments.c.submitted_at.is_not(None))
_BY_ID = SELECT.join(schema.hits, assignments.c.hit_id == schema.hits.c.id).where(
    assignments.c.id == bindparam("id"),
    IS_COUNTED,
    schema.hits.c.disposed_at.is_(None),
)
_REVIEW = UPDATE_ASSIGNMENT.values(feedback=bindparam("words"), due_at=None)
_APPROVE = _REVIEW.values(status="Approved", approved_at=bindparam("moment"), rejected_at=None)
_REJECT = _REVIEW.values(status="Rejected", approved_at=None, rejected_at=bindparam("moment"))


def get(call: Call) -> dict[str, Any]:
    """Answer GetAssignment: the assignment and its HIT, once it is submitted."""
    assignment = _find(call.tx, call.input["AssignmentId"])
    if assignment.status == "Accepted":
        raise errors.wrong_state("Assignment", "Reviewable,Approved,Rejected")
    hit = hits.find(call.tx, assignment.hit_id)
    return {"Assignment": as_json(assignment), "HIT": hits.as_json(call, [hit])[0]}


def approve(call: Call) -> dict[str, Any]:
    """Answer ApproveAssignment: pays what is held.

    With OverrideRejection it takes back a rejection and pays anew.
    """
    feedback = limits.text("RequesterFeedback", call.input.get("RequesterFeedback"))
    hit, assignment = _lock(call.tx, call.input["AssignmentId"])
    override: bool = call.input.get("OverrideRejection", False)
    is_recent = call.now - (assignment.submitted_at or 0) <= _OVERRIDE_SECONDS
    if assignment.status == "Rejected" and override and is_recent:
        account.pay(call.tx, hit.cost)
    elif assignment.status == "Submitted":
        call.tx.execute(counters.REVIEWED, {"hit": hit.id})
        account.pay_held(call.tx, hit.cost)
    else:
        raise _not_submitted(assignment)
    call.tx.execute(_APPROVE, {"assignment": assignment.id, "moment": call.now, "words": feedback})
    return {}


def reject(call: Call) -> dict[str, Any]:
    """Answer RejectAssignment: releases what is held."""
    feedback = limits.text("RequesterFeedback", call.input["RequesterFeedback"])
    hit, assignment = _lock(call.tx, call.input["AssignmentId"])
    if assignment.status != "Submitted":
        raise _not_submitted(assignment)
    call.tx.execute(_REJECT, {"assignment": assignment.id, "moment": call.now, "words": feedback})
    call.tx.execute(counters.REVIEWED, {"hit": hit.id})
    account.release(call.tx, hit.cost)
    return {}


def get_file(call: Call) -> dict[str, Any]:
    """Answer GetFileUploadURL, dead long before the service was: no question takes files since 2017."""
    _find(call.tx, call.input["AssignmentId"])
    raise errors.parameter(
        f"There is no file for the question {call.input['QuestionIdentifier']}: FileUploadAnswer is no longer"
        " supported."
    )


def as_json(row: AnyRow) -> dict[str, Any]:
    """Return an assignment as the API shows it; its row begins as those of SELECT do."""
    return {name: value for name, value in zip(_MEMBERS, row, strict=False) if value is not None}


def find_submitted(tx: Connection, assignment_id: str) -> AnyRow:
    """Return an assignment that was submitted, also one of a disposed HIT. Raises AssignmentDoesNotExist."""
    return _find(tx, assignment_id, _SUBMITTED)


def _find(tx: Connection, assignment_id: str, statement: Select[Any] = _BY_ID) -> AnyRow:
    row = tx.execute(statement, {"id": assignment_id}).first()
    if row is None:
        raise errors.does_not_exist("Assignment", assignment_id)
    return row


def _lock(tx: Connection, assignment_id: str) -> tuple[Hit, AnyRow]:
    # An assignment changes only under the lock of its HIT, so what is read after it is certain.
    hit = hits.lock_of_assignment(tx, assignment_id)
    assignment = _find(tx, assignment_id)
    assert hit is not None
    return hit, assignment


def _not_submitted(assignment: AnyRow) -> errors.ApiError:
    return errors.wrong_state("Assignment", "null" if assignment.status == "Accepted" else "Submitted")
