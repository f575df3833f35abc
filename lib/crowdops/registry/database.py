"""The registry's one sqlite file: opened, brought to the current schema, read, written and copied."""

from __future__ import annotations

import functools
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from crowdops.config.secrets import Secrets
from crowdops.errors import RegistryError, RegistryMoved
from crowdops.registry import migrations, run_log, troubles
from crowdops.registry.patience import Patience
from crowdops.registry.rows import Entry, Event, Row, read, stamp, write_value
from crowdops.registry.troubles import explained

Result = TypeVar("Result")
Inputs = ParamSpec("Inputs")
File = TypeVar("File", bound="RegistryFile")


def repeatable(
    method: Callable[Concatenate[File, Inputs], Result],
) -> Callable[Concatenate[File, Inputs], Result]:
    """Let a method, whose one transaction may fail as a whole, be tried again: see Patience."""

    @functools.wraps(method)
    def patient(self: File, /, *arguments: Inputs.args, **options: Inputs.kwargs) -> Result:
        return self.try_on(lambda: method(self, *arguments, **options))

    return patient


class RegistryFile:
    """An open registry, without its tables: the classes that know those are made from this one."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection, self._path = connection, path
        self._file = _file_at(path)
        self._is_synced: bool | None = None  # whether a commit waits for the disk now
        self._command = Path(sys.argv[0]).name
        self._secrets = Secrets()
        self._recorded: list[Event] = []  # by the transaction under way
        self.patience = Patience()

    @classmethod
    def open(cls, home: Path) -> Self:
        """Open or make `home`/registry.db and bring it to the current schema."""
        path = home / troubles.FILE
        with troubles.opening_explained(path):
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            troubles.require_its_parts(path)
            path.touch(mode=0o600, exist_ok=True)
            return cls(Patience().try_on(lambda: _connect(path)), path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._connection.close()
        if isinstance(error, sqlite3.DatabaseError):  # a reading method met a damaged page, or a full disk
            with explained(self._path):
                raise error

    # Copies

    def backup_to(self, path: Path) -> None:
        """Copy everything, as it is at this moment, into a new file. Others may go on writing.

        RegistryError if the copy is no whole database, which means that the registry is none either.
        """
        with troubles.opening_explained(path):
            path.touch(mode=0o600, exist_ok=False)
            with closing(sqlite3.connect(path)) as copy:
                self._connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # a copy is one file
                with explained(self._path):
                    troubles.require_whole(copy)

    @staticmethod
    @contextmanager
    def opened_copy(path: Path) -> Iterator[sqlite3.Connection]:
        """Open a copy of a copy, brought to the current schema; the file itself is only read.

        RegistryError unless it is a whole registry, with nothing in it that a registry has not, and none that
        is newer than this code.
        """
        import tempfile

        with (
            troubles.opening_explained(path),
            tempfile.TemporaryDirectory(prefix="crowdops-registry-") as folder,
            closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(Path(folder) / "registry.db", isolation_level=None)) as copy,
        ):
            try:
                troubles.require_whole(original)
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

        `name` is the copy's, for the journal: that it was restored is part of what it then holds.
        """
        self._add_event(copy, Entry("registry-restored", name))
        with explained(self._path):
            copy.backup(self._connection)

    # Reading, writing, and the journal of what was written

    def _rows(self, query: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Return the rows of a query, read as they are asked for."""
        if self._connection.in_transaction:
            return self._execute(query, values)
        return self.patience.try_on(lambda: self._execute(query, values), writes=False)

    def _execute(self, query: str, values: Sequence[object]) -> sqlite3.Cursor:
        with explained(self._path):
            return self._connection.execute(query, values)

    def _row(self, query: str, values: Sequence[object] = ()) -> Any:
        """Return the first row of a query, or None."""
        return self._rows(query, values).fetchone()

    def _one(self, kind: type[Row], query: str, values: Sequence[object] = ()) -> Row | None:
        """Return the first row of a query as one of the types in rows.py, or None."""
        row = self._row(query, values)
        return read(kind, row) if row else None

    def _all(self, kind: type[Row], query: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a query as values of one of the types in rows.py."""
        return [read(kind, row) for row in self._rows(query, values)]

    def try_on(self, action: Callable[[], Result]) -> Result:
        """Do something that is one transaction, again while the file cannot be used: see Patience."""
        if self._connection.in_transaction:  # a part of a larger one, which is tried again as a whole
            return action()
        return self.patience.try_on(action)

    @repeatable
    def _write(
        self, statement: str, values: Sequence[object], *, entry: Entry | None = None, synced: bool = True
    ) -> int:
        """Carry out a statement, and write its entry in the journal if a row changed. Return how many did."""
        with self.transaction(synced=synced):
            changed = self._connection.execute(statement, values).rowcount
            if entry and changed:
                self.note(entry)
        return changed

    def _insert(
        self, table: str, row: Sequence[object], otherwise: str = "", *, entry: Entry | None = None
    ) -> int:
        """Insert a row whose values stand in the order of the columns. Return how many were inserted."""
        values = [write_value(value) for value in row]
        statement = f"INSERT INTO {table} VALUES ({placeholders(values)}) {otherwise}"
        return self._write(statement, values, entry=entry)

    def record(
        self,
        kind: str,
        target: str,
        run_id: str | None = None,
        detail: str | None = None,
        worker_id: str | None = None,
    ) -> None:
        """Add one entry to the journal; see Entry."""
        self.note(Entry(kind, target, run_id, detail, worker_id))

    @repeatable
    def note(self, entry: Entry) -> None:
        """Add one entry to the journal, without any secret."""
        with self.transaction():
            self._recorded.append(self._add_event(self._connection, entry))

    def _add_event(self, connection: sqlite3.Connection, entry: Entry) -> Event:
        kind, target, run_id = entry.kind, entry.target, entry.run_id
        detail = entry.detail and self._secrets.cut_from(entry.detail)
        hit_id = target if kind.startswith("hit-") else entry.hit_id
        worker_id = target if kind.startswith("worker-") else entry.worker_id
        now, pid = stamp(), os.getpid()
        [(event_id, hit_id)] = connection.execute(
            "INSERT INTO events (at, command, pid, run_id, kind, target, detail, worker_id, hit_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?,"
            " coalesce(?, (SELECT hit_id FROM assignments WHERE assignment_id = ? AND worker_id = ?)))"
            " RETURNING event_id, hit_id",
            (now, self._command, pid, run_id, kind, target, detail, worker_id, hit_id, target, worker_id),
        ).fetchall()
        at = datetime.fromisoformat(now)
        return Event(event_id, at, self._command, pid, run_id, kind, target, detail, hit_id, worker_id)

    def record_once(self, entry: Entry) -> None:
        """Add an entry to the journal, unless it has one of this kind about the same: that happens once."""
        query = "SELECT 1 FROM events WHERE target = ? AND kind = ? AND worker_id IS ?"
        with self.transaction():
            if not self._row(query, (entry.target, entry.kind, entry.worker_id)):
                self.note(entry)

    @contextmanager
    def transaction(self, *, synced: bool = True) -> Iterator[None]:
        """Commit all that the block does, or nothing: what it has read still holds when it writes.

        Unless `synced`, a power cut can undo it. It waits for its turn; whatever else goes wrong is raised,
        so that the whole of it can be tried again: see repeatable().
        """
        if self._connection.in_transaction:  # a part of a larger one
            yield
            return
        self.patience.try_on(lambda: self._begin(synced=synced))
        with explained(self._path):
            try:
                yield
                self._connection.execute("COMMIT")
                recorded, self._recorded = self._recorded, []
            finally:
                self._recorded.clear()
                if self._connection.in_transaction:  # sqlite itself rolls back when the disk is full
                    self._connection.execute("ROLLBACK")
        run_log.tell(recorded)

    def version(self) -> int:
        """Return what changes whenever another process has written, and not by what this one writes."""
        return int(self._row("PRAGMA main.data_version")[0])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all that the block reads be of one moment, whatever others write. It must not write itself."""
        self.patience.try_on(lambda: self._execute("BEGIN", ()), writes=False)
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def _begin(self, *, synced: bool) -> None:
        if _file_at(self._path) != self._file:
            raise RegistryMoved(
                f"The registry {self._path} was moved away or replaced while it was in use.",
                "Put it back where it was, or rebuild it from what the provider has: make rebuild",
            )
        with explained(self._path):
            if synced != self._is_synced:
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
                self._is_synced = synced
            self._connection.execute("BEGIN IMMEDIATE")


def _connect(path: Path) -> sqlite3.Connection:
    """Open a registry and bring it to the current schema."""
    with explained(path):
        connection = sqlite3.connect(path, timeout=troubles.LOCK_SECONDS, isolation_level=None)
        with ExitStack() as on_failure:
            on_failure.callback(connection.close)
            migrations.require_known_or_new(connection, path)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            migrations.apply(connection)
            on_failure.pop_all()
        return connection


def _file_at(path: Path) -> tuple[int, int] | None:
    """Return which file is at a path, whatever is in it; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def placeholders(values: Sequence[object]) -> str:
    """Return a question mark for each value, separated by commas, for a list in a statement."""
    return ", ".join("?" for _ in values)
