"""The server's clock: real time plus an offset that the control API can move.

The offset lies in the database, so all processes share it and a restart keeps it.
"""

import time

from sqlalchemy import Connection, Double, bindparam, select, update

from crowdserver.storage.schema import server

# The server's time in SQL, for a statement that is given the real time.
NOW = bindparam("real_time", type_=Double) + server.c.clock_offset
_NOW = select(NOW)


def real_time() -> float:
    """Return the time outside of the server, in seconds since the epoch."""
    return time.time()


def now(tx: Connection) -> float:
    """Return the server's time, in seconds since the epoch."""
    moment: float = tx.execute(_NOW, {"real_time": real_time()}).scalar_one()
    return moment


def advance(tx: Connection, seconds: float) -> float:
    """Move the clock forward for good and return the new time. What falls due happens at the next request."""
    tx.execute(update(server).values(clock_offset=server.c.clock_offset + seconds))
    return now(tx)
