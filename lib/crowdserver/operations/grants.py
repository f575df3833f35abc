"""Which worker has which of the requester's qualifications: granting, revoking, and reading that."""

from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from crowdserver.operations import limits, messages, qualification_types, workers
from crowdserver.operations.qualification_types import QualificationType
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage.qualification_tables import grants
from crowdserver.storage.schema import AnyRow
from crowdserver.storage.upsert import Upsert

_SELECT = select(grants)
_OF_WORKER = _SELECT.where(grants.c.type_id == bindparam("type"), grants.c.worker_id == bindparam("worker"))
_OF_TYPE = (
    _SELECT.where(grants.c.type_id == bindparam("type"), grants.c.serial > bindparam("after"))
    .order_by(grants.c.serial)
    .limit(bindparam("size"))
)
_GRANTED = _OF_TYPE.where(grants.c.revoked_at.is_(None))
_REVOKED = _OF_TYPE.where(grants.c.revoked_at.is_not(None))
_REVOKE = (
    update(grants)
    .where(
        grants.c.type_id == bindparam("type"),
        grants.c.worker_id == bindparam("worker"),
        grants.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("moment"))
)
_GRANT = Upsert(grants, key=["worker_id", "type_id"], replace=["value", "granted_at", "revoked_at"])


def associate(call: Call) -> dict[str, Any]:
    """Answer AssociateQualificationWithWorker: gives a worker a qualification, or another value of it.

    Safe to repeat. Each time the worker gets a message, unless SendNotification is false.
    """
    qualification_type = qualification_types.find(call.tx, call.input["QualificationTypeId"])
    worker_id = workers.check_known(call.tx, call.input["WorkerId"])
    value = limits.number("IntegerValue", call.input.get("IntegerValue", 1))
    is_told = call.input.get("SendNotification", True)
    give(call.tx, call.now, qualification_type, worker_id, value, is_told=is_told)
    return {}


def give(
    tx: Connection, now: float, kind: QualificationType, worker_id: str, value: int, *, is_told: bool
) -> None:
    """Give a worker a qualification, or another value of it. is_told: whether the worker gets a message."""
    values = {"type_id": kind.id, "worker_id": worker_id, "value": value}
    _GRANT.execute(tx, {**values, "granted_at": now, "revoked_at": None})
    if is_told:
        text = f"{kind.description}\n\nYour value is {value}."
        messages.add(tx, now, [worker_id], f"You have a qualification: {kind.name}", text)


def disassociate(call: Call) -> dict[str, Any]:
    """Answer DisassociateQualificationFromWorker: revokes a qualification.

    The worker gets the reason as a message. Raises QualificationDoesNotExist if the worker never had it,
    InvalidQualificationState if it is revoked already.
    """
    qualification_type, worker_id = _type_and_worker(call)
    reason = limits.text("Reason", call.input.get("Reason"))
    values = {"type": qualification_type.id, "worker": worker_id, "moment": call.now}
    # One statement that finds and changes: of two at once only one revokes.
    if call.tx.execute(_REVOKE, values).rowcount == 0:
        raise _not_granted(of_worker(call.tx, qualification_type.id, worker_id))
    if reason:
        subject = f"A qualification of yours ended: {qualification_type.name}"
        messages.add(call.tx, call.now, [worker_id], subject, reason)
    return {}


def score(call: Call) -> dict[str, Any]:
    """Answer GetQualificationScore. Errors as for disassociate()."""
    qualification_type, worker_id = _type_and_worker(call)
    row = of_worker(call.tx, qualification_type.id, worker_id)
    if row is None or row.revoked_at is not None:
        raise _not_granted(row)
    return {"Qualification": _as_json(row)}


def list_workers(call: Call) -> dict[str, Any]:
    """Answer ListWorkersWithQualificationType: who has it, or with Status Revoked who had it."""
    qualification_type = qualification_types.find(call.tx, call.input["QualificationTypeId"])
    status = call.input.get("Status", "Granted")
    scope = f"ListWorkersWithQualificationType {qualification_type.id} {status}"
    statement = _GRANTED if status == "Granted" else _REVOKED
    rows = call.rows(scope, statement, {"type": qualification_type.id})
    return call.page(scope, "Qualifications", rows, [_as_json(row) for row in rows])


def of_worker(tx: Connection, type_id: str, worker_id: str) -> AnyRow | None:
    """Return the row of a qualification that a worker has, or had: then `revoked_at` is set."""
    return tx.execute(_OF_WORKER, {"type": type_id, "worker": worker_id}).first()


def _type_and_worker(call: Call) -> tuple[QualificationType, str]:
    """Return what a call about one worker's qualification names. Raises QualificationDoesNotExist."""
    try:
        qualification_type = qualification_types.find(call.tx, call.input["QualificationTypeId"])
    except errors.ApiError as error:
        # Amazon says no more than this, also for types of its own.
        raise errors.qualification_does_not_exist() from error
    return qualification_type, call.input["WorkerId"]


def _not_granted(row: AnyRow | None) -> errors.ApiError:
    return errors.wrong_state("Qualification", "Granted") if row else errors.qualification_does_not_exist()


def _as_json(row: AnyRow) -> dict[str, Any]:
    return {
        "QualificationTypeId": row.type_id,
        "WorkerId": row.worker_id,
        "GrantTime": row.granted_at,
        "IntegerValue": row.value,
        "Status": "Granted" if row.revoked_at is None else "Revoked",
    }
