"""Workers whose access the requester ends: what they earned stays theirs, what is submitted is reviewed."""

import contextlib
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from crowdserver.operations.workers import WORKER_ID
from crowdserver.protocol.call import texts_in
from crowdserver.storage.people_tables import links, workers
from crowdserver.storage.upsert import Upsert
from crowdserver.worker import assignments
from crowdserver.worker.refusals import Refused

MOST_WORKERS = 1000  # of one request

# No hash of any link: nothing signs this worker in, and the sessions end. Locked, as when work is accepted.
_END = update(workers).where(workers.c.id == bindparam("worker")).values(token_hash=bindparam("nothing"))
_REMOVED = select(links.c.removed_at).where(links.c.worker_id == bindparam("worker"))
_REMOVE = Upsert(links, replace=["ends_at", "removed_at"])


def remove(tx: Connection, now: float, body: object) -> dict[str, Any]:
    """End the access of the worker_ids in a body at once; what they have in hand goes back to the others.

    The answer says who was removed, was so already or is unknown, and how much went back. Safe to repeat.
    Raises InvalidRequest.
    """
    worker_ids = texts_in(body, "worker_ids", MOST_WORKERS)
    answer: dict[str, Any] = {"removed": [], "already": [], "unknown": [], "returned": 0}
    for worker_id in sorted(set(worker_ids)):
        if not WORKER_ID.fullmatch(worker_id):
            answer["unknown"].append(worker_id)
        elif tx.execute(_REMOVED, {"worker": worker_id}).scalar() is not None:
            answer["already"].append(worker_id)
        elif not tx.execute(_END, {"worker": worker_id, "nothing": f"removed {worker_id}"}).rowcount:
            answer["unknown"].append(worker_id)
        else:
            _REMOVE.execute(tx, {"worker_id": worker_id, "ends_at": None, "removed_at": now})
            answer["removed"].append(worker_id)
            answer["returned"] += _return_all(tx, now, worker_id)
    return answer


def _return_all(tx: Connection, now: float, worker_id: str) -> int:
    returned = 0
    for assignment in assignments.in_progress(tx, now, worker_id):
        with contextlib.suppress(Refused):  # submitted at this moment
            assignments.give_back(tx, now, worker_id, assignment.assignment_id)
            returned += 1
    return returned
