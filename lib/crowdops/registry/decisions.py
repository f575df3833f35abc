"""What people decided about assignments: written down before it is sent, and settled after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crowdops.registry.database import RegistryFile, placeholders, repeatable
from crowdops.registry.rows import REVIEWED, Decision, Entry, read, stamp, write_value


class Decisions(RegistryFile):
    """The table decisions."""

    def put_decision(self, decision: Decision, state: str) -> None:
        """Write a decision down: 'noted' for later, or 'sending' right before it is carried out.

        It replaces an earlier one. Safe to repeat.
        """
        self._write(
            "INSERT INTO decisions (assignment_id, worker_id, verdict, feedback, bonus, soft_block, state,"
            " decided_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (assignment_id, worker_id) DO UPDATE SET"
            " verdict = excluded.verdict, feedback = excluded.feedback, bonus = excluded.bonus,"
            " soft_block = excluded.soft_block, state = excluded.state, decided_at = excluded.decided_at,"
            " settled_at = NULL, error = NULL",
            (*map(write_value, decision), state, stamp()),
        )

    def drop_note(self, assignment_id: str, worker_id: str) -> None:
        """Drop a decision that was only noted. Safe to repeat."""
        self._write(
            "DELETE FROM decisions WHERE assignment_id = ? AND worker_id = ? AND state = 'noted'",
            (assignment_id, worker_id),
        )

    @repeatable
    def set_reviewed(self, run_id: str, decision: Decision, reviewed_at: datetime | None) -> None:
        """A decision is in force, by us or before us; `reviewed_at` if the endpoint told when.

        A decision with a bonus or a block is not done before finish_decision() says so. It does not wait for
        the disk: after a power cut the decision may be 'sending' again, and is settled by reading.
        """
        status, now = REVIEWED[decision.action], stamp()
        state = "sending" if decision.bonus or decision.soft_block else "done"
        column = "approved_at" if status == "Approved" else "rejected_at"
        key = (decision.assignment_id, decision.worker_id)
        with self.transaction(synced=False):
            self._write(
                "UPDATE decisions SET state = ?, settled_at = ?, error = NULL"
                " WHERE assignment_id = ? AND worker_id = ?",
                (state, now, *key),
            )
            self._write(
                f"UPDATE assignments SET status = ?, {column} = ? WHERE assignment_id = ? AND worker_id = ?",
                (status, write_value(reviewed_at) or now, *key),
            )
            self.record_once(_entry(f"assignment-{status.lower()}", run_id, decision, decision.feedback))

    def finish_decision(self, assignment_id: str, worker_id: str) -> None:
        """Note that everything that a decision asked for has been done. Safe to repeat."""
        self._write(
            "UPDATE decisions SET state = 'done', settled_at = ? WHERE assignment_id = ? AND worker_id = ?"
            " AND state IN ('noted', 'sending')",
            (stamp(), assignment_id, worker_id),
        )

    def fail_decision(self, run_id: str, decision: Decision, error: str) -> None:
        """Note why a decision could not be carried out."""
        self._write(
            "UPDATE decisions SET state = 'failed', settled_at = ?, error = ?"
            " WHERE assignment_id = ? AND worker_id = ?",
            (stamp(), error, decision.assignment_id, decision.worker_id),
            entry=_entry("review-failed", run_id, decision, f"{decision.action}: {error}"),
        )

    def unfinished_decisions(self, run_ids: Sequence[str]) -> list[Decision]:
        """Return the decisions of these runs that are noted or were interrupted, oldest first."""
        rows = self._rows(
            "SELECT d.*, d.verdict AS action, a.run_id"
            " FROM decisions d JOIN assignments a USING (assignment_id, worker_id)"
            " WHERE d.state IN ('noted', 'sending') ORDER BY d.decided_at"
        )
        return [read(Decision, row) for row in rows if row["run_id"] in run_ids]

    def rejection_reasons(self, run_ids: Sequence[str], limit: int) -> list[tuple[str | None, int, int]]:
        """Return the most frequent reasons of rejections: (feedback, rejections, workers), the most first.

        The feedback is None of what was rejected elsewhere.
        """
        rows = self._rows(
            "SELECT d.feedback, count(*), count(DISTINCT a.worker_id) FROM assignments a"
            " LEFT JOIN decisions d ON d.assignment_id = a.assignment_id AND d.worker_id = a.worker_id"
            " AND d.verdict = 'reject'"
            f" WHERE a.status = 'Rejected' AND a.run_id IN ({placeholders(run_ids)})"
            " GROUP BY d.feedback ORDER BY count(*) DESC, d.feedback LIMIT ?",
            (*run_ids, limit),
        )
        return [(feedback, rejections, workers) for feedback, rejections, workers in rows]


def _entry(kind: str, run_id: str, decision: Decision, detail: str | None) -> Entry:
    return Entry(kind, decision.assignment_id, run_id, detail, decision.worker_id)
