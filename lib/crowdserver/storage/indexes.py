"""The indexes that hold some rows of their tables only, and the conditions that choose these.

A statement that has such a condition, word for word, reads what it asks for and nothing else, however large
the account is. They are text, which both databases understand: a condition in an Index makes SQLAlchemy
import the dialects of both, and that is a tenth of what a server needs to start.

`release_at` is NULL where the time of a HIT is over and nobody works on it: what falls due happens first, so
it tells that without a clock.
"""

from sqlalchemy import Connection, text

# With a plus, so that sqlite does not take all HITs that are not disposed of by another index instead.
_IS_LIVING = "+hits.disposed_at IS NULL"
# Nobody can accept an assignment any more, nobody works on one: Reviewable or Reviewing.
IS_DONE = text(f"{_IS_LIVING} AND hits.pending = 0 AND (hits.available = 0 OR hits.release_at IS NULL)")
# Of the above: nothing is left to review.
IS_REVIEWED = text("hits.submitted = 0")
# Workers can accept it, unless its time is over and somebody still works on it.
MAY_BE_OPEN = text(f"{_IS_LIVING} AND hits.available > 0 AND hits.release_at IS NOT NULL")
# HITs by how their annotations begin, at this length: one run's of a type that several share.
BEGINNING = 32
BEGINS_SO = text(f"substr(hits.annotation, 1, {BEGINNING}) = :beginning")
# Its money is let go when its time is over.
IS_RELEASABLE = text("hits.release_at IS NOT NULL AND hits.pending = 0")
# A worker may do a HIT once; what was returned or abandoned does not count.
IS_COUNTED = text("assignments.status NOT IN ('Returned', 'Abandoned')")
# A request for a qualification that the requester is to decide.
IS_WAITING = text("qualification_requests.status = 'Submitted'")
# What the requester wrote, and the worker has not seen.
IS_UNREAD = text("messages.read_at IS NULL")
_IS_UNDECIDED = "qualification_requests.status IN ('Testing', 'Submitted')"

_CREATE = {
    "one_assignment_a_worker": f"UNIQUE INDEX {{}} ON assignments (hit_id, worker_id) WHERE {IS_COUNTED}",
    "hits_done": f"INDEX {{}} ON hits (reviewing, serial) WHERE {IS_DONE}",
    "hits_done_of_type": f"INDEX {{}} ON hits (hit_type_id, reviewing, serial) WHERE {IS_DONE}",
    "hits_reviewed_by_age": f"INDEX {{}} ON hits (created_at) WHERE {IS_DONE} AND {IS_REVIEWED}",
    "hits_open_of_type": f"INDEX {{}} ON hits (hit_type_id, serial) WHERE {MAY_BE_OPEN}",
    "hits_open_of_run": f"INDEX {{}} ON hits (hit_type_id, substr(annotation, 1, {BEGINNING}), serial)"
    f" WHERE {MAY_BE_OPEN}",
    "hits_to_release": f"INDEX {{}} ON hits (release_at) WHERE {IS_RELEASABLE}",
    "assignments_of_hit_by_time": "INDEX {} ON assignments (hit_id, submitted_at, id)",
    "one_type_a_name": "UNIQUE INDEX {} ON qualification_types (name) WHERE deleted_at IS NULL",
    "one_request_a_worker": "UNIQUE INDEX {} ON qualification_requests (worker_id, type_id)"
    f" WHERE {_IS_UNDECIDED}",
    "requests_waiting": f"INDEX {{}} ON qualification_requests (serial) WHERE {IS_WAITING}",
    "messages_unread": f"INDEX {{}} ON messages (worker_id) WHERE {IS_UNREAD}",
    "requests_waiting_for_type": f"INDEX {{}} ON qualification_requests (type_id, serial) WHERE {IS_WAITING}",
}
# What earlier versions made, and no statement uses any more.
_OBSOLETE = frozenset({"hits_by_release", "hits_by_age", "assignments_of_hit"})
_NAMES = {
    "sqlite": text("SELECT name FROM sqlite_master WHERE type = 'index'"),
    "postgresql": text("SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"),
}


def bring_up(tx: Connection) -> None:
    """Create the indexes that are missing, also on the tables of an older version; drop what is obsolete."""
    names = set(tx.execute(_NAMES[tx.dialect.name]).scalars())
    for name, definition in _CREATE.items():
        if name not in names:
            tx.exec_driver_sql(f"CREATE {definition.format(name)}")
    for name in sorted(_OBSOLETE & names):
        tx.exec_driver_sql(f"DROP INDEX {name}")
