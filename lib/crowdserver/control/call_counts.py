"""How often each operation was called, and how often that failed."""

from typing import Any

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from crowdserver.storage.schema import calls


def _upsert(insert: Any) -> Any:
    fresh = insert(calls).values(
        operation=bindparam("operation"), ok=bindparam("ok"), failed=bindparam("failed")
    )
    return fresh.on_conflict_do_update(
        index_elements=[calls.c.operation],
        set_={"ok": calls.c.ok + fresh.excluded.ok, "failed": calls.c.failed + fresh.excluded.failed},
    )


_UPSERT = {"sqlite": _upsert(sqlite.insert), "postgresql": _upsert(postgresql.insert)}


def count(tx: Connection, operation: str, succeeded: bool) -> None:
    """Count a call. Whatever the client did not get a good answer to has failed."""
    tx.execute(
        _UPSERT[tx.dialect.name], {"operation": operation, "ok": int(succeeded), "failed": int(not succeeded)}
    )


def numbers(tx: Connection) -> dict[str, dict[str, int]]:
    """The calls so far, by operation."""
    rows = tx.execute(select(calls).order_by(calls.c.operation))
    return {row.operation: {"ok": row.ok, "failed": row.failed} for row in rows}


def reset(tx: Connection) -> None:
    """Count from zero again."""
    tx.execute(delete(calls))
