"""What workers do, on the crowd server's own database, as its site does it; and what is there."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from sqlalchemy import select, update

from crowdops.formats.marks import parse_annotation
from crowdserver.storage import schema
from crowdserver.worker import assignments
from tests.support.crowds import Crowd


class MarkedHit(NamedTuple):
    """A HIT that carries our mark, as the server has it."""

    hit_id: str
    run_id: str
    unit_index: int
    assignable: bool
    pending: int
    reviewing: bool
    disposed: bool


class Workers:
    """Accept, submit and return, as any workers."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd

    def accept(self, hit_id: str, worker_id: str = "AWORKER1") -> str:
        """Accept a HIT; returns the assignment's id."""
        with self.crowd.opened.writing() as (tx, now):
            return assignments.accept(tx, now, worker_id, hit_id).assignment_id

    def accept_next(self, hit_type_id: str, worker_id: str = "AWORKER1") -> assignments.Assignment:
        """Accept whatever HIT of a type is free."""
        return self.crowd.opened.write(
            lambda tx, now: assignments.accept_next(tx, now, worker_id, hit_type_id)
        )

    def submit(
        self, assignment_id: str, *fields: tuple[str, str], worker_id: str | None = None, **more: str
    ) -> None:
        """Submit what was accepted, with these fields filled in, and more of them by their names."""
        filled = [*fields, *more.items()] or [("label", "cat")]
        with self.crowd.opened.writing() as (tx, now):
            assignments.submit(tx, now, assignment_id, worker_id, filled)

    def give_back(self, assignment_id: str, worker_id: str = "AWORKER1") -> None:
        """Return what was accepted."""
        with self.crowd.opened.writing() as (tx, now):
            assignments.give_back(tx, now, worker_id, assignment_id)

    def do(self, hit_id: str, worker_id: str = "AWORKER1", *fields: tuple[str, str], **more: str) -> str:
        """Accept a HIT and submit it; returns the assignment's id."""
        assignment_id = self.accept(hit_id, worker_id)
        self.submit(assignment_id, *fields, **more)
        return assignment_id

    # What is there

    def hits(self, run_id: str | None = None) -> list[MarkedHit]:
        """Return the HITs that carry our mark, of one run or of all, the oldest first."""
        with self.crowd.opened.reading() as (tx, now):
            rows = tx.execute(select(schema.hits).order_by(schema.hits.c.serial)).all()
        hits = []
        for row in rows:
            mark = parse_annotation(row.annotation)
            if mark and run_id in (None, mark.run_id):
                hit = MarkedHit(
                    hit_id=row.id,
                    run_id=mark.run_id,
                    unit_index=mark.unit_index,
                    assignable=row.disposed_at is None and row.expiration > now and row.available > 0,
                    pending=row.pending,
                    reviewing=row.reviewing,
                    disposed=row.disposed_at is not None,
                )
                hits.append(hit)
        return hits

    def open_hits(self, run_id: str | None = None) -> list[str]:
        """Return the ids of the HITs that somebody could accept now, the oldest first."""
        return [hit.hit_id for hit in self.hits(run_id) if hit.assignable]

    def doubled_units(self) -> list[tuple[str, int]]:
        """Return the units that have more than one HIT; one that was deleted is none."""
        counts = Counter((hit.run_id, hit.unit_index) for hit in self.hits() if not hit.disposed)
        return [unit for unit, count in counts.items() if count > 1]

    def places_bound(self) -> Counter[int]:
        """Return by unit for how many answers our HITs bind the account to pay, at this moment.

        Those that can still come in count, and those that came in and are not rejected.
        """
        bound: Counter[int] = Counter()
        units = {hit.hit_id: hit for hit in self.hits()}
        hits, done = schema.hits.c, schema.assignments.c
        with self.crowd.opened.reading() as (tx, _):
            for row in tx.execute(select(hits.id, hits.available, hits.pending)):
                if row.id in units:
                    is_open = units[row.id].assignable
                    bound[units[row.id].unit_index] += row.pending + (row.available if is_open else 0)
            query = select(done.hit_id).where(done.submitted_at.is_not(None), done.status != "Rejected")
            bound.update(
                units[hit_id].unit_index for hit_id in tx.execute(query).scalars() if hit_id in units
            )
        return bound

    def submitted(self, run_id: str | None = None) -> set[str]:
        """Return the ids of all assignments that were ever submitted, of one run or of all."""
        chosen = {hit.hit_id for hit in self.hits(run_id)}
        table = schema.assignments.c
        with self.crowd.opened.reading() as (tx, _):
            rows = tx.execute(select(table.id, table.hit_id).where(table.submitted_at.is_not(None)))
            return {row.id for row in rows if row.hit_id in chosen}

    def set_funds(self, cents: int) -> None:
        """Set what the account has, with what is held."""
        with self.crowd.database.write() as tx:
            tx.execute(update(schema.account).values(funds=cents))
