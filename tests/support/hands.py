"""What workers do, on the crowd server's own database: as its site does it, without the site; and what is there."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from sqlalchemy import select, update

from crowdops.formats.marks import parse_annotation
from crowdserver.protocol.credentials import Credentials
from crowdserver.storage import schema
from crowdserver.storage.database import Database
from crowdserver.storage.transactions import Crowd as Opened
from crowdserver.worker import assignments
from tests.support.crowds import Crowd

FORM = [("label", "cat"), ("why", "=whiskers")]


class Made(NamedTuple):
    """A HIT as the server has it."""

    hit_id: str
    run_id: str
    unit_index: int
    assignable: bool
    pending: int
    reviewing: bool
    disposed: bool


class Hand:
    """Accepts, submits and returns, as any worker."""

    def __init__(self, crowd: Crowd) -> None:
        self._database = Database(crowd.database_url)
        self._crowd = Opened(self._database, Credentials(*crowd.credentials))

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def accept(self, hit_id: str, worker_id: str = "AWORKER1") -> str:
        """Accept a HIT; the assignment's id."""
        with self._crowd.writing() as (tx, now):
            return assignments.accept(tx, now, worker_id, hit_id).assignment_id

    def submit(self, assignment_id: str) -> None:
        """Submit what is in hand."""
        with self._crowd.writing() as (tx, now):
            assignments.submit(tx, now, assignment_id, None, FORM)

    def give_back(self, assignment_id: str, worker_id: str = "AWORKER1") -> None:
        """Return what is in hand."""
        with self._crowd.writing() as (tx, now):
            assignments.give_back(tx, now, worker_id, assignment_id)

    def do(self, hit_id: str, worker_id: str = "AWORKER1") -> str:
        """Accept a HIT and submit it; the assignment's id."""
        assignment_id = self.accept(hit_id, worker_id)
        self.submit(assignment_id)
        return assignment_id

    def hits(self, run_id: str | None = None) -> list[Made]:
        """Return the HITs that carry our mark, of one run or of all, the oldest first."""
        with self._crowd.reading() as (tx, now):
            rows = tx.execute(select(schema.hits).order_by(schema.hits.c.serial)).all()
        found = []
        for row in rows:
            mark = parse_annotation(row.annotation)
            if mark and run_id in (None, mark.run_id):
                assignable = row.disposed_at is None and row.expiration > now and row.available > 0
                place = (row.id, mark.run_id, mark.unit_index)
                disposed = row.disposed_at is not None
                found.append(Made(*place, assignable, row.pending, row.reviewing, disposed))
        return found

    def open_hits(self, run_id: str | None = None) -> list[str]:
        """Return the ids of the HITs that somebody could accept now, the oldest first."""
        return [hit.hit_id for hit in self.hits(run_id) if hit.assignable]

    def doubled_units(self) -> list[tuple[str, int]]:
        """Return the units that have more than one HIT; one that was deleted is none."""
        counts = Counter((hit.run_id, hit.unit_index) for hit in self.hits() if not hit.disposed)
        return [unit for unit, count in counts.items() if count > 1]

    def submitted(self, run_id: str | None = None) -> set[str]:
        """Return the ids of all assignments that were ever submitted, of one run or of all."""
        chosen = {hit.hit_id for hit in self.hits(run_id)}
        with self._crowd.reading() as (tx, _):
            rows = tx.execute(
                select(schema.assignments.c.id, schema.assignments.c.hit_id).where(
                    schema.assignments.c.submitted_at.is_not(None)
                )
            )
            return {row.id for row in rows if row.hit_id in chosen}

    def set_funds(self, cents: int) -> None:
        """Put so much money into the account, beside what is held."""
        with self._database.write() as tx:
            tx.execute(update(schema.account).values(funds=schema.account.c.held + cents))


def empty(crowd: Crowd) -> None:
    """Make a running crowd server as good as new."""
    database = Database(crowd.database_url)
    with database.write() as tx:
        for table in reversed(schema.metadata.sorted_tables):
            if table.name not in ("server", "account"):
                tx.execute(table.delete())
        tx.execute(
            update(schema.server).values(clock_offset=0, list_lag=0, counter_lag=0, plain_duplicates=False)
        )
        tx.execute(update(schema.account).values(funds=10_000_00, held=0))
    database.close()
