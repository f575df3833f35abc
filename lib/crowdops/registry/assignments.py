"""Collected assignments in the registry, and the results that they make with their data rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from crowdops.registry.database import RegistryFile, placeholders, repeatable
from crowdops.registry.rows import (
    Assignment,
    Entry,
    Look,
    Result,
    UnitReview,
    read,
    read_moment,
    read_result,
    stamp,
    write_value,
)


class Assignments(RegistryFile):
    """The table assignments."""

    @repeatable
    def collect(
        self, run_id: str, unit_index: int, hit_id: str, assignments: Sequence[Assignment], *, ended: bool
    ) -> None:
        """Store a HIT's assignments; when the HIT `ended`, also the unit's end state. Safe to repeat."""
        now, state = stamp(), "finished" if assignments else "expired"
        with self.transaction():
            self._connection.executemany(
                _UPSERT_ASSIGNMENT,
                [(*map(write_value, assignment), run_id, unit_index, now) for assignment in assignments],
            )
            if ended:
                self._write(
                    "UPDATE units SET state = ?, hit_id = ? WHERE run_id = ? AND unit_index = ?"
                    " AND state IN ('creating', 'outstanding', 'expired') AND (state, hit_id) IS NOT (?, ?)",
                    (state, hit_id, run_id, unit_index, state, hit_id),
                    entry=Entry("hit-collected", hit_id, run_id, f"{len(assignments)} answers"),
                )
            self._journal_reviews(run_id, unit_index, now)

    def _journal_reviews(self, run_id: str, unit_index: int, now: str) -> None:
        """Journal the reviews that were sent and found in force before their answer was written down."""
        rows = self._rows(
            "SELECT a.assignment_id, a.worker_id, a.status, d.feedback"
            " FROM assignments a JOIN decisions d USING (assignment_id, worker_id)"
            " WHERE a.run_id = ? AND a.unit_index = ? AND d.state = 'sending' AND d.settled_at IS NULL"
            " AND a.status = CASE d.verdict WHEN 'approve' THEN 'Approved' ELSE 'Rejected' END",
            (run_id, unit_index),
        ).fetchall()
        for assignment_id, worker_id, status, feedback in rows:
            entry = Entry(f"assignment-{status.lower()}", assignment_id, run_id, feedback, worker_id)
            self.record_once(entry)
            self._write(
                "UPDATE decisions SET settled_at = ? WHERE assignment_id = ? AND worker_id = ?",
                (now, assignment_id, worker_id),
            )

    def assignment_count(self, run_id: str) -> int:
        """Return how many assignments of a run have been collected."""
        return int(self._row("SELECT count(*) FROM assignments WHERE run_id = ?", (run_id,))[0])

    def collected_of(self, run_id: str, unit_index: int, hit_id: str) -> int:
        """Return how many assignments of one HIT of a unit have been collected."""
        query = "SELECT count(*) FROM assignments WHERE run_id = ? AND unit_index = ? AND hit_id = ?"
        return int(self._row(query, (run_id, unit_index, hit_id))[0])

    def collected_by_hit(self, run_id: str) -> dict[str, int]:
        """Return how many assignments of each HIT of a run have been collected."""
        query = "SELECT hit_id, count(*) FROM assignments WHERE run_id = ? GROUP BY hit_id"
        return dict(self._rows(query, (run_id,)))

    def last_work(self, run_id: str) -> tuple[datetime | None, datetime | None]:
        """Return when a collected assignment of a run was last accepted, and when one was last submitted."""
        query = "SELECT max(accepted_at), max(submitted_at) FROM assignments WHERE run_id = ?"
        accepted, submitted = self._row(query, (run_id,))
        return read_moment(accepted), read_moment(submitted)

    def busiest_workers(self, task_name: str, least: int) -> set[str]:
        """Return the workers with at least so many collected assignments in the runs of a task_name."""
        rows = self._rows(
            "SELECT worker_id FROM assignments JOIN task_runs USING (run_id) WHERE task_name = ?"
            " GROUP BY worker_id HAVING count(*) >= ?",
            (task_name, least),
        )
        return {worker_id for (worker_id,) in rows}

    def iter_results(self, run_ids: Sequence[str]) -> Iterator[Result]:
        """Yield every collected assignment of these runs with its data row, by run and unit."""
        query = f"{_SELECT_RESULTS} WHERE a.run_id = ? ORDER BY a.unit_index, a.submitted_at, a.assignment_id"
        for run_id in run_ids:
            yield from map(read_result, self._rows(query, (run_id,)))

    def unit_answers(self, run_id: str, unit_index: int) -> list[Assignment]:
        """Return what was collected of a unit, the oldest first."""
        query = (
            "SELECT * FROM assignments WHERE run_id = ? AND unit_index = ?"
            " ORDER BY submitted_at, assignment_id"
        )
        return self._all(Assignment, query, (run_id, unit_index))

    def has_answer_field(self, run_id: str, field: str) -> bool:
        """Return whether an answer to a run has a field, be it blank."""
        query = "SELECT 1 FROM assignments, json_each(answer) WHERE run_id = ? AND key = ? LIMIT 1"
        return self._row(query, (run_id, field)) is not None

    def answer_fields(self, run_id: str, answers: int) -> list[str]:
        """Return the fields that so many answers to a run have, by name."""
        query = (
            "SELECT DISTINCT key FROM (SELECT answer FROM assignments WHERE run_id = ? LIMIT ?),"
            " json_each(answer) ORDER BY key"
        )
        return [name for (name,) in self._rows(query, (run_id, answers))]

    def results_of(self, assignment_id: str) -> list[Result]:
        """Return what was collected under an assignment's id: one result a worker who had it."""
        rows = self._rows(f"{_SELECT_RESULTS} WHERE a.assignment_id = ?", (assignment_id,))
        return [read_result(row) for row in rows]

    def iter_stale_units(self, run_id: str, now: datetime) -> Iterator[tuple[int, str]]:
        """Yield (unit index, HIT) where a stored 'Submitted' has passed its auto-approval time."""
        rows = self._rows(
            "SELECT DISTINCT unit_index, hit_id FROM assignments"
            " WHERE run_id = ? AND status = 'Submitted' AND auto_approval_at <= ?",
            (run_id, write_value(now)),
        ).fetchall()
        yield from ((row["unit_index"], row["hit_id"]) for row in rows)

    def last_collected(self, run_ids: Sequence[str]) -> datetime | None:
        """Return when an assignment of these runs was last collected."""
        query = f"SELECT max(collected_at) FROM assignments WHERE run_id IN ({placeholders(run_ids)})"
        moment: datetime | None = read_moment(self._row(query, tuple(run_ids))[0])
        return moment

    def looks(self, run_ids: Sequence[str], rejected_since: datetime) -> list[Look]:
        """Return the HITs of these runs with collected assignments, the oldest look first; no deleted ones.

        What was rejected before `rejected_since` does not change any more.
        """
        rows = self._rows(
            "SELECT a.hit_id, a.run_id, min(a.collected_at) AS looked_at,"
            " max(a.status = 'Rejected' AND a.submitted_at >= ?) AS may_change"
            " FROM assignments a JOIN units u USING (run_id, unit_index)"
            f" WHERE u.state != 'disposed' AND a.run_id IN ({placeholders(run_ids)})"
            " GROUP BY a.hit_id ORDER BY looked_at, a.hit_id",
            (write_value(rejected_since), *run_ids),
        )
        return [read(Look, row) for row in rows]

    @repeatable
    def set_looked_at(self, looks: Sequence[Look]) -> None:
        """Note that these HITs were looked at just now."""
        now = stamp()
        with self.transaction():
            self._connection.executemany(
                "UPDATE assignments SET collected_at = ? WHERE run_id = ? AND hit_id = ?",
                [(now, look.run_id, look.hit_id) for look in looks],
            )

    def unit_review(self, run_id: str, unit_index: int, hit_id: str) -> UnitReview | None:
        """Return what is stored of a HIT of a unit and its assignments, or None."""
        row = self._row(
            "SELECT state, count(*) FILTER (WHERE status != 'Submitted'),"
            " count(*) FILTER (WHERE status = 'Submitted'), coalesce(u.hit_id, ?) = ?"
            " FROM units AS u LEFT JOIN assignments AS a"
            " ON a.run_id = u.run_id AND a.unit_index = u.unit_index AND a.hit_id = ?"
            " WHERE u.run_id = ? AND u.unit_index = ? GROUP BY state",
            (hit_id, hit_id, hit_id, run_id, unit_index),
        )
        return UnitReview(row[0], row[1], row[2], bool(row[3])) if row else None

    def status_counts(self, run_id: str) -> Counter[str]:
        """Return how many of a run's collected assignments have each status."""
        query = "SELECT status, count(*) FROM assignments WHERE run_id = ? GROUP BY status"
        return Counter(dict(self._rows(query, (run_id,))))

    def collected_of_open_units(self, run_id: str) -> int:
        """Return how many assignments were collected of HITs of units that have not ended."""
        row = self._row(
            "SELECT count(*) FROM assignments AS a JOIN units AS u USING (run_id, unit_index)"
            " WHERE run_id = ? AND state IN ('creating', 'outstanding') AND a.hit_id = u.hit_id",
            (run_id,),
        )
        return int(row[0])

    def next_auto_approval(self, run_id: str) -> str | None:
        """Return when the next submitted assignment is approved by itself, as ISO 8601, or None."""
        query = "SELECT min(auto_approval_at) FROM assignments WHERE run_id = ? AND status = 'Submitted'"
        moment: str | None = self._row(query, (run_id,))[0]
        return moment

    def unreviewed_counts(self, now: datetime) -> Counter[str]:
        """Return how many collected assignments wait for a review, by run; only of runs that have some.

        Those that have approved themselves by now do not, whether or not that was collected.
        """
        rows = self._rows(
            "SELECT run_id, count(*) FROM assignments WHERE status = 'Submitted'"
            " AND (auto_approval_at IS NULL OR auto_approval_at > ?) GROUP BY run_id",
            (write_value(now),),
        )
        return Counter(dict(rows.fetchall()))

    def due_approvals(
        self, run_ids: Sequence[str], after: datetime, until: datetime
    ) -> dict[str, tuple[int, datetime]]:
        """Return by run how many submitted assignments approve themselves in a time, and the first."""
        rows = self._rows(
            "SELECT run_id, count(*), min(auto_approval_at) FROM assignments WHERE status = 'Submitted'"
            f" AND auto_approval_at > ? AND auto_approval_at <= ? AND run_id IN ({placeholders(run_ids)})"
            " GROUP BY run_id",
            (write_value(after), write_value(until), *run_ids),
        )
        return {run_id: (count, read_moment(moment)) for run_id, count, moment in rows}

    def worker_record(self, worker_id: str, task_names: Sequence[str]) -> dict[str, int]:
        """Return how many of a worker's assignments have each status, in the runs of these task_names."""
        rows = self._rows(
            "SELECT status, count(*) FROM assignments JOIN task_runs USING (run_id)"
            f" WHERE worker_id = ? AND task_name IN ({placeholders(task_names)}) GROUP BY status",
            (worker_id, *task_names),
        )
        return dict(rows)

    def workers_of(self, run_ids: Sequence[str]) -> list[str]:
        """Return the workers who submitted something to these runs, each once."""
        query = "SELECT DISTINCT worker_id FROM assignments WHERE run_id = ? ORDER BY worker_id"
        workers = (worker_id for run_id in run_ids for (worker_id,) in self._rows(query, (run_id,)))
        return list(dict.fromkeys(workers))

    def all_workers(self) -> list[str]:
        """Return every worker whom the registry names, once."""
        query = "SELECT worker_id FROM assignments UNION SELECT worker_id FROM makeups"
        return [worker_id for (worker_id,) in self._rows(query)]


_SELECT_RESULTS = (
    "SELECT a.*, u.input, r.task_name FROM assignments a"
    " JOIN units u USING (run_id, unit_index) JOIN task_runs r USING (run_id)"
)
_UPSERT_ASSIGNMENT = """
INSERT INTO assignments (assignment_id, worker_id, hit_id, status, accepted_at, submitted_at,
                         auto_approval_at, approved_at, rejected_at, answer, bonus, answer_values, run_id,
                         unit_index, collected_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (assignment_id, worker_id) DO UPDATE SET
    status = excluded.status, approved_at = excluded.approved_at, rejected_at = excluded.rejected_at,
    collected_at = excluded.collected_at
"""
