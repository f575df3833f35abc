"""Bonuses and compensations: each is written down before it is sent, and exists once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from crowdops.registry.database import RegistryFile, placeholders, repeatable
from crowdops.registry.rows import BonusRow, Entry, read, read_moment, stamp


class Bonuses(RegistryFile):
    """The tables bonuses and makeups."""

    def bonuses(self, assignment_id: str, worker_id: str) -> list[BonusRow]:
        """Return the bonuses that were meant for an assignment, whatever became of them."""
        query = "SELECT * FROM bonuses WHERE assignment_id = ? AND worker_id = ? ORDER BY intended_at"
        return self._all(BonusRow, query, (assignment_id, worker_id))

    def intend_bonus(self, bonus: BonusRow) -> None:
        """Write a bonus down right before it is sent. A paid one stays paid."""
        self._write(
            "INSERT INTO bonuses (token, assignment_id, worker_id, amount, reason, state, intended_at)"
            " VALUES (?, ?, ?, ?, ?, 'sending', ?) ON CONFLICT (token) DO UPDATE SET"
            " state = 'sending', error = NULL WHERE state != 'paid'",
            (bonus.token, bonus.assignment_id, bonus.worker_id, str(bonus.amount), bonus.reason, stamp()),
        )

    @repeatable
    def set_paid(self, run_id: str, bonus: BonusRow) -> None:
        """Note a bonus as paid, and the sum of what was paid for its assignment. Safe to repeat."""
        with self.transaction():
            self._write(
                "UPDATE bonuses SET state = 'paid', settled_at = ?, error = NULL WHERE token = ?"
                " AND state <> 'paid'",
                (stamp(), bonus.token),
                entry=_entry("bonus-paid", run_id, bonus),
            )
            self._add_up(bonus)

    @repeatable
    def adopt_bonus(self, run_id: str, bonus: BonusRow) -> bool:
        """Take over a bonus that the provider lists as paid. Safe to repeat.

        False if it is known as paid, or if its assignment has not been collected.
        """
        with self.transaction():
            was_sent = self._row(
                "SELECT 1 FROM bonuses WHERE token = ? AND state = 'sending'", (bonus.token,)
            )
            changed = self._write(
                "INSERT INTO bonuses (token, assignment_id, worker_id, amount, reason, state, intended_at,"
                " settled_at) SELECT ?, assignment_id, worker_id, ?, ?, 'paid', ?, ? FROM assignments"
                " WHERE assignment_id = ? AND worker_id = ? ON CONFLICT (token) DO UPDATE SET"
                " state = 'paid', settled_at = excluded.settled_at, error = NULL WHERE state != 'paid'",
                (
                    bonus.token,
                    str(bonus.amount),
                    bonus.reason,
                    stamp(),
                    stamp(),
                    bonus.assignment_id,
                    bonus.worker_id,
                ),
            )
            if changed:
                self._add_up(bonus)
                self.note(_entry("bonus-paid" if was_sent else "bonus-adopted", run_id, bonus))
        return bool(changed)

    def _add_up(self, bonus: BonusRow) -> None:
        key = (bonus.assignment_id, bonus.worker_id)
        paid = self._rows(
            "SELECT amount FROM bonuses WHERE assignment_id = ? AND worker_id = ? AND state = 'paid'", key
        )
        total = sum((Decimal(amount) for (amount,) in paid), Decimal(0))
        self._write(
            "UPDATE assignments SET bonus = ? WHERE assignment_id = ? AND worker_id = ?", (str(total), *key)
        )

    def fail_bonus(self, run_id: str, bonus: BonusRow, error: str) -> None:
        """Note why a bonus was certainly not paid."""
        self._write(
            "UPDATE bonuses SET state = 'failed', settled_at = ?, error = ? WHERE token = ?",
            (stamp(), error, bonus.token),
            entry=_entry("bonus-failed", run_id, bonus, f": {error}"),
        )

    def bonus_amounts(self, run_id: str, *states: str) -> list[Decimal]:
        """Return the amounts of a run's bonuses that are in one of these states."""
        rows = self._rows(
            "SELECT amount FROM bonuses JOIN assignments USING (assignment_id, worker_id)"
            f" WHERE run_id = ? AND state IN ({placeholders(states)})",
            (run_id, *states),
        )
        return [Decimal(amount) for (amount,) in rows]

    def iter_bonuses(self, run_ids: Sequence[str]) -> Iterator[tuple[str, BonusRow, datetime | None]]:
        """Yield every bonus of these runs, whatever became of it, with its run and when it was settled."""
        query = (
            "SELECT b.*, a.run_id FROM assignments a JOIN bonuses b USING (assignment_id, worker_id)"
            " WHERE a.run_id = ? ORDER BY b.token"
        )
        for run_id in run_ids:
            for row in self._rows(query, (run_id,)):
                yield run_id, read(BonusRow, row), read_moment(row["settled_at"])

    # Compensations

    def makeup_run(self, makeup_id: str) -> str | None:
        """Return the run that was chosen for a compensation, or None if there is none yet."""
        row = self._row("SELECT run_id FROM makeups WHERE makeup_id = ?", (makeup_id,))
        return row["run_id"] if row else None

    def intend_makeup(self, makeup_id: str, run_id: str, worker_id: str) -> str:
        """Choose the run of a compensation, before it exists. Returns the one that was chosen first."""
        row = (makeup_id, run_id, worker_id, stamp())
        entry = Entry("makeup-intended", run_id, run_id, worker_id=worker_id)
        self._insert("makeups", row, "ON CONFLICT DO NOTHING", entry=entry)
        return self.makeup_run(makeup_id) or run_id


def _entry(kind: str, run_id: str, bonus: BonusRow, more: str = "") -> Entry:
    return Entry(kind, bonus.assignment_id, run_id, f"${bonus.amount}{more}", bonus.worker_id)
