"""Which worker has which of the requester's qualifications: granting, revoking, and reading that."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from crowdserver.operations import limits, messages, qualification_types, workers
from crowdserver.operations.qualification_types import QualificationType
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage.schema import grants


class Grant(NamedTuple):
    """A qualification that a worker has or had; its fields are the columns of its table."""

    serial: int
    type_id: str
    worker_id: str
    value: int
    granted_at: float
    revoked_at: float | None

    def wire(self) -> dict[str, Any]:
        """The qualification as answers show it."""
        return {
            "QualificationTypeId": self.type_id,
            "WorkerId": self.worker_id,
            "GrantTime": self.granted_at,
            "IntegerValue": self.value,
            "Status": "Granted" if self.revoked_at is None else "Revoked",
        }


_SELECT = select(*(grants.c[field] for field in Grant._fields))
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


def _grant(insert: Any) -> Any:
    fresh = insert(grants)
    return fresh.on_conflict_do_update(
        index_elements=[grants.c.worker_id, grants.c.type_id],
        set_={name: fresh.excluded[name] for name in ("value", "granted_at", "revoked_at")},
    )


_GRANT = {"sqlite": _grant(sqlite.insert), "postgresql": _grant(postgresql.insert)}


def associate(call: Call) -> dict[str, Any]:
    """AssociateQualificationWithWorker: gives a worker a qualification, or another value of it. Safe to repeat.

    Each time the worker gets a message, unless SendNotification is false.
    """
    found = qualification_types.find(call.tx, call.input["QualificationTypeId"])
    worker_id = workers.demand_known(call.tx, call.input["WorkerId"])
    value = limits.number("IntegerValue", call.input.get("IntegerValue", 1))
    values = {
        "type_id": found.id,
        "worker_id": worker_id,
        "value": value,
        "granted_at": call.now,
        "revoked_at": None,
    }
    call.tx.execute(_GRANT[call.tx.dialect.name], values)
    if call.input.get("SendNotification", True):
        text = f"{found.description}\n\nYour value is {value}."
        messages.leave(call.tx, call.now, [worker_id], f"You have a qualification: {found.name}", text)
    return {}


def disassociate(call: Call) -> dict[str, Any]:
    """DisassociateQualificationFromWorker: takes a qualification away. The worker reads the reason, if there is one.

    Raises QualificationDoesNotExist if the worker never had it, InvalidQualificationState if it is revoked already.
    """
    found, worker_id = _asked(call)
    reason = limits.text("Reason", call.input.get("Reason"))
    # One statement that finds and changes: of two at once only one revokes.
    if call.tx.execute(_REVOKE, {"type": found.id, "worker": worker_id, "moment": call.now}).rowcount == 0:
        raise _not_granted(call.tx, found.id, worker_id)
    if reason:
        messages.leave(
            call.tx, call.now, [worker_id], f"A qualification of yours ended: {found.name}", reason
        )
    return {}


def score(call: Call) -> dict[str, Any]:
    """GetQualificationScore. Errors as for disassociate()."""
    found, worker_id = _asked(call)
    row = call.tx.execute(_OF_WORKER, {"type": found.id, "worker": worker_id}).first()
    if row is None or row.revoked_at is not None:
        raise _not_granted(call.tx, found.id, worker_id)
    return {"Qualification": Grant._make(row).wire()}


def list_workers(call: Call) -> dict[str, Any]:
    """ListWorkersWithQualificationType: who has it, or with Status Revoked who had it."""
    found = qualification_types.find(call.tx, call.input["QualificationTypeId"])
    status = call.input.get("Status", "Granted")
    scope = f"ListWorkersWithQualificationType {found.id} {status}"
    (after,) = call.position(scope) or (0,)
    statement = _GRANTED if status == "Granted" else _REVOKED
    rows = call.tx.execute(statement, {"type": found.id, "after": after, "size": call.page_size})
    grants_found = [Grant._make(row) for row in rows]
    position = (grants_found[-1].serial,) if grants_found else ()
    return call.page(scope, "Qualifications", [one.wire() for one in grants_found], position)


def _asked(call: Call) -> tuple[QualificationType, str]:
    try:
        found = qualification_types.find(call.tx, call.input["QualificationTypeId"])
    except errors.ApiError as error:
        # Amazon says no more than this, also for types of its own.
        raise errors.qualification_does_not_exist() from error
    return found, call.input["WorkerId"]


def _not_granted(tx: Connection, type_id: str, worker_id: str) -> errors.ApiError:
    had_it = tx.execute(_OF_WORKER, {"type": type_id, "worker": worker_id}).first()
    return errors.qualification_revoked() if had_it else errors.qualification_does_not_exist()
