"""Faults to order: what can go wrong between a client and the service, as often as a test wants it.

They lie in the database, so every process of the server deals them out together.
"""

import random
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from crowdserver.storage.schema import faults

KINDS = ("throttle", "error-before", "error-after", "drop-after", "slow")
ANY = "*"

_INSERT = insert(faults)
_DELETE = delete(faults)
_MATCHING = (
    select(faults)
    .where(faults.c.operation.in_([bindparam("operation"), ANY]))
    .order_by(faults.c.id)
    .with_for_update()
)
_COUNT_DOWN = update(faults).where(faults.c.id == bindparam("fault")).values(times=faults.c.times - 1)
_DELETE_USED_UP = delete(faults).where(faults.c.times <= 0)

# Whether any fault is ordered, in SQL.
IS_ANY_ORDERED = select(faults.c.id).exists()


class Fault(NamedTuple):
    """One fault. operation: which one it befalls, or * for all; times or probability: how often it does."""

    operation: str
    kind: str
    times: int | None
    probability: float | None
    seconds: float

    @property
    def hides_success(self) -> bool:
        """Whether it keeps the client from seeing that a request worked."""
        return self.kind in ("error-after", "drop-after")


def order(tx: Connection, fault: Fault) -> None:
    """Add a fault to those that are ordered."""
    tx.execute(_INSERT, fault._asdict())


def clear(tx: Connection) -> None:
    """Cancel all orders."""
    tx.execute(_DELETE)


def take(tx: Connection, operation: str) -> Fault | None:
    """Return the fault that befalls a request, if any, and use it up. The first one ordered comes first."""
    for row in tx.execute(_MATCHING, {"operation": operation}).all():
        if row.times is None and random.random() >= row.probability:
            continue
        if row.times is not None:
            tx.execute(_COUNT_DOWN, {"fault": row.id})
            tx.execute(_DELETE_USED_UP)
        return Fault(row.operation, row.kind, row.times, row.probability, row.seconds)
    return None
