"""Leases on (assignment, worker), which keep a worker's open units within allowed_concurrent."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from taskserver.databases import Database, Values

BATCH = 500

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS taskserver_leases (
        run_id TEXT NOT NULL, assignment_id TEXT NOT NULL, worker_id TEXT NOT NULL,
        hit_id TEXT NOT NULL, unit_index BIGINT NOT NULL,
        opened_at DOUBLE PRECISION NOT NULL, deadline DOUBLE PRECISION NOT NULL, ended_at DOUBLE PRECISION,
        PRIMARY KEY (run_id, worker_id, assignment_id))""",
    "CREATE TABLE IF NOT EXISTS taskserver_drained (run_id TEXT PRIMARY KEY)",
)
_MINE = "run_id = :run_id AND worker_id = :worker_id AND deadline > :now"
# While draining, whoever was given the page may have it again until its deadline, even if his submission failed
# after the page reported it.
_TAKE = f"""
    INSERT INTO taskserver_leases
        (run_id, assignment_id, worker_id, hit_id, unit_index, opened_at, deadline)
    SELECT :run_id, :assignment_id, :worker_id, :hit_id, :unit_index, :now, :deadline
    WHERE (:cap = 0 OR :cap > (SELECT count(*) FROM taskserver_leases
                               WHERE {_MINE} AND ended_at IS NULL AND assignment_id <> :assignment_id))
      AND (NOT EXISTS (SELECT 1 FROM taskserver_drained WHERE run_id = :run_id)
           OR EXISTS (SELECT 1 FROM taskserver_leases WHERE {_MINE} AND assignment_id = :assignment_id))
    ON CONFLICT (run_id, worker_id, assignment_id) DO UPDATE
    SET ended_at = NULL, deadline = excluded.deadline, hit_id = excluded.hit_id, unit_index = excluded.unit_index"""
_HELD = f"""
    SELECT assignment_id, hit_id, unit_index, opened_at, deadline FROM taskserver_leases
    WHERE {_MINE} AND ended_at IS NULL ORDER BY opened_at, unit_index"""
_END = """
    UPDATE taskserver_leases SET ended_at = :now
    WHERE run_id = :run_id AND ended_at IS NULL AND (worker_id, assignment_id) IN (VALUES %s)"""
_TALLY = """
    SELECT (SELECT count(*) FROM taskserver_leases
            WHERE run_id = :run_id AND ended_at IS NULL AND deadline > :now),
           (SELECT count(*) FROM taskserver_leases WHERE run_id = :run_id),
           (SELECT count(*) FROM taskserver_drained WHERE run_id = :run_id)"""
_DRAIN = "INSERT INTO taskserver_drained (run_id) VALUES (:run_id) ON CONFLICT DO NOTHING"
_DRAINING = "SELECT 1 FROM taskserver_drained WHERE run_id = :run_id"


class Holder(NamedTuple):
    """Whose lease. An assignment's id alone does not say: once returned, it may be given to the next worker."""

    assignment_id: str
    worker_id: str


class Lease(NamedTuple):
    """One unit that a worker has open. Times are seconds since the epoch."""

    assignment_id: str
    hit_id: str
    unit_index: int
    opened_at: float
    deadline: float


class Tally(NamedTuple):
    """Leases open now, leases ever given, and whether new ones are refused."""

    active: int
    served: int
    draining: bool


class Leases:
    """The leases of one run, in a database that other processes and other runs may share."""

    def __init__(
        self,
        database: Database,
        run_id: str,
        *,
        cap: int,
        seconds: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """cap: how many one worker may hold, 0 for any number; seconds: how long a lease lasts."""
        self._database = database
        self._run_id = run_id
        self._cap = cap
        self._seconds = seconds
        self._clock = clock

    def create_tables(self) -> None:
        """Make the tables. Safe to repeat, and by several processes at once."""
        self._database.create(_SCHEMA)

    def take(self, holder: Holder, *, hit_id: str, unit_index: int) -> bool:
        """Take or renew the lease; False when the worker holds too many others, or the run drains."""
        now = self._clock()
        values = self._values(
            assignment_id=holder.assignment_id, worker_id=holder.worker_id, hit_id=hit_id, unit_index=unit_index,
            now=now, deadline=now + self._seconds, cap=self._cap,
        )  # fmt: skip
        turn = f"{self._run_id} {holder.worker_id}" if self._cap else ""
        return bool(self._database.write(_TAKE, values, turn=turn))

    def held(self, worker_id: str) -> list[Lease]:
        """What a worker has open, the oldest first."""
        values = self._values(worker_id=worker_id, now=self._clock())
        return [Lease(*row) for row in self._database.read(_HELD, values)]

    def end(self, leases: Sequence[Holder]) -> int:
        """End the leases of these holders; how many were still open. Safe to repeat."""
        batches = [leases[start : start + BATCH] for start in range(0, len(leases), BATCH)]
        return sum(self._end_batch(batch) for batch in batches)

    def drain(self) -> None:
        """Give no new leases from now on, in any process. Safe to repeat."""
        self._database.write(_DRAIN, self._values())

    def is_draining(self) -> bool:
        """Whether drain() was called, here or elsewhere."""
        return bool(self._database.read(_DRAINING, self._values()))

    def tally(self) -> Tally:
        """The figures for /health."""
        values = self._values(now=self._clock())
        [[active, served, draining]] = self._database.read(_TALLY, values)
        return Tally(active, served, bool(draining))

    def _end_batch(self, leases: Sequence[Holder]) -> int:
        pairs = ", ".join(f"(:w{number}, :a{number})" for number in range(len(leases)))
        values: dict[str, str] = {}
        for number, lease in enumerate(leases):
            values |= {f"w{number}": lease.worker_id, f"a{number}": lease.assignment_id}
        return self._database.write(_END % pairs, self._values(now=self._clock(), **values))

    def _values(self, **values: str | int | float) -> Values:
        return {"run_id": self._run_id, **values}
