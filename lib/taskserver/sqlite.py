"""Leases in a sqlite file, for the processes of one machine."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from taskserver.database import Records, Values
from taskserver.errors import DatabaseError

# Seconds that a statement waits while another process writes.
TIMEOUT = 20.0


class Sqlite:
    """A Database in one file.

    `lock` needs nothing here: sqlite takes its one write lock before a writing statement reads anything.
    Threads queue for one connection, where sqlite would make them sleep and retry. Queries have another, so
    that a count of all leases holds up nobody's page.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = _Connection(path)
        self._reader = _Connection(path)

    def create(self, schema: Sequence[str]) -> None:
        """Make the tables. Without fsync a power failure may spoil the file: then it is begun anew."""
        if not self._is_sound():
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        for statement in schema:
            # One tree in place of two: half the pages to write for a lease.
            self.write(f"{statement} WITHOUT ROWID", {})
        self._writer.close()

    def write(self, statement: str, values: Values, *, lock: str = "") -> int:
        """Run one statement and return how many rows it changed."""
        return self._writer.execute(statement, values)[1]

    def read(self, statement: str, values: Values) -> Records:
        """Return what a query finds."""
        return self._reader.execute(statement, values)[0]

    def _is_sound(self) -> bool:
        try:
            return self.read("PRAGMA quick_check", {}) == [("ok",)]
        except DatabaseError as error:
            # Locked, unreadable, disk full: not to be deleted. Anything else means that it is no database.
            if isinstance(error.__cause__, sqlite3.OperationalError):
                raise
            return False
        finally:
            self._reader.close()


class _Connection:
    """One connection that threads take turns to use; opened when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def execute(self, statement: str, values: Values) -> tuple[Records, int]:
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = self._open()
                cursor = self._connection.execute(statement, values)
                return cursor.fetchall(), cursor.rowcount
        except sqlite3.Error as error:
            raise DatabaseError(f"{self._path.name}: {error}") from error

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        # isolation_level None: each statement commits by itself.
        connection = sqlite3.connect(self._path, TIMEOUT, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        # A lease lost by a power failure costs nothing: no fsync, which would be half the cost of a lease.
        connection.execute("PRAGMA synchronous = OFF")
        return connection
