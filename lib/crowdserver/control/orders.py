"""What the control API has ordered for a request: a fault, and how far lists and counters stay behind."""

from typing import NamedTuple

from sqlalchemy import select

from crowdserver.control import faults
from crowdserver.control.faults import Fault
from crowdserver.storage.database import Database
from crowdserver.storage.schema import server

_ORDERS = select(server.c.list_lag, server.c.counter_lag, faults.IS_ANY_ORDERED)


class Orders(NamedTuple):
    """The orders that one request is answered under. The lags are in seconds."""

    fault: Fault | None = None
    list_lag: float = 0.0
    counter_lag: float = 0.0


def take_orders(database: Database, operation: str) -> Orders:
    """Return the orders for a request, and use up its fault."""
    with database.read() as tx:
        list_lag, counter_lag, is_any_fault_ordered = tx.execute(_ORDERS).one()
    if not is_any_fault_ordered:
        return Orders(None, list_lag, counter_lag)
    with database.write() as tx:
        return Orders(faults.take(tx, operation), list_lag, counter_lag)
