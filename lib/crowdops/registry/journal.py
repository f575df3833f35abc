"""The journal: what was done to what, when, by which command and process.

An action is in it once, whoever settles its outcome: in the transaction that writes the outcome down. Entries
are only added; those of runs that have ended can be archived to a file (archive.py).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from crowdops.registry.database import RegistryFile, placeholders
from crowdops.registry.rows import Event, read, write_value

CHUNK = 1000  # rows that are read at once: no reader holds the file while its output is waited for
LEAST_CHUNK = 10
MOST = 2**62  # no entry has a higher number

# Every kind of entry, and what it says of its target.
KINDS = {
    "run-created": "a run was written down: nothing of it exists yet",
    "run-completed": "a run that was found by its marks got its parameters and its rows",
    "run-adopted": "a run was found by its marks",
    "run-launching": "a run is being launched",
    "run-running": "a run has HITs out",
    "run-draining": "a run is being ended: accepted work is waited for",
    "run-finished": "a run has ended",
    "run-stopped": "a run was ended by force, or before all was done",
    "run-failed": "a run could not be launched",
    "run-topped-up": "a run that had ended goes on: its units get what they lack",
    "run-reopened": "a run that had ended is carried on",
    "max-cost-raised": "a run may cost more",
    "hit-created": "a HIT was created",
    "hit-adopted": "a HIT was found by its mark",
    "hit-extended": "a HIT got more assignments, or more time",
    "hit-expired": "a HIT was expired: nobody can accept it any more",
    "hit-collected": "a HIT has ended, and its answers are stored",
    "hit-disposed": "a HIT was deleted",
    "unit-failed": "a unit has no HIT: it could not be created, or somebody deleted it",
    "unit-reopened": "a unit that had ended is outstanding again",
    "unit-stranded": "a unit's HIT leads to a page that is gone",
    "unit-planned-again": "a unit whose HIT was deleted by us is to be launched anew",
    "assignment-approved": "an assignment was approved",
    "assignment-rejected": "an assignment was rejected",
    "review-failed": "an assignment could not be approved or rejected",
    "bonus-paid": "a bonus was paid for an assignment",
    "bonus-adopted": "a bonus was found that was paid for an assignment",
    "bonus-failed": "a bonus was certainly not paid",
    "makeup-intended": "a compensation is made for a worker: its run",
    "worker-blocked": "a worker is kept out",
    "worker-unblocked": "a worker is kept out no more",
    "worker-capped": "a worker has reached maximum_units_per_worker",
    "worker-kept-out": "a worker gets no HIT of a run that replaces one which this worker has answered",
    "message-intended": "a message is about to be sent to a worker",
    "message-sent": "a message was sent to a worker",
    "message-failed": "a message was certainly not sent to a worker",
    "server-intended": "a task server is about to be created",
    "server-adopted": "a task server was found by its marks",
    "server-creating": "a task server is started again",
    "server-up": "a task server answers",
    "server-restarted": "the dynos of a task server were restarted",
    "server-scaled": "a task server is to have other dynos",
    "scaling-failed": "a task server did not get its dynos; what it has",
    "server-gone": "a task server was taken down",
    "server-moved": "the crowd server of some runs answers elsewhere",
    "server-recognized": "the crowd server of some runs has an identity",
    "registry-restored": "the registry was taken back from a copy",
    "journal-archived": "entries of ended runs went to a file",
}


class Filter(NamedTuple):
    """Which entries are meant: those that each of the given parts allows. None allows all, () none.

    `hit_ids` and `worker_ids` are whom an entry is about. Moments are within.
    """

    run_ids: Sequence[str] | None = None
    hit_ids: Sequence[str] | None = None
    worker_ids: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None


class Journal(RegistryFile):
    """The table events, read."""

    def iter_events(self, meant: Filter, after: int = 0, last: int = MOST) -> Iterator[Event]:
        """Yield the entries that are meant, in the order in which they were written.

        Only those `after` one and up to the `last`. They are read in chunks: others may write in between.
        """
        streams = [self._iter(query, after, last) for query in self._queries(meant)]
        yield from heapq.merge(*streams, key=lambda event: event.event_id)

    def latest_events(self, meant: Filter, count: int, last: int = MOST) -> list[Event]:
        """Return the newest entries that are meant, at most so many up to the `last`, as iter_events()."""
        events = []
        for query in self._queries(meant):
            rows = self._rows(query.newest, (*query.values, query.first, min(last, query.last), count))
            events += [read(Event, row) for row in rows.fetchall()]
        events.sort(key=lambda event: event.event_id)
        return events[-count:]

    def last_event_id(self) -> int:
        """Return the number of the newest entry; 0 if there is none."""
        return int(self._row("SELECT coalesce(max(event_id), 0) FROM events")[0])

    def _iter(self, query: _Query, after: int, last: int) -> Iterator[Event]:
        first, last = max(query.first, after + 1), min(query.last, last)
        while rows := self._rows(query.next, (*query.values, first, last, query.chunk)).fetchall():
            yield from (read(Event, row) for row in rows)
            first = rows[-1]["event_id"] + 1
            if len(rows) < query.chunk:
                return

    def _queries(self, meant: Filter) -> list[_Query]:
        """Return one query for each value of the part that leaves the fewest entries, or one for all of them.

        Each is answered by one index, in the order of the entries; the other parts only filter.
        """
        bounds = self._bounds(meant)
        parts = [
            ("hit_id", meant.hit_ids),
            ("worker_id", meant.worker_ids),
            ("run_id", meant.run_ids),
            ("kind", meant.kinds),
        ]
        given = [(column, list(dict.fromkeys(values))) for column, values in parts if values is not None]
        moments = [("at >= ?", meant.since), ("at <= ?", meant.until)]
        conditions = [condition for condition, moment in moments if moment]
        values: list[object] = [write_value(moment) for _, moment in moments if moment]
        for column, allowed in given[1:]:  # the + keeps its index out of it
            conditions.append(f"+{column} IN ({placeholders(allowed)})")
            values += allowed
        if not given:
            return [_Query(conditions, values, bounds, CHUNK)]
        column, leading = given[0]
        chunk = max(LEAST_CHUNK, CHUNK // max(1, len(leading)))
        conditions = [f"{column} = ?", *conditions]
        return [_Query(conditions, [value, *values], bounds, chunk) for value in leading]

    def _bounds(self, meant: Filter) -> tuple[int, int]:
        """Return the first and the last entry within the moments; if a clock was set, others lie between."""
        if meant.since is None and meant.until is None:
            return 0, MOST
        since = write_value(meant.since) if meant.since else ""
        until = write_value(meant.until) if meant.until else "A"
        query = "SELECT min(event_id), max(event_id) FROM events WHERE at BETWEEN ? AND ?"
        first, last = self._row(query, (since, until))
        return (0, -1) if first is None else (first, last)

    def note_block(self, worker_id: str, kind: str, scope: str, reason: str, *, was_so: bool) -> None:
        """Write down that a worker was blocked or unblocked, unless that `was_so` and is known.

        What was so and is not known was done by a process that died, or elsewhere: a block is written down.
        """
        query = (
            "SELECT kind FROM events WHERE worker_id = ? AND kind IN ('worker-blocked', 'worker-unblocked')"
            " AND substr(detail, 1, ?) = ? ORDER BY event_id DESC LIMIT 1"
        )
        with self.transaction():
            row = self._row(query, (worker_id, len(scope), scope))
            known = row["kind"] if row else "worker-unblocked"
            if not was_so or known != kind:
                self.record(kind, worker_id, detail=scope + reason)


class _Query:
    """A query for entries from a first to a last one, by one of the indexes."""

    def __init__(
        self, conditions: Sequence[str], values: Sequence[object], bounds: tuple[int, int], chunk: int
    ) -> None:
        # One range, so that the index is entered where the last chunk ended.
        where = f"SELECT * FROM events WHERE {' AND '.join([*conditions, 'event_id BETWEEN ? AND ?'])}"
        self.values, self.chunk = values, chunk
        self.first, self.last = bounds
        self.next = f"{where} ORDER BY event_id LIMIT ?"
        self.newest = f"{where} ORDER BY event_id DESC LIMIT ?"
