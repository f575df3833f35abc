"""Workers whom the requester has blocked: they see and accept no HITs, but keep what they have accepted."""

from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from crowdserver.operations import limits, workers
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage.people_tables import blocks
from crowdserver.storage.upsert import Upsert

IS_BLOCKED = select(blocks.c.worker_id).where(blocks.c.worker_id == bindparam("worker")).exists()
_IS_BLOCKED = select(IS_BLOCKED)
_UNBLOCK = delete(blocks).where(blocks.c.worker_id == bindparam("worker"))
_PAGE = (
    select(blocks.c.worker_id, blocks.c.reason)
    .where(blocks.c.worker_id > bindparam("after"))
    .order_by(blocks.c.worker_id)
    .limit(bindparam("size"))
)
_BLOCK = Upsert(blocks, replace=["reason", "blocked_at"])


def create(call: Call) -> dict[str, Any]:
    """Answer CreateWorkerBlock. Safe to repeat: the reason, which the worker never sees, is replaced."""
    reason = limits.required_text(call.input, "Reason")
    worker_id = workers.check_known(call.tx, call.input["WorkerId"])
    _BLOCK.execute(call.tx, {"worker_id": worker_id, "reason": reason, "blocked_at": call.now})
    return {}


def remove(call: Call) -> dict[str, Any]:
    """Answer DeleteWorkerBlock. Safe to repeat: a worker who is not blocked stays so."""
    worker_id: str = call.input["WorkerId"]
    was_blocked = call.tx.execute(_UNBLOCK, {"worker": worker_id}).rowcount > 0
    if not was_blocked and not workers.is_known(call.tx, worker_id):
        raise errors.parameter("WorkerId is invalid.")
    return {}


def list_blocks(call: Call) -> dict[str, Any]:
    """Answer ListWorkerBlocks: the blocks by worker id."""
    scope = "ListWorkerBlocks"
    rows = call.rows(scope, _PAGE, {}, first="")
    members = [{"WorkerId": row.worker_id, "Reason": row.reason} for row in rows]
    return call.page(scope, "WorkerBlocks", rows, members, ["worker_id"])


def is_blocked(tx: Connection, worker_id: str) -> bool:
    """Return whether the requester has blocked a worker."""
    return bool(tx.execute(_IS_BLOCKED, {"worker": worker_id}).scalar_one())
