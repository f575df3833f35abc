"""Counts of a run's units that are kept while it is attended: counting a million of them takes a while."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from crowdops.registry.units import Units


class KeptCounts(Units):
    """The table units, and counts that triggers of this connection keep in memory; no other sees them.

    What this process writes changes the counts in the same transaction. Where any other has written, it is
    counted once more.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(connection, path)
        self._kept: dict[str, int | None] = {}  # run id to the version of the file that was counted
        self._has_triggers = False

    def keep_counts(self, run_id: str) -> None:
        """Keep the counts of a run from its next count on."""
        self._kept[run_id] = None

    def forget_counts(self, run_id: str) -> None:
        """Count the units of a run at each look again."""
        self._kept.pop(run_id, None)

    def unit_counts(self, run_id: str) -> Counter[str]:
        """Return how many units of a run are in each state."""
        if not self._are_kept(run_id):
            return super().unit_counts(run_id)
        query = "SELECT state, sum(units) FROM kept_counts WHERE run_id = ? AND units > 0 GROUP BY state"
        return Counter(dict(self._rows(query, (run_id,))))

    def answer_counts(self, run_ids: Sequence[str]) -> dict[str, list[tuple[str, int, int]]]:
        """Return by run how many units of each state have how many answers: (state, answers, units)."""
        kept = [run_id for run_id in run_ids if self._are_kept(run_id)]
        others = [run_id for run_id in run_ids if run_id not in kept]
        counts = super().answer_counts(others) if others else {}
        query = "SELECT state, answers, units FROM kept_counts WHERE run_id = ? AND units > 0"
        for run_id in kept:
            counts[run_id] = [
                (state, answers, units) for state, answers, units in self._rows(query, (run_id,))
            ]
        return counts

    def _are_kept(self, run_id: str) -> bool:
        """Return whether the counts of a run are kept, and true: they are counted if they may not be."""
        if run_id not in self._kept:
            return False
        version = self.version()
        if self._kept[run_id] != version:
            if self._connection.in_transaction:  # which may be undone
                return False
            self._count(run_id)
            self._kept[run_id] = version
        return True

    def _count(self, run_id: str) -> None:
        if not self._has_triggers:
            for statement in _TRIGGERS:
                self._rows(statement)
            self._has_triggers = True
        self._rows("INSERT OR IGNORE INTO kept_runs VALUES (?)", (run_id,))
        self._rows("DELETE FROM kept_counts WHERE run_id = ?", (run_id,))
        self._rows(
            "INSERT INTO kept_counts SELECT run_id, state, answers, count(*) FROM"
            f" (SELECT run_id, state, {_answers('units')} AS answers FROM units WHERE run_id = ?)"
            " GROUP BY state, answers",
            (run_id,),
        )


def _answers(row: str) -> str:
    """Return the expression for how many answers a row's unit has."""
    return (
        f"(SELECT count(*) FROM assignments AS a WHERE a.run_id = {row}.run_id"
        f" AND a.unit_index = {row}.unit_index)"
    )


def _add(state: str, answers: str) -> str:
    """Return the statement that counts the unit of `new` in."""
    return (
        f"INSERT INTO kept_counts VALUES (new.run_id, {state}, {answers}, 1)"
        " ON CONFLICT (run_id, state, answers) DO UPDATE SET units = units + 1;"
    )


def _take(state: str, answers: str) -> str:
    """Return the statement that no longer counts the unit of `new` as it was."""
    return (
        "UPDATE kept_counts SET units = units - 1"
        f" WHERE run_id = new.run_id AND state = {state} AND answers = {answers};"
    )


def _trigger(name: str, event: str, *statements: str) -> str:
    return (
        f"CREATE TEMP TRIGGER IF NOT EXISTS {name} AFTER {event} FOR EACH ROW"
        f" WHEN new.run_id IN (SELECT run_id FROM kept_runs) BEGIN {' '.join(statements)} END"
    )


_STATE = "(SELECT state FROM units AS u WHERE u.run_id = new.run_id AND u.unit_index = new.unit_index)"
_ANSWERS = _answers("new")
_TRIGGERS = (
    "PRAGMA temp_store = MEMORY",
    "CREATE TEMP TABLE IF NOT EXISTS kept_runs (run_id PRIMARY KEY) WITHOUT ROWID",
    "CREATE TEMP TABLE IF NOT EXISTS kept_counts"
    " (run_id, state, answers, units, PRIMARY KEY (run_id, state, answers)) WITHOUT ROWID",
    _trigger("kept_new_unit", "INSERT ON units", _add("new.state", _ANSWERS)),
    _trigger(
        "kept_state",
        "UPDATE OF state ON units",
        _take("old.state", _ANSWERS),
        _add("new.state", _ANSWERS),
    ),
    _trigger(
        "kept_answer",
        "INSERT ON assignments",
        _take(_STATE, f"{_ANSWERS} - 1"),
        _add(_STATE, _ANSWERS),
    ),
)
