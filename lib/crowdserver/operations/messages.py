"""Messages to workers. Amazon sends mails; here they are kept, and workers read them on the site."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, case, func, insert, select

from crowdserver.operations import limits
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage.schema import assignments, messages

_MOST_WORKERS = 100
_RECENT = 20

_NO_WORK = "Cannot send a notification to a worker who has not done any work for you"
_NOT_REVIEWED = (
    "Cannot send a notification to a worker before you have approved or rejected work of this worker"
)


class Message(NamedTuple):
    """What a worker is told; its fields are columns of its table."""

    sent_at: float
    subject: str
    text: str


_LEAVE = insert(messages)
_LATEST = (
    select(messages.c.sent_at, messages.c.subject, messages.c.text)
    .where(messages.c.worker_id == bindparam("worker"))
    .order_by(messages.c.serial.desc())
    .limit(_RECENT)
)
_REVIEWED = (
    select(
        assignments.c.worker_id,
        func.max(case((assignments.c.status.in_(["Approved", "Rejected"]), 1), else_=0)).label("reviewed"),
    )
    .where(
        assignments.c.worker_id.in_(bindparam("workers", expanding=True)),
        assignments.c.submitted_at.is_not(None),
    )
    .group_by(assignments.c.worker_id)
)


def notify_workers(call: Call) -> dict[str, Any]:
    """NotifyWorkers: leaves a message to each worker whose work was approved or rejected. Repeated, it sends again.

    Whom it does not reach is told in the answer: a HardFailure for who never did anything, a SoftFailure for whose
    work still waits for its review, since it then works.
    """
    subject, text = (limits.required_text(call.input, name) for name in ("Subject", "MessageText"))
    worker_ids: list[str] = list(dict.fromkeys(call.input["WorkerIds"]))
    if not 1 <= len(call.input["WorkerIds"]) <= _MOST_WORKERS:
        number = len(call.input["WorkerIds"])
        raise errors.parameter(f"A message goes to 1 to {_MOST_WORKERS} WorkerIds, not to {number}.")
    reviewed: dict[str, int] = {
        row.worker_id: row.reviewed for row in call.tx.execute(_REVIEWED, {"workers": worker_ids})
    }
    leave(
        call.tx, call.now, [worker_id for worker_id in worker_ids if reviewed.get(worker_id)], subject, text
    )
    failures = [
        _failure(worker_id, worker_id in reviewed) for worker_id in worker_ids if not reviewed.get(worker_id)
    ]
    return {"NotifyWorkersFailureStatuses": failures}


def leave(tx: Connection, now: float, worker_ids: Sequence[str], subject: str, text: str) -> None:
    """Keep a message for each of some workers. Needs a transaction for writing."""
    if worker_ids:
        message = {"sent_at": now, "subject": subject, "text": text}
        tx.execute(_LEAVE, [{"worker_id": worker_id, **message} for worker_id in worker_ids])


def latest(tx: Connection, worker_id: str) -> list[Message]:
    """A worker's latest messages, the newest first."""
    return [Message._make(row) for row in tx.execute(_LATEST, {"worker": worker_id})]


def _failure(worker_id: str, has_worked: bool) -> dict[str, str]:
    return {
        "NotifyWorkersFailureCode": "SoftFailure" if has_worked else "HardFailure",
        "NotifyWorkersFailureMessage": _NOT_REVIEWED if has_worked else _NO_WORK,
        "WorkerId": worker_id,
    }
