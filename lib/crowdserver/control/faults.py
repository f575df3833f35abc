"""Faults to order: what can go wrong between a client and the service, as often as a test wants it.

They lie in the database, so every process of the server deals them out together.
"""

import random
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from crowdserver.storage.schema import faults

KINDS = ("throttle", "error-before", "error-after", "drop-after", "slow")
ANY = "*"

_MATCHING = (
    select(faults)
    .where(faults.c.operation.in_([bindparam("operation"), ANY]))
    .order_by(faults.c.id)
    .with_for_update()
)
_ANY_LEFT = select(select(faults.c.id).exists())
_USE_UP = update(faults).where(faults.c.id == bindparam("key")).values(times=faults.c.times - 1)
_USED_UP = delete(faults).where(faults.c.times <= 0)


class Fault(NamedTuple):
    """One fault. operation: which one it strikes, or * for all; times or probability: how often it does."""

    operation: str
    kind: str
    times: int | None
    probability: float | None
    seconds: float


def order(tx: Connection, fault: Fault) -> None:
    """Add a fault to those that are ordered."""
    tx.execute(insert(faults).values(**fault._asdict()))


def clear(tx: Connection) -> None:
    """Take all orders back."""
    tx.execute(delete(faults))


def any_left(tx: Connection) -> bool:
    """Whether any fault is ordered at all."""
    return bool(tx.execute(_ANY_LEFT).scalar_one())


def strike(tx: Connection, operation: str) -> Fault | None:
    """Choose the fault that strikes a request, if any, and use it up. The first one ordered comes first."""
    for row in tx.execute(_MATCHING, {"operation": operation}).all():
        if row.times is None and random.random() >= row.probability:
            continue
        if row.times is not None:
            tx.execute(_USE_UP, {"key": row.id})
            tx.execute(_USED_UP)
        return Fault(row.operation, row.kind, row.times, row.probability, row.seconds)
    return None
