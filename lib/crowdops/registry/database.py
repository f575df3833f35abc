"""The registry's one sqlite file: opened, brought to the current schema, read, written and copied."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from crowdops.errors import RegistryError, UsageError
from crowdops.registry import migrations
from crowdops.registry.rows import Row, read, stamp, write_value

BUSY_SECONDS = 60.0  # how long a writer waits for another process's transaction
Entry = tuple[str, str, str | None, str | None]  # of the journal: kind, target, run id, detail


class RegistryFile:
    """An open registry, without its tables: the classes that know those are made from this one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._command = Path(sys.argv[0]).name

    @classmethod
    def open(cls, home: Path) -> Self:
        """Open or make `home`/registry.db and bring it to the current schema."""
        path = home / "registry.db"
        with _explained(path):
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=True)
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            try:
                migrations.require_known_or_new(connection, path)
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA foreign_keys = ON")
                migrations.apply(connection)
            except BaseException:
                connection.close()
                raise
        return cls(connection)

    @staticmethod
    def is_damaged(home: Path) -> bool:
        """Return whether `home`/registry.db exists and is no whole registry. Reads all of it."""
        path = home / "registry.db"
        if not path.exists():
            return False
        try:
            with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
                _require_whole(connection)
                return bool(migrations.strange(connection))
        except sqlite3.OperationalError:
            raise RegistryError(f"The registry {path} cannot be read.") from None
        except sqlite3.DatabaseError:
            return True

    @staticmethod
    def set_aside(home: Path) -> Path:
        """Rename `home`/registry.db and the files that belong to it, and return its new place."""
        path = home / "registry.db"
        kept = path.with_name(f"registry-damaged-{datetime.now(UTC):%Y%m%d-%H%M%S}.db")
        for suffix in ("-wal", "-shm", ""):
            file = path.with_name(path.name + suffix)
            if file.exists():
                file.rename(kept.with_name(kept.name + suffix))
        return kept

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._connection.close()
        if isinstance(error, sqlite3.DatabaseError):  # a reading method met a damaged page, or a full disk
            with _explained(None):
                raise error

    # Copies

    def backup_to(self, path: Path) -> None:
        """Copy everything, as it is at this moment, into a new file. Others may go on writing.

        RegistryError if the copy is no whole database, which means that the registry is none either.
        """
        with _explained(path):
            path.touch(mode=0o600, exist_ok=False)
            with closing(sqlite3.connect(path)) as copy:
                self._connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # a copy is one file
                _require_whole(copy)

    @staticmethod
    @contextmanager
    def opened_copy(path: Path) -> Iterator[sqlite3.Connection]:
        """Open a copy of a copy, brought to the current schema; the file itself is only read.

        RegistryError unless it is a whole registry, with nothing in it that a registry has not, and none that
        is newer than this code.
        """
        with (
            _explained(path),
            tempfile.TemporaryDirectory(prefix="crowdops-registry-") as folder,
            closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(Path(folder) / "registry.db", isolation_level=None)) as copy,
        ):
            try:
                _require_whole(original)
                original.backup(copy)
            except sqlite3.DatabaseError as error:
                raise RegistryError(
                    f"{path} is no whole copy of a registry ({error}). Nothing was changed."
                ) from error
            migrations.require_known(copy, path)
            if strange := migrations.strange(copy):
                raise RegistryError(
                    f"{path} is not a registry as crowdops makes it: {strange}. Nothing was changed."
                )
            migrations.apply(copy)
            yield copy

    def restore_from(self, copy: sqlite3.Connection, name: str) -> None:
        """Replace everything by what an opened copy holds, in one transaction. Safe to repeat.

        `name` is the copy's, for the journal.
        """
        with _explained(None):
            copy.backup(self._connection)
        self.record("registry-restored", name)

    # Reading, writing, and the journal of what was written

    def _rows(self, query: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Return the rows of a query, read as they are asked for."""
        return self._connection.execute(query, values)

    def _row(self, query: str, values: Sequence[object] = ()) -> Any:
        """Return the first row of a query, or None."""
        return self._connection.execute(query, values).fetchone()

    def _one(self, kind: type[Row], query: str, values: Sequence[object] = ()) -> Row | None:
        """Return the first row of a query as one of the types in rows.py, or None."""
        row = self._row(query, values)
        return read(kind, row) if row else None

    def _all(self, kind: type[Row], query: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a query as values of one of the types in rows.py."""
        return [read(kind, row) for row in self._rows(query, values)]

    def _write(
        self, statement: str, values: Sequence[object], *, entry: Entry | None = None, synced: bool = True
    ) -> int:
        """Carry out a statement and write its entry in the journal. Return how many rows changed."""
        with self.transaction(synced=synced):
            changed = self._connection.execute(statement, values).rowcount
            if entry:
                self.record(*entry)
        return changed

    def _insert(
        self, table: str, row: Sequence[object], otherwise: str = "", *, entry: Entry | None = None
    ) -> int:
        """Insert a row whose values stand in the order of the columns. Return how many were inserted."""
        values = [write_value(value) for value in row]
        statement = f"INSERT INTO {table} VALUES ({placeholders(values)}) {otherwise}"
        return self._write(statement, values, entry=entry)

    def record(self, kind: str, target: str, run_id: str | None = None, detail: str | None = None) -> None:
        """Add one entry to the journal."""
        self._write(
            "INSERT INTO events (at, command, pid, run_id, kind, target, detail)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (stamp(), self._command, os.getpid(), run_id, kind, target, detail),
        )

    @contextmanager
    def transaction(self, *, synced: bool = True) -> Iterator[None]:
        """Commit all that the block does, or nothing: what it has read still holds when it writes.

        Unless `synced`, a power cut can undo it.
        """
        if self._connection.in_transaction:  # a part of a larger one
            yield
            return
        with _explained(None):
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # sqlite itself rolls back when the disk is full
                    self._connection.execute("ROLLBACK")
                raise


def _require_whole(connection: sqlite3.Connection) -> None:
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise sqlite3.DatabaseError(f"database disk image is malformed: {answer}")


def placeholders(values: Sequence[object]) -> str:
    """Return a question mark for each value, separated by commas, for a list in a statement."""
    return ", ".join("?" for _ in values)


@contextmanager
def _explained(path: Path | None) -> Iterator[None]:
    """Turn sqlite's errors into ours; the file is left as it is."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a bug of ours, not a state of the disk
    except sqlite3.DatabaseError as error:
        place = f"The registry {path}" if path else "The registry"
        if "not a database" in str(error) or "malformed" in str(error):
            raise RegistryError(
                f"{place} is damaged ({error}). Nothing was changed. A new one can be made from what the"
                " provider has, and the damaged file is kept: make rebuild"
            ) from error
        raise RegistryError(f"{place} cannot be used: {error}.") from error
    except OSError as error:
        raise UsageError(f"The registry {path} cannot be opened: {error.strerror}.") from error
