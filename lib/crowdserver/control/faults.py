"""What the control API orders for requests: faults, as often as a test wants them, and how far lists lag.

It lies in the database, so every process of the server deals it out together.
"""

import random
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from crowdserver.storage.database import Database
from crowdserver.storage.schema import faults, server

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
_ORDERS = select(server.c.list_lag, server.c.counter_lag, select(faults.c.id).exists())


class Fault(NamedTuple):
    """One fault. operation: which one it befalls, or * for all; times or probability: how often it does."""

    operation: str
    kind: str
    times: int | None
    probability: float | None
    seconds: float


class Orders(NamedTuple):
    """The orders that one request is answered under. The lags are in seconds."""

    fault: Fault | None = None
    list_lag: float = 0.0
    counter_lag: float = 0.0

    def befalls(self, kind: str) -> bool:
        """Return whether the request's fault is of this kind."""
        return self.fault is not None and self.fault.kind == kind


def order(tx: Connection, fault: Fault) -> None:
    """Add a fault to those that are ordered."""
    tx.execute(_INSERT, fault._asdict())


def clear(tx: Connection) -> None:
    """Cancel all orders."""
    tx.execute(_DELETE)


def take(database: Database, operation: str) -> Orders:
    """Return the orders for a request, and use up its fault."""
    with database.read() as tx:
        list_lag, counter_lag, is_any_fault_ordered = tx.execute(_ORDERS).one()
    if not is_any_fault_ordered:
        return Orders(None, list_lag, counter_lag)
    with database.write() as tx:
        return Orders(_take_fault(tx, operation), list_lag, counter_lag)


def _take_fault(tx: Connection, operation: str) -> Fault | None:
    """Return the fault that befalls a request, if any, and use it up. The first one ordered comes first."""
    for row in tx.execute(_MATCHING, {"operation": operation}).all():
        if row.times is None and random.random() >= row.probability:
            continue
        if row.times is not None:
            tx.execute(_COUNT_DOWN, {"fault": row.id})
            tx.execute(_DELETE_USED_UP)
        return Fault(row.operation, row.kind, row.times, row.probability, row.seconds)
    return None
