"""The registry's half that is about review and money: decisions, bonuses, compensations and messages.

Every row is written before the call that it is about, and settled after it. Like the other half it knows
SQL, and each public method is one transaction, committed to the disk before it returns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any, NamedTuple

REVIEWED = {"approve": "Approved", "reject": "Rejected"}  # what an assignment is after a verdict


class Decision(NamedTuple):
    """What a person decided about an assignment; `bonus` in dollars. Feedback is what the worker reads."""

    assignment_id: str
    worker_id: str
    verdict: str  # approve or reject
    feedback: str | None = None
    bonus: Decimal | None = None
    soft_block: bool = False


class BonusRow(NamedTuple):
    """A bonus in the ledger: sending, paid or failed."""

    token: str
    assignment_id: str
    worker_id: str
    amount: Decimal
    reason: str
    state: str


class UnitReview(NamedTuple):
    """What the registry has of a unit: its state, and how many assignments, reviewed and not."""

    state: str
    reviewed: int
    submitted: int


class Ledger(ABC):
    """See the module; Registry is the one class that has it."""

    _connection: Any

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[None]: ...

    @abstractmethod
    def _record(self, kind: str, target: str, run_id: str | None, detail: str | None = None) -> None: ...

    @abstractmethod
    def _stamp(self) -> str:
        """Return the present moment as the registry writes it."""

    # Decisions

    def note_decision(self, decision: Decision) -> None:
        """Keep a decision that is to be carried out later; it replaces an earlier note. Safe to repeat."""
        with self._transaction():
            self._put_decision(decision, "noted")

    def withdraw_note(self, assignment_id: str, worker_id: str) -> None:
        """Drop a decision that was only noted. Safe to repeat."""
        with self._transaction():
            self._connection.execute(
                "DELETE FROM decisions WHERE assignment_id = ? AND worker_id = ? AND state = 'noted'",
                (assignment_id, worker_id),
            )

    def intend_decision(self, decision: Decision) -> None:
        """Write a decision down right before it is carried out."""
        with self._transaction():
            self._put_decision(decision, "sending")

    def settle_decision(self, run_id: str, decision: Decision, reviewed_at: str | None) -> None:
        """A verdict is in force, by us or before us; `reviewed_at` if the endpoint told when.

        A decision with a bonus or a block is not done before finish_decision() says so.
        """
        status, now = REVIEWED[decision.verdict], self._stamp()
        state = "sending" if decision.bonus or decision.soft_block else "done"
        column = "approved_at" if status == "Approved" else "rejected_at"
        key = (decision.assignment_id, decision.worker_id)
        with self._transaction():
            self._connection.execute(
                "UPDATE decisions SET state = ?, settled_at = ?, error = NULL"
                " WHERE assignment_id = ? AND worker_id = ?",
                (state, now, *key),
            )
            self._connection.execute(
                f"UPDATE assignments SET status = ?, {column} = ? WHERE assignment_id = ? AND worker_id = ?",
                (status, reviewed_at or now, *key),
            )
            self._record(f"assignment-{status.lower()}", decision.assignment_id, run_id, decision.feedback)

    def finish_decision(self, assignment_id: str, worker_id: str) -> None:
        """Everything that a decision asked for has been done. Safe to repeat."""
        with self._transaction():
            self._connection.execute(
                "UPDATE decisions SET state = 'done', settled_at = ? WHERE assignment_id = ? AND worker_id = ?"
                " AND state IN ('noted', 'sending')",
                (self._stamp(), assignment_id, worker_id),
            )

    def fail_decision(self, decision: Decision, error: str) -> None:
        """A decision could not be carried out, for the reason given."""
        with self._transaction():
            self._connection.execute(
                "UPDATE decisions SET state = 'failed', settled_at = ?, error = ?"
                " WHERE assignment_id = ? AND worker_id = ?",
                (self._stamp(), error, decision.assignment_id, decision.worker_id),
            )

    def unfinished_decisions(self, run_ids: Sequence[str]) -> list[Decision]:
        """Return the decisions of these runs that are noted or were interrupted, in the order they were made."""
        rows = self._connection.execute(
            "SELECT d.*, a.run_id FROM decisions d JOIN assignments a USING (assignment_id, worker_id)"
            " WHERE d.state IN ('noted', 'sending') ORDER BY d.decided_at"
        )
        return [_decision(row) for row in rows if row["run_id"] in run_ids]

    def worker_record(self, worker_id: str, task_names: Sequence[str]) -> dict[str, int]:
        """Return how many of a worker's assignments have each status, in the runs of these task_names."""
        marks = ", ".join("?" for _ in task_names)
        rows = self._connection.execute(
            "SELECT status, count(*) FROM assignments JOIN task_runs USING (run_id)"
            f" WHERE worker_id = ? AND task_name IN ({marks}) GROUP BY status",
            (worker_id, *task_names),
        )
        return dict(rows)

    def unit_review(self, run_id: str, unit_index: int) -> UnitReview | None:
        """Return what is stored of a unit and its assignments, or None."""
        row = self._connection.execute(
            "SELECT state, (SELECT count(*) FROM assignments a WHERE a.run_id = u.run_id"
            " AND a.unit_index = u.unit_index AND status != 'Submitted') AS reviewed,"
            " (SELECT count(*) FROM assignments a WHERE a.run_id = u.run_id"
            " AND a.unit_index = u.unit_index AND status = 'Submitted') AS submitted"
            " FROM units u WHERE run_id = ? AND unit_index = ?",
            (run_id, unit_index),
        ).fetchone()
        return UnitReview(*row) if row else None

    def set_disposed(self, run_id: str, unit_index: int, hit_id: str) -> None:
        """A unit's HIT was disposed of; its results stay. Safe to repeat."""
        with self._transaction():
            self._connection.execute(
                "UPDATE units SET state = 'disposed' WHERE run_id = ? AND unit_index = ?",
                (run_id, unit_index),
            )
            self._record("hit-disposed", hit_id, run_id, str(unit_index))

    def _put_decision(self, decision: Decision, state: str) -> None:
        bonus = None if decision.bonus is None else str(decision.bonus)
        self._connection.execute(
            "INSERT INTO decisions (assignment_id, worker_id, verdict, feedback, bonus, soft_block, state, decided_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (assignment_id, worker_id) DO UPDATE SET"
            " verdict = excluded.verdict, feedback = excluded.feedback, bonus = excluded.bonus,"
            " soft_block = excluded.soft_block, state = excluded.state, decided_at = excluded.decided_at,"
            " settled_at = NULL, error = NULL",
            (*decision[:4], bonus, decision.soft_block, state, self._stamp()),
        )

    # Bonuses

    def bonuses(self, assignment_id: str, worker_id: str) -> list[BonusRow]:
        """Return the bonuses that were meant for an assignment, whatever became of them."""
        rows = self._connection.execute(
            "SELECT * FROM bonuses WHERE assignment_id = ? AND worker_id = ? ORDER BY intended_at",
            (assignment_id, worker_id),
        )
        return [_bonus(row) for row in rows]

    def intend_bonus(self, bonus: BonusRow) -> None:
        """Write a bonus down right before it is sent. A paid one stays paid."""
        with self._transaction():
            self._connection.execute(
                "INSERT INTO bonuses (token, assignment_id, worker_id, amount, reason, state, intended_at)"
                " VALUES (?, ?, ?, ?, ?, 'sending', ?) ON CONFLICT (token) DO UPDATE SET"
                " state = 'sending', error = NULL WHERE state != 'paid'",
                (*bonus[:3], str(bonus.amount), bonus.reason, self._stamp()),
            )

    def settle_bonus(self, run_id: str, bonus: BonusRow) -> None:
        """A bonus is paid. The assignment's `bonus` becomes the sum of what was paid for it. Safe to repeat."""
        key = (bonus.assignment_id, bonus.worker_id)
        with self._transaction():
            self._connection.execute(
                "UPDATE bonuses SET state = 'paid', settled_at = ?, error = NULL WHERE token = ?",
                (self._stamp(), bonus.token),
            )
            paid = self._connection.execute(
                "SELECT amount FROM bonuses WHERE assignment_id = ? AND worker_id = ? AND state = 'paid'", key
            )
            total = sum((Decimal(amount) for (amount,) in paid), Decimal(0))
            self._connection.execute(
                "UPDATE assignments SET bonus = ? WHERE assignment_id = ? AND worker_id = ?",
                (str(total), *key),
            )
            self._record("bonus-paid", bonus.assignment_id, run_id, str(bonus.amount))

    def fail_bonus(self, token: str, error: str) -> None:
        """A bonus was certainly not paid, for the reason given."""
        with self._transaction():
            self._connection.execute(
                "UPDATE bonuses SET state = 'failed', settled_at = ?, error = ? WHERE token = ?",
                (self._stamp(), error, token),
            )

    def bonus_amounts(self, run_id: str, *states: str) -> list[Decimal]:
        """Return the amounts of a run's bonuses that are in one of these states."""
        marks = ", ".join("?" for _ in states)
        rows = self._connection.execute(
            "SELECT amount FROM bonuses JOIN assignments USING (assignment_id, worker_id)"
            f" WHERE run_id = ? AND state IN ({marks})",
            (run_id, *states),
        )
        return [Decimal(amount) for (amount,) in rows]

    # What a run has cost

    def status_counts(self, run_id: str) -> dict[str, int]:
        """Return how many of a run's collected assignments have each status; those without are absent."""
        rows = self._connection.execute(
            "SELECT status, count(*) FROM assignments WHERE run_id = ? GROUP BY status", (run_id,)
        )
        return dict(rows)

    def collected_of_open_units(self, run_id: str) -> int:
        """Return how many assignments were collected of units whose HITs have not ended."""
        row = self._connection.execute(
            "SELECT count(*) FROM assignments JOIN units USING (run_id, unit_index)"
            " WHERE run_id = ? AND state IN ('creating', 'outstanding')",
            (run_id,),
        ).fetchone()
        return int(row[0])

    def next_auto_approval(self, run_id: str) -> str | None:
        """Return when the next submitted assignment is approved by itself, as ISO 8601, or None."""
        query = "SELECT min(auto_approval_at) FROM assignments WHERE run_id = ? AND status = 'Submitted'"
        found: str | None = self._connection.execute(query, (run_id,)).fetchone()[0]
        return found

    # Compensations

    def makeup_run(self, makeup_id: str) -> str | None:
        """Return the run that was chosen for a compensation, or None if there is none yet."""
        row = self._connection.execute(
            "SELECT run_id FROM makeups WHERE makeup_id = ?", (makeup_id,)
        ).fetchone()
        return row["run_id"] if row else None

    def intend_makeup(self, makeup_id: str, run_id: str, worker_id: str) -> str:
        """Choose the run of a compensation, before it exists. Returns the one that was chosen first."""
        with self._transaction():
            self._connection.execute(
                "INSERT INTO makeups VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (makeup_id, run_id, worker_id, self._stamp()),
            )
        return self.makeup_run(makeup_id) or run_id

    # Messages

    def workers_of(self, run_ids: Sequence[str]) -> list[str]:
        """Return the workers who handed something in to these runs, each once."""
        found: dict[str, None] = {}
        for run_id in run_ids:
            rows = self._connection.execute(
                "SELECT DISTINCT worker_id FROM assignments WHERE run_id = ? ORDER BY worker_id", (run_id,)
            )
            found.update((worker_id, None) for (worker_id,) in rows)
        return list(found)

    def notice_states(self, endpoint: str, digest: str) -> dict[str, str]:
        """Return the state of a message, by worker."""
        rows = self._connection.execute(
            "SELECT worker_id, state FROM notices WHERE endpoint = ? AND digest = ?", (endpoint, digest)
        )
        return dict(rows)

    def intend_notices(self, endpoint: str, digest: str, worker_ids: Iterable[str]) -> None:
        """Write down who is about to get a message."""
        now = self._stamp()
        with self._transaction():
            self._connection.executemany(
                "INSERT INTO notices (endpoint, digest, worker_id, state, intended_at) VALUES (?, ?, ?, 'sending', ?)"
                " ON CONFLICT DO UPDATE SET state = 'sending', error = NULL WHERE state = 'failed'",
                [(endpoint, digest, worker_id, now) for worker_id in worker_ids],
            )

    def settle_notices(self, endpoint: str, digest: str, outcomes: Iterable[tuple[str, str | None]]) -> None:
        """Write down what became of a message: for each worker why it failed, or None if it was sent."""
        now = self._stamp()
        with self._transaction():
            self._connection.executemany(
                "UPDATE notices SET state = ?, settled_at = ?, error = ?"
                " WHERE endpoint = ? AND digest = ? AND worker_id = ?",
                [("failed" if e else "sent", now, e, endpoint, digest, worker) for worker, e in outcomes],
            )
            self._record("message-sent", digest[:12], None)


def _decision(row: Any) -> Decision:
    return Decision(
        *(row["assignment_id"], row["worker_id"], row["verdict"], row["feedback"]),
        bonus=None if row["bonus"] is None else Decimal(row["bonus"]),
        soft_block=bool(row["soft_block"]),
    )


def _bonus(row: Any) -> BonusRow:
    return BonusRow(
        *(row["token"], row["assignment_id"], row["worker_id"], Decimal(row["amount"])),
        reason=row["reason"],
        state=row["state"],
    )
