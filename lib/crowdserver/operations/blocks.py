"""Workers whom the requester has blocked: they see no work and take none. What they have in hand stays theirs."""

from typing import Any

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from crowdserver.operations import limits, workers
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage.schema import blocks

_IS_BLOCKED = select(blocks.c.worker_id).where(blocks.c.worker_id == bindparam("worker"))
_UNBLOCK = delete(blocks).where(blocks.c.worker_id == bindparam("worker"))
_PAGE = (
    select(blocks.c.worker_id, blocks.c.reason)
    .where(blocks.c.worker_id > bindparam("after"))
    .order_by(blocks.c.worker_id)
    .limit(bindparam("size"))
)


def _block(insert: Any) -> Any:
    fresh = insert(blocks)
    return fresh.on_conflict_do_update(
        index_elements=[blocks.c.worker_id],
        set_={name: fresh.excluded[name] for name in ("reason", "blocked_at")},
    )


_BLOCK = {"sqlite": _block(sqlite.insert), "postgresql": _block(postgresql.insert)}


def create(call: Call) -> dict[str, Any]:
    """CreateWorkerBlock. Safe to repeat: the reason, which the worker never sees, is replaced."""
    reason = limits.required_text(call.input, "Reason")
    worker_id = workers.demand_known(call.tx, call.input["WorkerId"])
    values = {"worker_id": worker_id, "reason": reason, "blocked_at": call.now}
    call.tx.execute(_BLOCK[call.tx.dialect.name], values)
    return {}


def remove(call: Call) -> dict[str, Any]:
    """DeleteWorkerBlock. Safe to repeat: a worker who is not blocked stays so."""
    worker_id: str = call.input["WorkerId"]
    if call.tx.execute(_UNBLOCK, {"worker": worker_id}).rowcount == 0 and not workers.is_known(
        call.tx, worker_id
    ):
        raise errors.parameter("WorkerId is invalid.")
    return {}


def list_blocks(call: Call) -> dict[str, Any]:
    """ListWorkerBlocks, by worker id."""
    scope = "ListWorkerBlocks"
    (after,) = call.position(scope) or ("",)
    found = call.tx.execute(_PAGE, {"after": after, "size": call.page_size}).all()
    members = [{"WorkerId": row.worker_id, "Reason": row.reason} for row in found]
    return call.page(scope, "WorkerBlocks", members, (found[-1].worker_id,) if found else ())


def is_blocked(tx: Connection, worker_id: str) -> bool:
    """Whether the requester has blocked a worker."""
    return tx.execute(_IS_BLOCKED, {"worker": worker_id}).first() is not None
