"""Submitted assignments, as the requester sees and reviews them."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from crowdserver.operations import hits, limits
from crowdserver.operations.hits import Hit
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage import account
from crowdserver.storage.schema import assignments
from crowdserver.storage.schema import hits as hits_table

# How long after its submission a rejection can still be taken back.
_OVERRIDE = 30 * 86_400


class Assignment(NamedTuple):
    """An assignment; its fields are the columns of its table."""

    id: str
    hit_id: str
    worker_id: str
    status: str
    accepted_at: float
    deadline: float
    submitted_at: float | None
    auto_approval_at: float | None
    approved_at: float | None
    rejected_at: float | None
    answer: str | None
    feedback: str | None

    def wire(self) -> dict[str, Any]:
        """The assignment as answers show it."""
        members = {
            "AssignmentId": self.id,
            "WorkerId": self.worker_id,
            "HITId": self.hit_id,
            "AssignmentStatus": self.status,
            "AutoApprovalTime": self.auto_approval_at,
            "AcceptTime": self.accepted_at,
            "SubmitTime": self.submitted_at,
            "ApprovalTime": self.approved_at,
            "RejectionTime": self.rejected_at,
            "Deadline": self.deadline,
            "Answer": self.answer,
            "RequesterFeedback": self.feedback,
        }
        return {name: value for name, value in members.items() if value is not None}


SELECT = select(*(assignments.c[field] for field in Assignment._fields))
_SUBMITTED = SELECT.where(assignments.c.id == bindparam("id"), assignments.c.submitted_at.is_not(None))
_BY_ID = SELECT.join(hits_table, assignments.c.hit_id == hits_table.c.id).where(
    assignments.c.id == bindparam("id"),
    assignments.c.status.not_in(["Returned", "Abandoned"]),
    hits_table.c.disposed_at.is_(None),
)
_REVIEW = (
    update(assignments)
    .where(assignments.c.id == bindparam("key"))
    .values(
        status=bindparam("decision"),
        approved_at=bindparam("approved"),
        rejected_at=bindparam("rejected"),
        feedback=bindparam("words"),
        due_at=None,
    )
)
_COMPLETE_ONE = (
    update(hits_table)
    .where(hits_table.c.id == bindparam("key"))
    .values(submitted=hits_table.c.submitted - 1, completed=hits_table.c.completed + 1)
)


def get(call: Call) -> dict[str, Any]:
    """GetAssignment: the assignment and its HIT, once it is submitted."""
    found = _find(call.tx, call.input["AssignmentId"])
    if found.status == "Accepted":
        raise errors.assignment_state("Reviewable,Approved,Rejected")
    return {"Assignment": found.wire(), "HIT": hits.wire(call, [hits.find(call.tx, found.hit_id)])[0]}


def approve(call: Call) -> dict[str, Any]:
    """ApproveAssignment: pays what is held; with OverrideRejection takes back a rejection and pays anew."""
    feedback = limits.text("RequesterFeedback", call.input.get("RequesterFeedback"))
    hit, found = _lock(call.tx, call.input["AssignmentId"])
    override: bool = call.input.get("OverrideRejection", False)
    if found.status == "Rejected" and override and _can_override(found, call.now):
        account.pay(call.tx, hit.cost)
    elif found.status == "Submitted":
        call.tx.execute(_COMPLETE_ONE, {"key": hit.id})
        account.pay_held(call.tx, hit.cost)
    else:
        raise _not_submitted(found)
    decision = {"decision": "Approved", "approved": call.now, "rejected": None, "words": feedback}
    call.tx.execute(_REVIEW, {"key": found.id, **decision})
    return {}


def reject(call: Call) -> dict[str, Any]:
    """RejectAssignment: gives back what is held."""
    feedback = limits.text("RequesterFeedback", call.input["RequesterFeedback"])
    hit, found = _lock(call.tx, call.input["AssignmentId"])
    if found.status != "Submitted":
        raise _not_submitted(found)
    decision = {"decision": "Rejected", "approved": None, "rejected": call.now, "words": feedback}
    call.tx.execute(_REVIEW, {"key": found.id, **decision})
    call.tx.execute(_COMPLETE_ONE, {"key": hit.id})
    account.release(call.tx, hit.cost)
    return {}


def find_submitted(tx: Connection, assignment_id: str) -> Assignment:
    """Read an assignment that was submitted, also one of a disposed HIT. Raises AssignmentDoesNotExist."""
    row = tx.execute(_SUBMITTED, {"id": assignment_id}).first()
    if row is None:
        raise errors.assignment_does_not_exist(assignment_id)
    return Assignment._make(row)


def _find(tx: Connection, assignment_id: str) -> Assignment:
    row = tx.execute(_BY_ID, {"id": assignment_id}).first()
    if row is None:
        raise errors.assignment_does_not_exist(assignment_id)
    return Assignment._make(row)


def _lock(tx: Connection, assignment_id: str) -> tuple[Hit, Assignment]:
    # An assignment changes only under the lock of its HIT, so what is read after it is certain.
    hit = hits.lock(tx, _find(tx, assignment_id).hit_id)
    return hit, _find(tx, assignment_id)


def _can_override(found: Assignment, now: float) -> bool:
    return found.submitted_at is not None and now - found.submitted_at <= _OVERRIDE


def _not_submitted(found: Assignment) -> errors.ApiError:
    return errors.assignment_state("null" if found.status == "Accepted" else "Submitted")
