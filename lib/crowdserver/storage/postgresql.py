"""What is PostgreSQL's own in the crowd server's database: connections, plans and statistics."""

import select
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError

# Every statement has an index. A plan that was made while a table was small would go through all of it, and
# is kept while the table grows. And no code is compiled for the tables of one row, which have no other plan.
_SETTINGS = "SET enable_seqscan = off; SET jit = off"
_ANALYZE = text("ANALYZE hits, hit_types")
# Below this many HITs no plan is wrong enough to be felt.
_FEW_HITS = 512


def make_engine(url: URL, connections: int, seconds: float) -> Engine:
    """Return an engine with so many connections, for which nobody waits longer. Raises ImportError."""
    engine = create_engine(
        url, pool_size=connections, max_overflow=0, pool_timeout=seconds, hide_parameters=True
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "checkout", _refuse_dead_ones(engine))
    return engine


def analyze_if_doubled(tx: Connection, serial: int) -> None:
    """Let PostgreSQL look at the HITs each time that there are twice as many; serial: that of a new HIT.

    It does so by itself too, but a launch of many thousands is over before.
    """
    if tx.dialect.name == "postgresql" and serial >= _FEW_HITS and serial.bit_count() == 1:
        tx.execute(_ANALYZE)


def _set_up(connection: Any, _record: object) -> None:
    connection.execute(_SETTINGS)
    connection.commit()


def _refuse_dead_ones(engine: Engine) -> Callable[[Any, object, object], None]:
    """Return what looks at a connection before its use: one that PostgreSQL has closed is made anew.

    Nothing is asked of one on which nothing came since its last use, so that this takes no round trip.
    """

    def check(connection: Any, _record: object, _proxy: object) -> None:
        try:
            if connection.closed or _has_something_come(connection.fileno()):
                engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error

    return check


def _has_something_come(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
