"""How often each operation was called, and how often that failed."""

from sqlalchemy import Connection, delete, select

from crowdserver.storage.schema import calls
from crowdserver.storage.upsert import Upsert

_ADD = Upsert(calls, add=["ok", "failed"])
_TOTALS = select(calls).order_by(calls.c.operation)
_DELETE = delete(calls)


def count(tx: Connection, operation: str, succeeded: bool) -> None:
    """Count a call. Whatever the client did not get a good answer to has failed."""
    _ADD.execute(tx, {"operation": operation, "ok": int(succeeded), "failed": int(not succeeded)})


def totals(tx: Connection) -> dict[str, dict[str, int]]:
    """Return the calls so far, by operation: `{"CreateHIT": {"ok": 3, "failed": 1}}`."""
    return {row.operation: {"ok": row.ok, "failed": row.failed} for row in tx.execute(_TOTALS)}


def reset(tx: Connection) -> None:
    """Count from zero again."""
    tx.execute(_DELETE)
