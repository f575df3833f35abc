"""Workers' requests for qualifications, as the requester sees and decides them."""

from typing import Any

from sqlalchemy import bindparam, select, update

from crowdserver.operations import grants, limits, messages, qualification_types
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage.indexes import IS_WAITING
from crowdserver.storage.qualification_tables import qualification_requests as requests
from crowdserver.storage.schema import AnyRow

_WAITING = (
    select(requests)
    .where(IS_WAITING, requests.c.serial > bindparam("after"))
    .order_by(requests.c.serial)
    .limit(bindparam("size"))
)
_WAITING_FOR_TYPE = _WAITING.where(requests.c.type_id == bindparam("type"))
_BY_ID = select(requests).where(requests.c.id == bindparam("request"))
_DECIDE = update(requests).where(requests.c.id == bindparam("request"), IS_WAITING)


def list_requests(call: Call) -> dict[str, Any]:
    """Answer ListQualificationRequests: those that wait, of one type or all, the oldest first."""
    type_id = call.input.get("QualificationTypeId")
    statement, values = _WAITING, {}
    if type_id is not None:
        qualification_types.find(call.tx, type_id)
        statement, values = _WAITING_FOR_TYPE, {"type": type_id}
    scope = f"ListQualificationRequests {type_id or ''}"
    rows = call.rows(scope, statement, values)
    return call.page(scope, "QualificationRequests", rows, [_as_json(row) for row in rows])


def accept(call: Call) -> dict[str, Any]:
    """Answer AcceptQualificationRequest: grants the qualification, and tells the worker."""
    value = limits.number("IntegerValue", call.input.get("IntegerValue", 1))
    request = _decide(call, "Granted")
    qualification_type = qualification_types.find(call.tx, request.type_id)
    grants.give(call.tx, call.now, qualification_type, request.worker_id, value, is_told=True)
    return {}


def reject(call: Call) -> dict[str, Any]:
    """Answer RejectQualificationRequest: the worker gets the reason as a message."""
    reason = limits.text("Reason", call.input.get("Reason"))
    request = _decide(call, "Rejected")
    name = qualification_types.find(call.tx, request.type_id).name
    subject = f"Your request for a qualification was rejected: {name}"
    messages.add(call.tx, call.now, [request.worker_id], subject, reason or "No reason was given.")
    return {}


def _decide(call: Call, status: str) -> AnyRow:
    # One statement that finds and changes: of two at once only one decides.
    request_id = call.input["QualificationRequestId"]
    decided = call.tx.execute(_DECIDE.values(status=status), {"request": request_id}).rowcount
    row = call.tx.execute(_BY_ID, {"request": request_id}).first()
    if row is None:
        raise errors.does_not_exist("QualificationRequest", request_id)
    if not decided:
        raise errors.wrong_state("QualificationRequest", "Submitted")
    return row


def _as_json(row: AnyRow) -> dict[str, Any]:
    members = {
        "QualificationRequestId": row.id,
        "QualificationTypeId": row.type_id,
        "WorkerId": row.worker_id,
        "Test": row.test,
        "Answer": row.answer,
        "SubmitTime": row.submitted_at,
    }
    return {name: value for name, value in members.items() if value is not None}
