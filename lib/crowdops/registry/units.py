"""Units in the registry: planned, being created, outstanding, at their end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from crowdops.registry.database import RegistryFile, placeholders, repeatable
from crowdops.registry.rows import OPEN_STATES, STRANDED, Entry, Unit, read, stamp, write_value

CHUNK = 1000  # rows a transaction when planning a run: others get their turn between
SAME_EXPIRY = timedelta(minutes=2)  # as long as a list may show a HIT as it was before, and some more


class Units(RegistryFile):
    """The table units."""

    def add_units(self, run_id: str, rows: Iterable[tuple[int, dict[str, Any]]]) -> int:
        """Add planned units from (index, data row); streams. Returns how many came.

        Units that are there stay as they are; only a row that was not known is filled in.
        """
        count, iterator = 0, iter(rows)
        while chunk := [(run_id, index, write_value(row)) for index, row in islice(iterator, CHUNK)]:
            self._add_chunk(chunk)
            count += len(chunk)
        return count

    @repeatable
    def _add_chunk(self, chunk: Sequence[tuple[Any, ...]]) -> None:
        with self.transaction():
            self._connection.executemany(
                "INSERT INTO units (run_id, unit_index, input) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET input = excluded.input WHERE input IS NULL",
                chunk,
            )

    @repeatable
    def intend(self, run_id: str, limit: int) -> list[Unit]:
        """Move up to `limit` planned units to 'creating' and return them: the intent before the call."""
        now = datetime.now(UTC)
        with self.transaction():
            rows = self._rows(
                "SELECT * FROM units WHERE run_id = ? AND state = 'planned' ORDER BY unit_index LIMIT ?",
                (run_id, limit),
            ).fetchall()
            self._connection.executemany(
                "UPDATE units SET state = 'creating', intended_at = ? WHERE run_id = ? AND unit_index = ?",
                [(write_value(now), run_id, row["unit_index"]) for row in rows],
            )
        return [read(Unit, row)._replace(state="creating", intended_at=now) for row in rows]

    @repeatable
    def withdraw(self, run_id: str, unit_indexes: Sequence[int]) -> None:
        """Move 'creating' units back to 'planned': certainly nothing was created for them."""
        with self.transaction():
            self._connection.executemany(
                "UPDATE units SET state = 'planned', intended_at = NULL"
                " WHERE run_id = ? AND unit_index = ? AND state = 'creating'",
                [(run_id, index) for index in unit_indexes],
            )

    def set_created(self, run_id: str, unit_index: int, hit_id: str) -> None:
        """Commit the answer to a creation: the unit is outstanding under this HIT. Safe to repeat.

        It does not wait for the disk: after a power cut the unit may be 'creating' again, and be settled
        again.
        """
        self._write(
            "UPDATE units SET state = 'outstanding', hit_id = ?, created_at = ?, error = NULL"
            " WHERE run_id = ? AND unit_index = ? AND state IN ('planned', 'creating', 'failed')",
            (hit_id, stamp(), run_id, unit_index),
            entry=Entry("hit-created", hit_id, run_id, f"unit {unit_index}"),
            synced=False,
        )

    @repeatable
    def adopt_hit(
        self, run_id: str, unit_index: int, hit_id: str, created_at: datetime, places: int | None = None
    ) -> bool:
        """Take over a HIT that carries a unit's mark. False if the registry has it, or another for the unit.

        A unit that is not known comes without its data row. `places` is how many assignments the HIT has.
        Safe to repeat.
        """
        with self.transaction():
            changed = self._write(
                "INSERT INTO units (run_id, unit_index, state, hit_id, created_at, places)"
                " VALUES (?, ?, 'outstanding', ?, ?, ?) ON CONFLICT (run_id, unit_index) DO UPDATE SET"
                " state = 'outstanding', hit_id = excluded.hit_id, created_at = excluded.created_at,"
                " error = NULL, places = excluded.places"
                " WHERE state IN ('planned', 'creating', 'failed') AND hit_id IS NULL"
                " AND NOT EXISTS (SELECT 1 FROM replaced_hits r WHERE r.hit_id = excluded.hit_id)",
                (run_id, unit_index, hit_id, write_value(created_at), places),
            )
            if changed:
                self._write(
                    "UPDATE task_runs SET units = max(units, ?) WHERE run_id = ?",
                    (unit_index + 1, run_id),
                    entry=Entry("hit-adopted", hit_id, run_id, f"unit {unit_index}"),
                )
        return bool(changed)

    def reopen_unit(self, run_id: str, unit_index: int, hit_id: str) -> None:
        """A unit that has ended, or whose HIT was expired here, is outstanding again. Safe to repeat."""
        self._write(
            "UPDATE units SET state = 'outstanding', expired_at = NULL, error = NULL WHERE run_id = ?"
            " AND unit_index = ? AND hit_id = ? AND (state IN ('finished', 'expired', 'failed')"
            " OR (state = 'outstanding' AND expired_at IS NOT NULL))",
            (run_id, unit_index, hit_id),
            entry=Entry("unit-reopened", hit_id, run_id, f"unit {unit_index}", hit_id=hit_id),
        )

    def set_stranded(self, run_id: str, unit_index: int, hit_id: str) -> None:
        """Note that an outstanding unit's HIT leads nowhere: it is to be replaced. Safe to repeat."""
        self._write(
            "UPDATE units SET error = ? WHERE run_id = ? AND unit_index = ? AND hit_id = ?"
            " AND state = 'outstanding' AND error IS NOT ?",
            (STRANDED, run_id, unit_index, hit_id, STRANDED),
            entry=Entry("unit-stranded", hit_id, run_id, f"unit {unit_index}", hit_id=hit_id),
        )

    @repeatable
    def plan_again(self, run_id: str, unit_index: int, hit_id: str) -> None:
        """Plan a stranded unit anew: its HIT is deleted, and nobody had worked on it. Safe to repeat."""
        entry = Entry("unit-planned-again", hit_id, run_id, f"unit {unit_index}", hit_id=hit_id)
        with self.transaction():
            changed = self._write(
                "UPDATE units SET state = 'planned', hit_id = NULL, intended_at = NULL, created_at = NULL,"
                " expired_at = NULL, error = NULL, attempt = attempt + 1"
                " WHERE run_id = ? AND unit_index = ? AND hit_id = ? AND state IN ('outstanding', 'expired')",
                (run_id, unit_index, hit_id),
                entry=entry,
            )
            if changed:
                self.record("hit-disposed", hit_id, run_id, f"unit {unit_index}; expired and deleted")

    def stranded_units(self, run_id: str) -> list[Unit]:
        """Return the units whose HITs are to be replaced and that have no answers."""
        return self._all(
            Unit,
            "SELECT * FROM units WHERE run_id = ? AND state IN ('outstanding', 'expired') AND error = ?"
            " ORDER BY unit_index",
            (run_id, STRANDED),
        )

    def set_failed(self, run_id: str, unit_index: int, error: str) -> None:
        """Note why a unit could not be launched; no HIT exists for it. Safe to repeat."""
        self._write(
            "UPDATE units SET state = 'failed', error = ? WHERE run_id = ? AND unit_index = ?"
            " AND (state <> 'failed' OR error IS NOT ?)",
            (error, run_id, unit_index, error),
            entry=Entry("unit-failed", f"unit {unit_index}", run_id, error),
        )

    @repeatable
    def set_expired(self, run_id: str, unit_index: int, hit_id: str, how: str = "") -> None:
        """Note that this suite has just expired a HIT. The unit stays outstanding until it is collected.

        That it was expired again while the lists still lag is the same. `how` is for the journal, which
        alone tells of a HIT that is not its unit's own, and once.
        """
        now = datetime.now(UTC)
        entry = Entry("hit-expired", hit_id, run_id, f"unit {unit_index}{how}")
        with self.transaction(synced=False):
            changed = self._write(
                "UPDATE units SET expired_at = ? WHERE run_id = ? AND unit_index = ?"
                " AND (hit_id IS NULL OR hit_id = ?) AND (expired_at IS NULL OR expired_at < ?)",
                (write_value(now), run_id, unit_index, hit_id, write_value(now - SAME_EXPIRY)),
                entry=entry,
            )
            unit = None if changed else self.unit(run_id, unit_index)
            if unit and unit.hit_id not in (None, hit_id):
                self.record_once(entry._replace(detail=f"{entry.detail}, which has another HIT"))

    def set_disposed(self, run_id: str, unit_index: int, hit_id: str) -> None:
        """Note that a unit's HIT was deleted; its results stay. Safe to repeat.

        It does not wait for the disk: after a power cut the HIT is looked for again, and is found to be gone.
        One whose place another has taken is in the journal alone, once.
        """
        entry = Entry("hit-disposed", hit_id, run_id, f"unit {unit_index}")
        changed = self._write(
            "UPDATE units SET state = 'disposed' WHERE run_id = ? AND unit_index = ? AND state <> 'disposed'"
            " AND NOT EXISTS (SELECT 1 FROM replaced_hits WHERE hit_id = ?)",
            (run_id, unit_index, hit_id),
            entry=entry,
            synced=False,
        )
        if not changed and self._row("SELECT 1 FROM replaced_hits WHERE hit_id = ?", (hit_id,)):
            self.record_once(entry)

    def undeleted_hits(self, run_id: str) -> dict[str, int]:
        """Return the HITs of ended units that were not deleted as far as is known, with their units."""
        rows = self._rows(
            "SELECT hit_id, unit_index FROM units"
            " WHERE run_id = ? AND state IN ('finished', 'expired') AND hit_id IS NOT NULL",
            (run_id,),
        )
        return dict(rows.fetchall())

    def unit(self, run_id: str, unit_index: int) -> Unit | None:
        """Return one unit, or None."""
        query = "SELECT * FROM units WHERE run_id = ? AND unit_index = ?"
        return self._one(Unit, query, (run_id, unit_index))

    def iter_units(self, run_id: str, states: Sequence[str], chunk: int = CHUNK) -> Iterator[Unit]:
        """Yield a run's units in any of these states, by index; the caller may write in between."""
        after = -1
        while rows := self._rows(
            f"SELECT * FROM units WHERE run_id = ? AND unit_index > ? AND state IN ({placeholders(states)})"
            " ORDER BY unit_index LIMIT ?",
            (run_id, after, *states, chunk),
        ).fetchall():
            yield from (read(Unit, row) for row in rows)
            after = rows[-1]["unit_index"]

    def known_hits(self, run_ids: Sequence[str], count: int) -> list[tuple[str, str]]:
        """Return so many HITs of these runs that should exist, each with its run's id, the newest first."""
        rows = self._rows(
            f"SELECT run_id, hit_id FROM units WHERE run_id IN ({placeholders(run_ids)})"
            " AND hit_id IS NOT NULL AND state <> 'disposed' ORDER BY created_at DESC LIMIT ?",
            (*run_ids, count),
        )
        return [(run_id, hit_id) for run_id, hit_id in rows]

    def unit_counts(self, run_id: str) -> Counter[str]:
        """Return how many units of a run are in each state."""
        query = "SELECT state, count(*) FROM units WHERE run_id = ? GROUP BY state"
        return Counter(dict(self._rows(query, (run_id,))))

    def further_places(self, run_id: str, per_unit: int) -> int:
        """Return how many places units that are out have beside the `per_unit` of each; may be negative."""
        row = self._row(
            "SELECT coalesce(sum(places - ?), 0) FROM units WHERE run_id = ? AND places IS NOT NULL"
            " AND state IN ('creating', 'outstanding')",
            (per_unit, run_id),
        )
        return int(row[0])

    def answer_counts(self, run_ids: Sequence[str]) -> dict[str, list[tuple[str, int, int]]]:
        """Return by run how many units of each state have how many answers: (state, answers, units)."""
        counts: dict[str, list[tuple[str, int, int]]] = {}
        rows = self._rows(
            "SELECT run_id, state, answers, count(*) FROM (SELECT run_id, state,"
            " (SELECT count(*) FROM assignments WHERE assignments.run_id = units.run_id"
            " AND assignments.unit_index = units.unit_index) AS answers"
            f" FROM units WHERE run_id IN ({placeholders(run_ids)})) GROUP BY run_id, state, answers",
            run_ids,
        )
        for run_id, state, answers, units in rows:
            counts.setdefault(run_id, []).append((state, answers, units))
        return counts

    def failures(self, run_id: str, limit: int) -> list[str]:
        """Return the reasons of failed units, each once, as many as `limit`."""
        query = "SELECT DISTINCT error FROM units WHERE run_id = ? AND state = 'failed' LIMIT ?"
        return [error for (error,) in self._rows(query, (run_id, limit)) if error]

    def open_units(self, run_id: str) -> int:
        """Return how many units of a run are not at their end."""
        counts = self.unit_counts(run_id)
        return sum(counts[state] for state in OPEN_STATES)

    def last_expired(self, run_id: str) -> datetime | None:
        """Return when the last of a run's outstanding units was expired by us; None if none was."""
        query = "SELECT max(expired_at) FROM units WHERE run_id = ? AND state = 'outstanding'"
        [(moment,)] = self._rows(query, (run_id,))
        return None if moment is None else datetime.fromisoformat(moment)

    def missing_hits(self, run_id: str, listed: Iterable[str], created_before: datetime) -> list[str]:
        """Return the HITs of outstanding units, created before a moment, that are not `listed`.

        Stranded units are left out: this suite deletes their HITs itself.
        """
        known = set(listed)
        rows = self._rows(
            "SELECT hit_id FROM units WHERE run_id = ? AND state = 'outstanding' AND created_at < ?"
            " AND error IS NOT ?",
            (run_id, write_value(created_before), STRANDED),
        )
        return [hit_id for (hit_id,) in rows if hit_id not in known]
