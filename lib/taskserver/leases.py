"""Leases on (assignment, worker), which keep a worker's open units within allowed_concurrent."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from taskserver.database import Database, Values
from taskserver.run import Run

# How many leases one statement ends.
_BATCH = 500

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS taskserver_leases (
        run_id TEXT NOT NULL, assignment_id TEXT NOT NULL, worker_id TEXT NOT NULL,
        hit_id TEXT NOT NULL, unit_index BIGINT NOT NULL,
        opened_at DOUBLE PRECISION NOT NULL, deadline DOUBLE PRECISION NOT NULL, ended_at DOUBLE PRECISION,
        PRIMARY KEY (run_id, worker_id, assignment_id))""",
    "CREATE TABLE IF NOT EXISTS taskserver_drained (run_id TEXT PRIMARY KEY)",
)
_OF_WORKER = "run_id = :run_id AND worker_id = :worker_id AND deadline > :now"
# While draining, whoever was given the page may have it again until its deadline, even if the submission
# failed after the page reported it.
_TAKE = f"""
    INSERT INTO taskserver_leases
        (run_id, assignment_id, worker_id, hit_id, unit_index, opened_at, deadline)
    SELECT :run_id, :assignment_id, :worker_id, :hit_id, :unit_index, :now, :deadline
    WHERE (:cap = 0 OR :cap > (SELECT count(*) FROM taskserver_leases
                               WHERE {_OF_WORKER} AND ended_at IS NULL AND assignment_id <> :assignment_id))
      AND (NOT EXISTS (SELECT 1 FROM taskserver_drained WHERE run_id = :run_id)
           OR EXISTS (SELECT 1 FROM taskserver_leases WHERE {_OF_WORKER} AND assignment_id = :assignment_id))
    ON CONFLICT (run_id, worker_id, assignment_id) DO UPDATE
    SET ended_at = NULL, deadline = excluded.deadline,
        hit_id = excluded.hit_id, unit_index = excluded.unit_index"""
_OPEN = f"""
    SELECT assignment_id, hit_id, unit_index, opened_at, deadline FROM taskserver_leases
    WHERE {_OF_WORKER} AND ended_at IS NULL ORDER BY opened_at, unit_index"""
_END = """
    UPDATE taskserver_leases SET ended_at = :now
    WHERE run_id = :run_id AND ended_at IS NULL AND (worker_id, assignment_id) IN (VALUES %s)"""
_COUNTS = """
    SELECT (SELECT count(*) FROM taskserver_leases
            WHERE run_id = :run_id AND ended_at IS NULL AND deadline > :now),
           (SELECT count(*) FROM taskserver_leases WHERE run_id = :run_id),
           (SELECT count(*) FROM taskserver_drained WHERE run_id = :run_id)"""
_DRAIN = "INSERT INTO taskserver_drained (run_id) VALUES (:run_id) ON CONFLICT DO NOTHING"
_IS_DRAINING = "SELECT 1 FROM taskserver_drained WHERE run_id = :run_id"


class Holder(NamedTuple):
    """Whose lease it is. The assignment alone does not say: once returned, the next worker may get it."""

    assignment_id: str
    worker_id: str


class Lease(NamedTuple):
    """One unit that a worker has open. Times are seconds since the epoch."""

    assignment_id: str
    hit_id: str
    unit_index: int
    opened_at: float
    deadline: float


class Counts(NamedTuple):
    """Leases open now, leases ever given, and whether new ones are refused."""

    active: int
    served: int
    draining: bool


class Leases:
    """The leases of one run, in a database that other processes and other runs may share."""

    def __init__(self, database: Database, run: Run) -> None:
        self._database = database
        self._run_id = run.run_id
        self.cap = run.allowed_concurrent
        self._seconds = run.assignment_duration_in_seconds

    def create_tables(self) -> None:
        """Make the tables. Safe to repeat, and by several processes at once."""
        self._database.create(_SCHEMA)

    def take(self, holder: Holder, *, hit_id: str, unit_index: int) -> bool:
        """Take or renew the lease; return False when the worker holds too many others, or the run drains."""
        now = time.time()
        values = self._values(
            assignment_id=holder.assignment_id,
            worker_id=holder.worker_id,
            hit_id=hit_id,
            unit_index=unit_index,
            now=now,
            deadline=now + self._seconds,
            cap=self.cap,
        )
        lock = f"{self._run_id} {holder.worker_id}" if self.cap else ""
        return bool(self._database.write(_TAKE, values, lock=lock))

    def open_leases(self, worker_id: str) -> list[Lease]:
        """Return what a worker has open, the oldest first."""
        values = self._values(worker_id=worker_id, now=time.time())
        return [Lease(*row) for row in self._database.read(_OPEN, values)]

    def end(self, holders: Sequence[Holder]) -> int:
        """End the leases of these holders; return how many were still open. Safe to repeat."""
        batches = [holders[start : start + _BATCH] for start in range(0, len(holders), _BATCH)]
        return sum(self._end_batch(batch) for batch in batches)

    def drain(self) -> None:
        """Give no new leases from now on, in any process. Safe to repeat."""
        self._database.write(_DRAIN, self._values())

    def is_draining(self) -> bool:
        """Return whether drain() was called, here or elsewhere."""
        return bool(self._database.read(_IS_DRAINING, self._values()))

    def counts(self) -> Counts:
        """Return the figures for /health."""
        values = self._values(now=time.time())
        [[active, served, draining]] = self._database.read(_COUNTS, values)
        return Counts(active, served, bool(draining))

    def _end_batch(self, holders: Sequence[Holder]) -> int:
        pairs = ", ".join(f"(:w{number}, :a{number})" for number in range(len(holders)))
        values: dict[str, str] = {}
        for number, holder in enumerate(holders):
            values |= {f"w{number}": holder.worker_id, f"a{number}": holder.assignment_id}
        return self._database.write(_END % pairs, self._values(now=time.time(), **values))

    def _values(self, **values: str | int | float) -> Values:
        return {"run_id": self._run_id, **values}
