"""Extensions of HITs: each is written down before it is sent, and an order of them outlives its command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from crowdops.registry.database import repeatable
from crowdops.registry.rows import Entry, read, stamp, write_value
from crowdops.registry.units import Units


class Order(NamedTuple):
    """What a command asked for the HITs of a run, and when; `terms` are those of extend.Terms."""

    order_id: int
    run_id: str
    terms: dict[str, Any]
    begun_at: datetime


class Extension(NamedTuple):
    """One HIT of an order: how many assignments it is to have, and until when. None: as it is."""

    order_id: int
    hit_id: str
    run_id: str
    unit_index: int
    max_assignments: int | None
    expires_at: datetime | None
    state: str


class Extensions(Units):
    """The tables extension_orders and extensions, which change units."""

    def open_order(self, run_id: str) -> Order | None:
        """Return what was asked for a run and is not at its end, or None."""
        query = "SELECT * FROM extension_orders WHERE run_id = ? AND ended_at IS NULL"
        return self._one(Order, query, (run_id,))

    @repeatable
    def begin_order(self, run_id: str, terms: Mapping[str, Any]) -> Order:
        """Return the open order of a run with these terms: the one that is there, or a new one.

        It takes the place of an open one with other terms.
        """
        with self.transaction():
            order = self.open_order(run_id)
            if order and order.terms != terms:
                self.end_order(order.order_id)
            if order is None or order.terms != terms:
                self._write(
                    "INSERT INTO extension_orders (run_id, terms, begun_at) VALUES (?, ?, ?)",
                    (run_id, json.dumps(terms), stamp()),
                )
                order = self.open_order(run_id)
        assert order is not None
        return order

    def end_order(self, order_id: int) -> None:
        """Note that an order is at its end: the same terms are another order from now on. Safe to repeat."""
        self._write(
            "UPDATE extension_orders SET ended_at = ? WHERE order_id = ? AND ended_at IS NULL",
            (stamp(), order_id),
        )

    def extensions(self, order_id: int) -> dict[str, Extension]:
        """Return what there is of an order, by HIT."""
        query = "SELECT * FROM extensions WHERE order_id = ?"
        return {row["hit_id"]: read(Extension, row) for row in self._rows(query, (order_id,))}

    @repeatable
    def intend_extension(self, extension: Extension) -> None:
        """Write an extension down right before it is sent."""
        with self.transaction():
            self._write(
                "INSERT INTO extensions (order_id, hit_id, run_id, unit_index, max_assignments, expires_at,"
                " state, intended_at) VALUES (?, ?, ?, ?, ?, ?, 'sending', ?)"
                " ON CONFLICT (order_id, hit_id) DO UPDATE SET max_assignments = excluded.max_assignments,"
                " expires_at = excluded.expires_at, state = 'sending', error = NULL WHERE state <> 'done'",
                (*map(write_value, extension[:6]), stamp()),
            )

    @repeatable
    def set_extended(self, extension: Extension, detail: str) -> None:
        """Note that a HIT has what it was to have: its unit is outstanding (again). Safe to repeat.

        `detail` is for the journal.
        """
        key = (extension.order_id, extension.hit_id)
        with self.transaction():
            self._write(
                "UPDATE extensions SET state = 'done', settled_at = ?, error = NULL"
                " WHERE order_id = ? AND hit_id = ? AND state <> 'done'",
                (stamp(), *key),
                entry=Entry("hit-extended", extension.hit_id, extension.run_id, detail),
            )
            if extension.max_assignments:
                self._write(
                    "UPDATE units SET places = ? WHERE run_id = ? AND unit_index = ? AND hit_id = ?",
                    (
                        extension.max_assignments,
                        extension.run_id,
                        extension.unit_index,
                        extension.hit_id,
                    ),
                )
            self.reopen_unit(extension.run_id, extension.unit_index, extension.hit_id)

    def fail_extension(self, extension: Extension, error: str) -> None:
        """Note why a HIT was certainly not given more assignments."""
        self._write(
            "UPDATE extensions SET state = 'failed', settled_at = ?, error = ?"
            " WHERE order_id = ? AND hit_id = ?",
            (stamp(), error, extension.order_id, extension.hit_id),
        )

    def extension_count(self, run_id: str) -> int:
        """Return how many extensions of a run's HITs were ever written down."""
        return int(self._row("SELECT count(*) FROM extensions WHERE run_id = ?", (run_id,))[0])

    def places_being_sent(self, run_id: str, per_unit: int) -> int:
        """Return how many answers HITs may bring besides that are being extended, or may have been.

        What an order has left behind when another took its place counts for as long as its HIT is out.
        """
        row = self._row(
            "SELECT coalesce(sum(max(0, e.max_assignments - CASE WHEN u.state IN ('creating', 'outstanding')"
            " THEN coalesce(u.places, ?) ELSE (SELECT count(*) FROM assignments a WHERE a.run_id = e.run_id"
            " AND a.unit_index = e.unit_index AND a.hit_id = e.hit_id) END)), 0)"
            " FROM extension_orders o JOIN extensions e USING (order_id)"
            " JOIN units u ON u.run_id = e.run_id AND u.unit_index = e.unit_index AND u.hit_id = e.hit_id"
            " WHERE o.run_id = ? AND (o.ended_at IS NULL OR u.state = 'outstanding') AND e.state = 'sending'"
            " AND e.max_assignments IS NOT NULL",
            (per_unit, run_id),
        )
        return int(row[0])
