"""Bonuses: money for a worker beyond the reward of an assignment, paid at once and never taken back."""

from typing import Any

from sqlalchemy import bindparam, insert, select

from crowdserver.operations import assignments, hits, limits, request_tokens
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage import account, schema
from crowdserver.storage.schema import bonuses

# How long after the worker's latest submission: "the last six months".
_LAST_SECONDS = 183 * 86_400

_INSERT = insert(bonuses)
_HAS_WORKED = (
    select(schema.assignments.c.id)
    .where(
        schema.assignments.c.worker_id == bindparam("worker"),
        schema.assignments.c.status.in_(["Submitted", "Approved", "Rejected"]),
        schema.assignments.c.submitted_at > bindparam("since"),
    )
    .limit(1)
)
_PAGE = select(bonuses).where(bonuses.c.serial > bindparam("after")).limit(bindparam("size"))
_OF_ASSIGNMENT = _PAGE.where(bonuses.c.assignment_id == bindparam("assignment")).order_by(bonuses.c.serial)
# From the HIT to its bonuses. In the order of a sum, so that neither database walks over all bonuses instead.
_OF_HIT = (
    _PAGE.join(schema.assignments, bonuses.c.assignment_id == schema.assignments.c.id)
    .where(schema.assignments.c.hit_id == bindparam("hit"))
    .order_by(bonuses.c.serial + 0)
)


def send(call: Call) -> dict[str, Any]:
    """Answer SendBonus: pays a bonus and its fee. Repeated without a token it pays again.

    It takes an assignment that is submitted or reviewed, also one whose HIT was disposed of, and its own
    worker, who has submitted something in the last six months.
    """
    amount = limits.amount("BonusAmount", call.input["BonusAmount"])
    reason = limits.required_text(call.input, "Reason")
    assignment = assignments.find_submitted(call.tx, call.input["AssignmentId"])
    if assignment.worker_id != call.input["WorkerId"]:
        raise errors.parameter(f"Worker {call.input['WorkerId']} did not submit assignment {assignment.id}.")
    # Before what time alone changes: whoever repeats a call that has paid is told so.
    request_tokens.claim_request(call, assignment.hit_id)
    recent = {"worker": assignment.worker_id, "since": call.now - _LAST_SECONDS}
    if call.tx.execute(_HAS_WORKED, recent).first() is None:
        raise errors.request(
            "DoesNotMeetRequirements",
            f"Worker {assignment.worker_id} has not completed an assignment for you in the last six months.",
        )
    fee = account.bonus_fee(amount)
    call.tx.execute(
        _INSERT,
        {
            "assignment_id": assignment.id,
            "worker_id": assignment.worker_id,
            "amount": amount,
            "fee": fee,
            "reason": reason,
            "paid_at": call.now,
        },
    )
    # Last, as everywhere: nobody waits for anything else while holding the account.
    account.pay(call.tx, amount + fee)
    return {}


def list_payments(call: Call) -> dict[str, Any]:
    """Answer ListBonusPayments: the bonuses of an assignment or of a HIT, the oldest first."""
    hit_id, assignment_id = call.input.get("HITId"), call.input.get("AssignmentId")
    if assignment_id is not None:
        assignment = assignments.find_submitted(call.tx, assignment_id)
        if hit_id not in (None, assignment.hit_id):
            raise errors.parameter(f"Assignment {assignment_id} is not one of HIT {hit_id}.")
        statement, values = _OF_ASSIGNMENT, {"assignment": assignment_id}
    elif hit_id is not None:
        hits.find(call.tx, hit_id, with_disposed=True)
        statement, values = _OF_HIT, {"hit": hit_id}
    else:
        raise errors.parameter("Give a HITId or an AssignmentId.")
    scope = f"ListBonusPayments {hit_id or ''} {assignment_id or ''}"
    rows = call.rows(scope, statement, values)
    members = [
        {
            "WorkerId": row.worker_id,
            "BonusAmount": str(account.dollars(row.amount)),
            "AssignmentId": row.assignment_id,
            "Reason": row.reason,
            "GrantTime": row.paid_at,
        }
        for row in rows
    ]
    return call.page(scope, "BonusPayments", rows, members)
