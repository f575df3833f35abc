"""Units that get more places: what each has got, and what is planned for it besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from crowdops.registry.database import repeatable
from crowdops.registry.rows import OUT_OF_MONEY, Entry, Unit, read
from crowdops.registry.units import CHUNK, Units


class UnitAnswers(NamedTuple):
    """A unit that is not out, and how many answers it has: not rejected, at all, and those of its own HIT."""

    unit: Unit
    good: int
    answers: int
    of_hit: int


class Place(NamedTuple):
    """What is planned for a unit: that its HIT has so many assignments, or that another takes its place.

    `is_replaced`: another one, of the type that keeps out who has answered.
    """

    unit_index: int
    places: int
    hit_id: str | None
    is_new: bool
    is_replaced: bool = False


class TopUps(Units):
    """The tables units and replaced_hits, where units get more places than they had."""

    def iter_short_units(self, run_id: str, least: int) -> Iterator[UnitAnswers]:
        """Yield the units that are not out and have fewer answers than so many, rejected ones left out."""
        after = -1
        while rows := self._rows(f"{_UNIT_ANSWERS} LIMIT ?", (run_id, after, least, CHUNK)).fetchall():
            for row in rows:
                yield UnitAnswers(read(Unit, row), row["good"], row["answers"], row["of_hit"])
            after = rows[-1]["unit_index"]

    @repeatable
    def plan_places(self, run_id: str, places: Iterable[Place], state: str | None) -> None:
        """Plan more places for units that are not out, and let the run be in a state before its end again.

        All of it or nothing. The launcher makes of each what it is: a HIT extended, or another one.
        """
        with self.transaction():
            for place in places:
                self._plan_place(run_id, place)
            if state:
                self._write(
                    "UPDATE task_runs SET state = ?, ended_at = NULL, reason = NULL WHERE run_id = ?",
                    (state, run_id),
                    entry=Entry("run-topped-up", run_id, run_id, state),
                )

    def _plan_place(self, run_id: str, place: Place) -> None:
        key = (run_id, place.unit_index)
        if place.is_new and place.hit_id:
            self._write(
                "INSERT INTO replaced_hits VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (place.hit_id, *key)
            )
        self._write(
            "UPDATE units SET state = 'planned', places = ?, hit_id = ?, attempt = attempt + ?,"
            " is_replaced = max(is_replaced, ?), intended_at = NULL, expired_at = NULL, error = NULL"
            " WHERE run_id = ? AND unit_index = ? AND state NOT IN ('creating', 'outstanding')",
            (
                place.places,
                None if place.is_new else place.hit_id,
                bool(place.is_new and place.hit_id),
                place.is_replaced,
                *key,
            ),
        )

    @repeatable
    def note_replaced(self, run_id: str, unit_index: int, hit_ids: Sequence[str]) -> None:
        """Note of a unit that was found by its marks of which HITs its own has taken the place."""
        with self.transaction():
            self._write(
                "UPDATE units SET attempt = max(attempt, ?) WHERE run_id = ? AND unit_index = ?",
                (len(hit_ids), run_id, unit_index),
            )
            for hit_id in hit_ids:
                self._write(
                    "INSERT INTO replaced_hits VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (hit_id, run_id, unit_index),
                )

    def set_topped_up(self, run_id: str, unit_index: int, hit_id: str, places: int) -> None:
        """Commit that a unit's own HIT was extended: the unit is outstanding again. Safe to repeat."""
        self._write(
            "UPDATE units SET state = 'outstanding', expired_at = NULL, error = NULL"
            " WHERE run_id = ? AND unit_index = ? AND hit_id = ? AND state IN ('planned', 'creating')",
            (run_id, unit_index, hit_id),
            entry=Entry("hit-extended", hit_id, run_id, f"unit {unit_index}; {places} assignments in all"),
            synced=False,
        )

    @repeatable
    def note_out_of_money(self, run_id: str, unit_indexes: Sequence[int]) -> None:
        """Note of units that have not agreed why they get no more answers. Safe to repeat."""
        with self.transaction():
            for index in unit_indexes:
                self._write(
                    "UPDATE units SET error = ? WHERE run_id = ? AND unit_index = ? AND state = 'finished'",
                    (OUT_OF_MONEY, run_id, index),
                )

    def units_out_of_money(self, run_id: str) -> set[int]:
        """Return the units that got no more answers because max_cost did not cover another."""
        query = "SELECT unit_index FROM units WHERE run_id = ? AND state <> 'planned' AND error = ?"
        return {index for (index,) in self._rows(query, (run_id, OUT_OF_MONEY))}

    def finished_units(self, run_id: str) -> list[int]:
        """Return the units of a run that have ended with answers."""
        query = "SELECT unit_index FROM units WHERE run_id = ? AND state = 'finished'"
        return [index for (index,) in self._rows(query, (run_id,))]

    def next_places(self, run_id: str, per_unit: int, limit: int) -> list[int]:
        """Return how many answers each of the next planned units may bring, at most so many units."""
        rows = self._rows(
            f"SELECT {_PLACES} FROM units u WHERE run_id = ? AND state = 'planned'"
            " ORDER BY unit_index LIMIT ?",
            (per_unit, run_id, limit),
        )
        return [places for (places,) in rows]

    def planned_places(self, run_id: str, per_unit: int) -> int:
        """Return how many answers all planned units may bring."""
        query = f"SELECT coalesce(sum({_PLACES}), 0) FROM units u WHERE run_id = ? AND state = 'planned'"
        return int(self._row(query, (per_unit, run_id))[0])

    def replaced_hits(self, run_id: str) -> set[str]:
        """Return the HITs of a run of which another has taken the place."""
        rows = self._rows("SELECT hit_id FROM replaced_hits WHERE run_id = ?", (run_id,))
        return {hit_id for (hit_id,) in rows}

    def was_replaced(self, hit_id: str) -> bool:
        """Return whether another HIT has taken the place of this one."""
        return self._row("SELECT 1 FROM replaced_hits WHERE hit_id = ?", (hit_id,)) is not None

    def workers_to_keep_out(self, run_id: str) -> list[str]:
        """Return who has answered units whose HIT is to be one that keeps them out."""
        rows = self._rows(
            "SELECT DISTINCT worker_id FROM units JOIN assignments USING (run_id, unit_index)"
            " WHERE run_id = ? AND is_replaced AND state NOT IN ('finished', 'expired', 'disposed')"
            " ORDER BY worker_id",
            (run_id,),
        )
        return [worker_id for (worker_id,) in rows]

    def set_replacement_type(self, run_id: str, hit_type_id: str) -> None:
        """Remember the HIT type of the run's HITs that take another's place."""
        self._write("UPDATE task_runs SET replacement_type_id = ? WHERE run_id = ?", (hit_type_id, run_id))

    def set_detached(self, run_id: str, *, detached: bool) -> None:
        """Note whether a run needs no process from now on."""
        self._write("UPDATE task_runs SET detached = ? WHERE run_id = ?", (detached, run_id))


_COUNT = "(SELECT count(*) FROM assignments a WHERE a.run_id = u.run_id AND a.unit_index = u.unit_index{})"
_OF_HIT = _COUNT.format(" AND a.hit_id = u.hit_id")
_GOOD = _COUNT.format(" AND a.status <> 'Rejected'")
_PLACES = f"coalesce(u.places, ?) - {_OF_HIT}"
_UNIT_ANSWERS = (
    f"SELECT u.*, {_GOOD} AS good, {_COUNT.format('')} AS answers, {_OF_HIT} AS of_hit FROM units u"
    " WHERE run_id = ? AND unit_index > ? AND state NOT IN ('creating', 'outstanding')"
    f" AND {_GOOD} < ? ORDER BY unit_index"
)
