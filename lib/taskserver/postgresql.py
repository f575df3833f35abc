"""Leases in PostgreSQL, for servers of several machines."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from taskserver.database import CONNECTIONS, Records, Values
from taskserver.errors import DatabaseError

# Seconds: how long a page waits for a database that does not answer, and how long one attempt to connect may
# take.
POOL_TIMEOUT = 3.0
CONNECT_TIMEOUT = 10

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(:lock, 0))"
_SETTINGS: dict[str, Any] = {
    "autocommit": True,
    # This cursor puts the values in by itself: only so can two statements go in one message.
    "cursor_factory": psycopg.ClientCursor,
    "connect_timeout": CONNECT_TIMEOUT,
}


class Postgresql:
    """A Database that other processes, machines and runs may share.

    Two statements that count at the same moment would both find room. Hence `lock` takes an advisory lock
    until the commit, by a statement of its own: a statement sees only what was committed when it began.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = ConnectionPool(
            url, kwargs=_SETTINGS, min_size=1, max_size=CONNECTIONS, timeout=POOL_TIMEOUT, open=False
        )

    def create(self, schema: Sequence[str]) -> None:
        """Make the tables. IF NOT EXISTS alone does not keep two creators of one table apart."""
        try:
            with psycopg.connect(self._url, **_SETTINGS) as connection:
                statements = "; ".join([_LOCK, *schema])
                connection.execute(_with_percents(statements), {"lock": "taskserver schema"})
        except psycopg.Error as error:
            raise _translated(error) from error

    def write(self, statement: str, values: Values, *, lock: str = "") -> int:
        """Run one statement and return how many rows it changed."""
        if lock:
            return self._execute(f"{_LOCK}; {statement}", {**values, "lock": lock}).rowcount
        return self._execute(statement, values).rowcount

    def read(self, statement: str, values: Values) -> Records:
        """Return what a query finds."""
        return self._execute(statement, values).fetchall()

    def _execute(self, statement: str, values: Values) -> psycopg.Cursor:
        """Run a statement, once more when the connection was lost: the statements are safe to repeat."""
        query = _with_percents(statement)
        try:
            if self._pool.closed:
                self._pool.open()
            try:
                return self._execute_once(query, values)
            except PoolTimeout:
                raise
            except psycopg.OperationalError:
                self._pool.check()
                return self._execute_once(query, values)
        except psycopg.Error as error:
            raise _translated(error) from error

    def _execute_once(self, query: bytes, values: Values) -> psycopg.Cursor:
        with self._pool.connection() as connection:
            cursor = connection.execute(query, values)
            # The last statement's result counts. Results are held here, not at the server: they outlive the
            # loan.
            while cursor.nextset():
                pass
            return cursor


@cache
def _with_percents(statement: str) -> bytes:
    return re.sub(r":(\w+)", r"%(\1)s", statement).encode()


def _translated(error: psycopg.Error) -> DatabaseError:
    return DatabaseError(f"PostgreSQL: {str(error).partition(chr(10))[0]}")
