"""The server's clock: real time plus an offset that the control API can move.

The offset lives in the database, so all processes share it and a restart keeps it.
"""

import time

from sqlalchemy import Connection, select, update

from crowdserver.storage.schema import server

_OFFSET = select(server.c.clock_offset)


def now(tx: Connection) -> float:
    """The server's time, in seconds since the epoch."""
    offset: float = tx.execute(_OFFSET).scalar_one()
    return time.time() + offset


def advance(tx: Connection, seconds: float) -> float:
    """Move the clock forward for good and return the new time. What falls due happens at the next request."""
    tx.execute(update(server).values(clock_offset=server.c.clock_offset + seconds))
    return now(tx)
