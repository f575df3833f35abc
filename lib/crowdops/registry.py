"""The run registry: one sqlite file that remembers every run, unit and assignment.

The only module that knows sqlite, and with its other half, the ledger, the only one that knows SQL. Each public
method is one transaction, committed before it returns; none makes a network call. Intents are on the disk by then;
of answers a power cut can undo the last ones, and their units are settled like any whose answer was lost. Several
processes may use the file at once.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from crowdops.errors import RegistryError, UsageError
from crowdops.ledger import Ledger

BUSY_SECONDS = 60.0  # how long a writer waits for another process's transaction
CHUNK = 1000  # rows a transaction when planning a run: others get their turn between
OPEN_STATES = ("planned", "creating", "outstanding")
END_STATES = ("finished", "stopped", "failed")


class Run(NamedTuple):
    """One row of task_runs; `parameters` is the JSON text of the resolved run parameters."""

    run_id: str
    task_name: str
    environment: str
    endpoint: str
    state: str
    detached: bool
    parameters: str
    data_digest: str
    units: int
    hit_type_id: str | None
    created_at: datetime
    ended_at: datetime | None
    reason: str | None


class Unit(NamedTuple):
    """One row of units; `input` is the data row, None when it cannot be known."""

    run_id: str
    unit_index: int
    state: str
    input: dict[str, Any] | None
    hit_id: str | None
    intended_at: datetime | None
    created_at: datetime | None
    expired_at: datetime | None
    error: str | None


class Assignment(NamedTuple):
    """One collected assignment; `answer` maps field names to values."""

    assignment_id: str
    worker_id: str
    hit_id: str
    status: str
    accepted_at: datetime | None
    submitted_at: datetime | None
    auto_approval_at: datetime | None
    approved_at: datetime | None
    rejected_at: datetime | None
    answer: dict[str, Any]
    bonus: Decimal | None = None


class Server(NamedTuple):
    """One row of servers; `detail` holds what the kind of server needs to be found again."""

    server_id: str
    run_id: str | None
    kind: str
    name: str
    state: str
    url: str | None
    detail: dict[str, Any]
    created_at: datetime
    ended_at: datetime | None


class Event(NamedTuple):
    """One line of the journal."""

    at: datetime
    command: str
    pid: int
    kind: str
    target: str
    detail: str | None


class Result(NamedTuple):
    """One collected assignment with the run and the unit it belongs to."""

    run_id: str
    task_name: str
    unit_index: int
    input: dict[str, Any] | None
    assignment: Assignment


class Registry(Ledger):
    """An open registry. Use `with Registry.open(home) as registry`; one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._command = Path(sys.argv[0]).name

    @classmethod
    def open(cls, home: Path) -> Registry:
        """Open or make `home`/registry.db and bring it to the current schema."""
        path = home / "registry.db"
        with _explained(path):
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=True)
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            try:
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA foreign_keys = ON")
                _migrate(connection, path)
            except BaseException:
                connection.close()
                raise
        return cls(connection)

    @staticmethod
    def is_damaged(home: Path) -> bool:
        """Return whether `home`/registry.db exists and is no whole database. Reads all of it."""
        path = home / "registry.db"
        if not path.exists():
            return False
        try:
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
            try:
                return bool(connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
            finally:
                connection.close()
        except sqlite3.OperationalError:
            raise RegistryError(f"The registry {path} cannot be read.") from None
        except sqlite3.DatabaseError:
            return True

    @staticmethod
    def set_aside(home: Path) -> Path:
        """Rename `home`/registry.db and the files that belong to it, and return its new place. Nothing is lost."""
        path = home / "registry.db"
        kept = path.with_name(f"registry-damaged-{_now():%Y%m%d-%H%M%S}.db")
        for suffix in ("-wal", "-shm", ""):
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                beside.rename(kept.with_name(kept.name + suffix))
        return kept

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._connection.close()
        if isinstance(error, sqlite3.DatabaseError):  # a reading method met a damaged page, or a full disk
            with _explained(None):
                raise error

    # Runs

    def add_run(self, run: Run) -> None:
        """Add a run in state 'launching'."""
        values = [_text(value) if isinstance(value, datetime) else value for value in run]
        marks = ", ".join("?" for _ in values)
        with self._transaction():
            self._connection.execute(f"INSERT INTO task_runs VALUES ({marks})", values)
            self._record("run-created", run.run_id, run.run_id, run.task_name)

    def run(self, run_id: str) -> Run | None:
        """Return one run, or None."""
        row = self._connection.execute("SELECT * FROM task_runs WHERE run_id = ?", (run_id,)).fetchone()
        return _run(row) if row else None

    def runs(self) -> list[Run]:
        """Return every run, oldest first."""
        return [_run(row) for row in self._connection.execute("SELECT * FROM task_runs ORDER BY run_id")]

    def set_hit_type(self, run_id: str, hit_type_id: str) -> None:
        """Remember the HIT type that the run's HITs have."""
        with self._transaction():
            self._connection.execute(
                "UPDATE task_runs SET hit_type_id = ? WHERE run_id = ?", (hit_type_id, run_id)
            )

    def set_run_state(self, run_id: str, state: str, reason: str | None = None) -> None:
        """Move a run to a state; end states get their time. Safe to repeat."""
        ended = _text(_now()) if state in END_STATES else None
        with self._transaction():
            self._connection.execute(
                "UPDATE task_runs SET state = ?, ended_at = ?, reason = ? WHERE run_id = ?",
                (state, ended, reason, run_id),
            )
            self._record(f"run-{state}", run_id, run_id, reason)

    def adopt_run(self, run: Run) -> bool:
        """Add a run that was found by its marks. False if the registry knows it, and knows better."""
        if self.run(run.run_id):
            return False
        self.add_run(run)
        return True

    def set_plan(self, run_id: str, parameters: str, data_digest: str, units: int) -> None:
        """Complete a run that was found by its marks with what only its owner knows."""
        with self._transaction():
            self._connection.execute(
                "UPDATE task_runs SET parameters = ?, data_digest = ?, units = ? WHERE run_id = ?",
                (parameters, data_digest, units, run_id),
            )
            self._record("run-completed", run_id, run_id, f"{units} units")

    # Units

    def add_units(self, run_id: str, rows: Iterable[tuple[int, dict[str, Any]]]) -> int:
        """Add planned units from (index, data row); streams. Returns how many came.

        Units that are there stay as they are; only a row that was not known is filled in.
        """
        count, iterator = 0, iter(rows)
        while chunk := [
            (run_id, index, json.dumps(row, ensure_ascii=False)) for index, row in islice(iterator, CHUNK)
        ]:
            with self._transaction():
                self._connection.executemany(
                    "INSERT INTO units (run_id, unit_index, input) VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET input = excluded.input WHERE input IS NULL",
                    chunk,
                )
            count += len(chunk)
        return count

    def intend(self, run_id: str, limit: int) -> list[Unit]:
        """Move up to `limit` planned units to 'creating' and return them: the intent before the call."""
        now = _text(_now())
        with self._transaction():
            rows = self._connection.execute(
                "SELECT * FROM units WHERE run_id = ? AND state = 'planned' ORDER BY unit_index LIMIT ?",
                (run_id, limit),
            ).fetchall()
            self._connection.executemany(
                "UPDATE units SET state = 'creating', intended_at = ? WHERE run_id = ? AND unit_index = ?",
                [(now, run_id, row["unit_index"]) for row in rows],
            )
        return [_unit(row)._replace(state="creating", intended_at=_moment(now)) for row in rows]

    def withdraw(self, run_id: str, unit_indexes: Sequence[int]) -> None:
        """Move 'creating' units back to 'planned': certainly nothing was created for them."""
        if not unit_indexes:
            return
        with self._transaction():
            self._connection.executemany(
                "UPDATE units SET state = 'planned', intended_at = NULL"
                " WHERE run_id = ? AND unit_index = ? AND state = 'creating'",
                [(run_id, index) for index in unit_indexes],
            )

    def set_created(self, run_id: str, unit_index: int, hit_id: str) -> None:
        """Commit the answer to a creation: the unit is outstanding under this HIT. Safe to repeat.

        It does not wait for the disk: after a power cut the unit may be 'creating' again, and be settled again.
        """
        with self._transaction(synced=False):
            self._connection.execute(
                "UPDATE units SET state = 'outstanding', hit_id = ?, created_at = ?, error = NULL"
                " WHERE run_id = ? AND unit_index = ? AND state IN ('planned', 'creating', 'failed')",
                (hit_id, _text(_now()), run_id, unit_index),
            )
            self._record("hit-created", hit_id, run_id, str(unit_index))

    def adopt_hit(self, run_id: str, unit_index: int, hit_id: str, created_at: datetime) -> bool:
        """Take over a HIT that carries a unit's mark. False if the registry has it, or another for the unit.

        A unit that is not known comes without its data row. Safe to repeat.
        """
        with self._transaction():
            changed = self._connection.execute(
                "INSERT INTO units (run_id, unit_index, state, hit_id, created_at)"
                " VALUES (?, ?, 'outstanding', ?, ?) ON CONFLICT (run_id, unit_index) DO UPDATE SET"
                " state = 'outstanding', hit_id = excluded.hit_id, created_at = excluded.created_at, error = NULL"
                " WHERE state IN ('planned', 'creating', 'failed') AND hit_id IS NULL",
                (run_id, unit_index, hit_id, _text(created_at)),
            ).rowcount
            if changed:
                self._connection.execute(
                    "UPDATE task_runs SET units = max(units, ?) WHERE run_id = ?", (unit_index + 1, run_id)
                )
                self._record("hit-adopted", hit_id, run_id, str(unit_index))
        return bool(changed)

    def reopen_unit(self, run_id: str, unit_index: int, hit_id: str) -> None:
        """A unit at its end is outstanding again: somebody has extended its HIT. Safe to repeat."""
        with self._transaction():
            self._connection.execute(
                "UPDATE units SET state = 'outstanding', expired_at = NULL, error = NULL WHERE run_id = ?"
                " AND unit_index = ? AND hit_id = ? AND state IN ('finished', 'expired', 'failed')",
                (run_id, unit_index, hit_id),
            )
            self._record("unit-reopened", hit_id, run_id, str(unit_index))

    def set_failed(self, run_id: str, unit_index: int, error: str) -> None:
        """A unit could not be made, for the reason given; no HIT exists for it."""
        with self._transaction():
            self._connection.execute(
                "UPDATE units SET state = 'failed', error = ? WHERE run_id = ? AND unit_index = ?",
                (error, run_id, unit_index),
            )
            self._record("unit-failed", str(unit_index), run_id, error)

    def set_expired(self, run_id: str, unit_index: int, hit_id: str) -> None:
        """Note when this suite ended a HIT early. The unit stays outstanding until it is collected."""
        with self._transaction(synced=False):
            self._connection.execute(
                "UPDATE units SET expired_at = coalesce(expired_at, ?) WHERE run_id = ? AND unit_index = ?",
                (_text(_now()), run_id, unit_index),
            )
            self._record("hit-expired", hit_id, run_id, str(unit_index))

    def collect(
        self, run_id: str, unit_index: int, hit_id: str, assignments: Sequence[Assignment], *, ended: bool
    ) -> None:
        """Store a HIT's assignments; when the HIT `ended`, also the unit's end state. Safe to repeat."""
        now = _text(_now())
        with self._transaction():
            self._connection.executemany(
                _UPSERT_ASSIGNMENT, [_assignment_row(run_id, unit_index, a, now) for a in assignments]
            )
            if ended:
                self._connection.execute(
                    "UPDATE units SET state = ?, hit_id = ? WHERE run_id = ? AND unit_index = ?"
                    " AND state IN ('creating', 'outstanding', 'expired')",
                    ("finished" if assignments else "expired", hit_id, run_id, unit_index),
                )
                self._record("hit-collected", hit_id, run_id, str(len(assignments)))

    def unit(self, run_id: str, unit_index: int) -> Unit | None:
        """Return one unit, or None."""
        row = self._connection.execute(
            "SELECT * FROM units WHERE run_id = ? AND unit_index = ?", (run_id, unit_index)
        ).fetchone()
        return _unit(row) if row else None

    def iter_units(self, run_id: str, states: Sequence[str], chunk: int = CHUNK) -> Iterator[Unit]:
        """Yield a run's units in any of these states, by index; the caller may write in between."""
        after, marks = -1, ", ".join("?" for _ in states)
        while rows := self._connection.execute(
            f"SELECT * FROM units WHERE run_id = ? AND unit_index > ? AND state IN ({marks})"
            " ORDER BY unit_index LIMIT ?",
            (run_id, after, *states, chunk),
        ).fetchall():
            yield from map(_unit, rows)
            after = rows[-1]["unit_index"]

    def unit_counts(self, run_id: str) -> dict[str, int]:
        """Return how many units of a run are in each state; states without units are absent."""
        rows = self._connection.execute(
            "SELECT state, count(*) FROM units WHERE run_id = ? GROUP BY state", (run_id,)
        )
        return dict(rows)

    def open_units(self, run_id: str) -> int:
        """Return how many units of a run are not at their end."""
        counts = self.unit_counts(run_id)
        return sum(counts.get(state, 0) for state in OPEN_STATES)

    def missing_hits(self, run_id: str, seen: Iterable[str], created_before: datetime) -> list[str]:
        """Return the HITs of outstanding units, older than a moment, that are not among `seen`."""
        known = set(seen)
        rows = self._connection.execute(
            "SELECT hit_id FROM units WHERE run_id = ? AND state = 'outstanding' AND created_at < ?",
            (run_id, _text(created_before)),
        )
        return [hit_id for (hit_id,) in rows if hit_id not in known]

    # Assignments

    def assignment_count(self, run_id: str) -> int:
        """Return how many assignments of a run have been collected."""
        query = "SELECT count(*) FROM assignments WHERE run_id = ?"
        return int(self._connection.execute(query, (run_id,)).fetchone()[0])

    def collected_of(self, run_id: str, unit_index: int, hit_id: str) -> int:
        """Return how many assignments of one HIT of a unit have been collected."""
        query = "SELECT count(*) FROM assignments WHERE run_id = ? AND unit_index = ? AND hit_id = ?"
        return int(self._connection.execute(query, (run_id, unit_index, hit_id)).fetchone()[0])

    def last_work(self, run_id: str) -> tuple[datetime | None, datetime | None]:
        """Return when a collected assignment of a run was last accepted, and when one was last submitted."""
        query = "SELECT max(accepted_at), max(submitted_at) FROM assignments WHERE run_id = ?"
        accepted, submitted = self._connection.execute(query, (run_id,)).fetchone()
        return _moment(accepted), _moment(submitted)

    def busiest_workers(self, task_name: str, least: int) -> set[str]:
        """Return the workers with at least so many collected assignments in the runs of a task_name."""
        rows = self._connection.execute(
            "SELECT worker_id FROM assignments JOIN task_runs USING (run_id) WHERE task_name = ?"
            " GROUP BY worker_id HAVING count(*) >= ?",
            (task_name, least),
        )
        return {worker_id for (worker_id,) in rows}

    def iter_results(self, run_ids: Sequence[str]) -> Iterator[Result]:
        """Yield every collected assignment of these runs with its data row, by run and unit."""
        for run_id in run_ids:
            cursor = self._connection.execute(
                "SELECT a.*, u.input, r.task_name FROM assignments a"
                " JOIN units u USING (run_id, unit_index) JOIN task_runs r USING (run_id)"
                " WHERE a.run_id = ? ORDER BY a.unit_index, a.submitted_at, a.assignment_id",
                (run_id,),
            )
            yield from map(_result, cursor)

    def results_of(self, assignment_id: str) -> list[Result]:
        """Return what was collected under an assignment's id: one result a worker who had it."""
        rows = self._connection.execute(
            "SELECT a.*, u.input, r.task_name FROM assignments a"
            " JOIN units u USING (run_id, unit_index) JOIN task_runs r USING (run_id)"
            " WHERE a.assignment_id = ?",
            (assignment_id,),
        )
        return [_result(row) for row in rows]

    def iter_stale_units(self, run_id: str, now: datetime) -> Iterator[tuple[int, str]]:
        """Yield (unit index, HIT) where a stored 'Submitted' has passed its auto-approval time."""
        rows = self._connection.execute(
            "SELECT DISTINCT unit_index, hit_id FROM assignments"
            " WHERE run_id = ? AND status = 'Submitted' AND auto_approval_at <= ?",
            (run_id, _text(now)),
        ).fetchall()
        yield from ((row["unit_index"], row["hit_id"]) for row in rows)

    # Servers

    def add_server(self, server: Server) -> None:
        """Write down a server that is about to be created: state 'creating', with its name."""
        values = (*server[:6], json.dumps(server.detail), _text(server.created_at), _text(server.ended_at))
        with self._transaction():
            self._connection.execute("INSERT INTO servers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            self._record("server-intended", server.name, server.run_id, server.kind)

    def set_server(self, server_id: str, state: str, url: str | None, detail: dict[str, Any]) -> None:
        """Commit what is known of a server now. State 'gone' gets its time. Safe to repeat."""
        ended = _text(_now()) if state == "gone" else None
        with self._transaction():
            self._connection.execute(
                "UPDATE servers SET state = ?, url = ?, detail = ?, ended_at = ? WHERE server_id = ?",
                (state, url, json.dumps(detail), ended, server_id),
            )
            self._record(f"server-{state}", server_id, None, url)

    def servers(self, *states: str) -> list[Server]:
        """Return the servers in these states, oldest first."""
        marks = ", ".join("?" for _ in states)
        rows = self._connection.execute(
            f"SELECT * FROM servers WHERE state IN ({marks}) ORDER BY created_at, server_id", states
        )
        return [
            Server(*row)._replace(
                detail=json.loads(row["detail"]),
                created_at=_moment(row["created_at"]),
                ended_at=_moment(row["ended_at"]),
            )
            for row in rows
        ]

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
    def check_copy(path: Path) -> None:
        """RegistryError unless a file is a whole registry, and none that is newer than this code."""
        with _explained(path), _opened_copy(path) as copy:
            _require_known(copy, path)

    def restore_from(self, path: Path) -> None:
        """Put what a copy holds in the place of everything, in one transaction, and bring it to the current schema.

        RegistryError if the file cannot be used: then nothing has changed. Safe to repeat.
        """
        with _explained(path):
            with _opened_copy(path) as copy:
                _require_known(copy, path)
                copy.backup(self._connection)
            _migrate(self._connection, path)
        self.record("registry-restored", path.name)

    # Journal

    def record(self, kind: str, target: str, run_id: str | None = None, detail: str | None = None) -> None:
        """Add one line to the journal."""
        with self._transaction():
            self._record(kind, target, run_id, detail)

    def last_event(self, run_id: str) -> Event | None:
        """Return the newest line of the journal about a run, or None."""
        row = self._connection.execute(
            "SELECT at, command, pid, kind, target, detail FROM events"
            " WHERE run_id = ? ORDER BY event_id DESC LIMIT 1",
            (run_id,),
        ).fetchone()
        return Event(*row)._replace(at=_moment(row["at"])) if row else None

    def _record(self, kind: str, target: str, run_id: str | None, detail: str | None = None) -> None:
        self._connection.execute(
            "INSERT INTO events (at, command, pid, run_id, kind, target, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (_text(_now()), self._command, os.getpid(), run_id, kind, target, detail),
        )

    def _stamp(self) -> str:
        return _text(_now()) or ""

    @contextmanager
    def _transaction(self, *, synced: bool = True) -> Iterator[None]:
        """Commit what the block does, or nothing of it. Without `synced` a power cut, not a kill, can undo it."""
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


_UPSERT_ASSIGNMENT = """
INSERT INTO assignments (assignment_id, worker_id, run_id, unit_index, hit_id, status, accepted_at, submitted_at,
                         auto_approval_at, approved_at, rejected_at, answer, bonus, collected_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (assignment_id, worker_id) DO UPDATE SET
    status = excluded.status, approved_at = excluded.approved_at, rejected_at = excluded.rejected_at,
    collected_at = excluded.collected_at
"""


def _assignment_row(run_id: str, unit_index: int, a: Assignment, now: str | None) -> tuple[object, ...]:
    times = (a.accepted_at, a.submitted_at, a.auto_approval_at, a.approved_at, a.rejected_at)
    return (
        *(a.assignment_id, a.worker_id, run_id, unit_index, a.hit_id, a.status),
        *map(_text, times),
        *(json.dumps(a.answer, ensure_ascii=False), None if a.bonus is None else str(a.bonus), now),
    )


def _assignment(row: sqlite3.Row) -> Assignment:
    return Assignment(
        *(row["assignment_id"], row["worker_id"], row["hit_id"], row["status"]),
        accepted_at=_moment(row["accepted_at"]),
        submitted_at=_moment(row["submitted_at"]),
        auto_approval_at=_moment(row["auto_approval_at"]),
        approved_at=_moment(row["approved_at"]),
        rejected_at=_moment(row["rejected_at"]),
        answer=json.loads(row["answer"]),
        bonus=None if row["bonus"] is None else Decimal(row["bonus"]),
    )


def _result(row: sqlite3.Row) -> Result:
    return Result(
        *(row["run_id"], row["task_name"], row["unit_index"]),
        json.loads(row["input"]) if row["input"] is not None else None,
        _assignment(row),
    )


def _run(row: sqlite3.Row) -> Run:
    return Run(*row)._replace(
        detached=bool(row["detached"]),
        created_at=_moment(row["created_at"]),
        ended_at=_moment(row["ended_at"]),
    )


def _unit(row: sqlite3.Row) -> Unit:
    return Unit(*row)._replace(
        input=None if row["input"] is None else json.loads(row["input"]),
        intended_at=_moment(row["intended_at"]),
        created_at=_moment(row["created_at"]),
        expired_at=_moment(row["expired_at"]),
    )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Apply the numbered migrations that are missing, each with its record in one transaction."""
    files = sorted(
        (
            file
            for file in resources.files("crowdops").joinpath("schema").iterdir()
            if file.name.endswith(".sql")
        ),
        key=lambda file: file.name,
    )
    for number, file in enumerate(files, start=1):
        if connection.execute("PRAGMA user_version").fetchone()[0] >= number:
            continue
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] < number:  # nobody else was faster
            for statement in _statements(file.read_text(encoding="utf-8")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    _require_known(connection, path)


def _require_known(connection: sqlite3.Connection, path: Path) -> None:
    """RegistryError unless a database is a registry of a schema that this code knows."""
    known = sum(
        file.name.endswith(".sql") for file in resources.files("crowdops").joinpath("schema").iterdir()
    )
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > known:
        raise RegistryError(
            f"{path} was written by a newer crowdops (schema {version}, this one knows {known}). Update crowdops."
        )
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'task_runs'").fetchone():
        raise RegistryError(f"{path} is a database, and not a registry of crowdops.")


@contextmanager
def _opened_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a copy of a registry for reading, once all of it was found whole. RegistryError if it is not."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as copy:
        try:
            _require_whole(copy)
        except sqlite3.DatabaseError as error:
            raise RegistryError(
                f"{path} is no whole copy of a registry ({error}). Nothing was changed."
            ) from error
        yield copy


def _require_whole(connection: sqlite3.Connection) -> None:
    if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(f"database disk image is malformed: {found}")


def _statements(script: str) -> Iterator[str]:
    """Split a migration into statements: executescript() would commit before it starts."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


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


def _now() -> datetime:
    return datetime.now(UTC)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(text: str | None) -> Any:
    return None if text is None else datetime.fromisoformat(text)
