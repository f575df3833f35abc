"""Messages to workers. Amazon sends mails; here they are kept, and workers read them on the site."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, insert, select, update

from crowdserver.operations import limits
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage.indexes import IS_UNREAD
from crowdserver.storage.people_tables import inbox, messages
from crowdserver.storage.schema import AnyRow, assignments

_MOST_WORKERS = 100
_RECENT = 20

_NO_WORK = "Cannot send a notification to a worker who has not done any work for you"
_NOT_REVIEWED = (
    "Cannot send a notification to a worker before you have approved or rejected work of this worker"
)

_INSERT = insert(messages)
_LATEST = (
    select(messages)
    .where(messages.c.worker_id == bindparam("worker"))
    .order_by(messages.c.serial.desc())
    .limit(_RECENT)
)
_READ = (
    update(messages)
    .where(messages.c.worker_id == bindparam("worker"), IS_UNREAD, messages.c.sent_at <= bindparam("until"))
    .values(read_at=bindparam("moment"))
)
_OF_WORKERS = inbox.c.worker_id.in_(bindparam("workers", expanding=True))
_WRITERS = select(inbox.c.worker_id).where(_OF_WORKERS).distinct()
_ANSWER = (
    update(inbox).where(_OF_WORKERS, inbox.c.answered_at.is_(None)).values(answered_at=bindparam("moment"))
)
_REVIEWED = (
    select(
        assignments.c.worker_id,
        func.max(case((assignments.c.status.in_(["Approved", "Rejected"]), 1), else_=0)).label("reviewed"),
    )
    .where(
        assignments.c.worker_id.in_(bindparam("workers", expanding=True)),
        assignments.c.status.in_(["Submitted", "Approved", "Rejected"]),
    )
    .group_by(assignments.c.worker_id)
)


def notify_workers(call: Call) -> dict[str, Any]:
    """Answer NotifyWorkers: sends a message to each worker of whom an assignment was approved or rejected.

    And to each who has written to the requester, as the answer to that. Repeated, it sends again. The answer
    names the workers whom it does not reach: with a HardFailure who never submitted anything, with a
    SoftFailure of whom nothing is reviewed yet, since after the review it works.
    """
    subject = limits.required_text(call.input, "Subject")
    text = limits.required_text(call.input, "MessageText")
    number = len(call.input["WorkerIds"])
    if not 1 <= number <= _MOST_WORKERS:
        raise errors.parameter(f"A message goes to 1 to {_MOST_WORKERS} WorkerIds, not to {number}.")
    worker_ids: list[str] = list(dict.fromkeys(call.input["WorkerIds"]))
    reviewed: dict[str, int] = {
        row.worker_id: row.reviewed for row in call.tx.execute(_REVIEWED, {"workers": worker_ids})
    }
    reviewed |= dict.fromkeys(call.tx.execute(_WRITERS, {"workers": worker_ids}).scalars(), 1)
    reached = [worker_id for worker_id in worker_ids if reviewed.get(worker_id)]
    add(call.tx, call.now, reached, subject, text)
    call.tx.execute(_ANSWER, {"workers": reached, "moment": call.now})
    failures = [
        _failure(worker_id, worker_id in reviewed) for worker_id in worker_ids if not reviewed.get(worker_id)
    ]
    return {"NotifyWorkersFailureStatuses": failures}


def add(tx: Connection, now: float, worker_ids: Sequence[str], subject: str, text: str) -> None:
    """Add a message to each worker's own. Needs a transaction for writing."""
    if worker_ids:
        message = {"sent_at": now, "subject": subject, "text": text}
        tx.execute(_INSERT, [{"worker_id": worker_id, **message} for worker_id in worker_ids])


def latest(tx: Connection, worker_id: str) -> Sequence[AnyRow]:
    """Return the rows of a worker's latest messages, the newest first."""
    return tx.execute(_LATEST, {"worker": worker_id}).all()


def mark_read(tx: Connection, now: float, worker_id: str, until: float) -> None:
    """Note that a worker has seen what was sent until then."""
    tx.execute(_READ, {"worker": worker_id, "until": until, "moment": now})


def _failure(worker_id: str, has_submitted: bool) -> dict[str, str]:
    return {
        "NotifyWorkersFailureCode": "SoftFailure" if has_submitted else "HardFailure",
        "NotifyWorkersFailureMessage": _NOT_REVIEWED if has_submitted else _NO_WORK,
        "WorkerId": worker_id,
    }
