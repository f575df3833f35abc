"""What time alone does: it abandons assignments, approves them, releases held money and disposes of HITs.

Nothing runs in the background. Before a request is served, whatever fell due since the last one is done.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    TextClause,
    and_,
    bindparam,
    case,
    literal_column,
    or_,
    select,
    update,
)

from crowdserver.storage import account, clock, counters
from crowdserver.storage.indexes import IS_DONE, IS_RELEASABLE, IS_REVIEWED
from crowdserver.storage.schema import UPDATE_ASSIGNMENT, UPDATE_HIT, assignments, hit_types, hits, server

DISPOSAL_AGE = 120 * 86_400

# How many of a kind are done at a time, so that a long silence does not end in one endless transaction.
_BATCH = 500
# In words: of a limit that is a value PostgreSQL assumes that it is a tenth of all there is.
_ONE: ColumnElement[int] = literal_column("1")


def _first(column: Column[float], *conditions: TextClause) -> ColumnElement[float]:
    """Return the first moment of a time index, in SQL: one row is read, and the plan depends on no value."""
    is_set = column > literal_column("0")
    return select(column).where(is_set, *conditions).order_by(column).limit(_ONE).scalar_subquery()


# When something falls due next, of each kind. One statement for all, because every request asks for it.
_NEXT = select(
    clock.NOW,
    _first(assignments.c.due_at),
    _first(hits.c.release_at, IS_RELEASABLE),
    _first(hits.c.created_at, IS_DONE, IS_REVIEWED) + DISPOSAL_AGE,
).select_from(server)

_NOW: ColumnElement[float] = bindparam("now")
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_LOCK_SERVER = select(server.c.id).with_for_update()
# What is due is found in the order of the time index, and its HITs are locked in the order of their ids.
_DUE_ASSIGNMENTS = (
    select(assignments.c.id, assignments.c.hit_id)
    .where(assignments.c.due_at <= _NOW)
    .order_by(assignments.c.due_at)
    .limit(_BATCH)
)
_LOCK_HITS = select(hits.c.id).where(hits.c.id.in_(_IDS)).order_by(hits.c.id).with_for_update()
_STILL_DUE_ASSIGNMENTS = (
    select(
        assignments.c.id,
        assignments.c.hit_id,
        assignments.c.status,
        (hit_types.c.reward + hits.c.fee).label("cost"),
    )
    .join_from(assignments, hits, assignments.c.hit_id == hits.c.id)
    .join(hit_types, hits.c.hit_type_id == hit_types.c.id)
    .where(assignments.c.id.in_(_IDS), assignments.c.due_at <= _NOW)
)
_END = UPDATE_ASSIGNMENT.values(
    status=case((assignments.c.status == "Accepted", "Abandoned"), else_="Approved"),
    approved_at=case((assignments.c.status == "Submitted", assignments.c.due_at)),
    due_at=None,
)
_DUE_RELEASES = (
    select(hits.c.id)
    .where(IS_RELEASABLE, hits.c.release_at <= _NOW)
    .order_by(hits.c.release_at)
    .limit(_BATCH)
)
_LOCK_RELEASES = (
    select(hits.c.id, (hits.c.available * (hit_types.c.reward + hits.c.fee)).label("amount"))
    .join_from(hits, hit_types, hits.c.hit_type_id == hit_types.c.id)
    .where(hits.c.id.in_(_IDS), IS_RELEASABLE, hits.c.release_at <= _NOW)
    .order_by(hits.c.id)
    .with_for_update(of=hits)
)
_RELEASE = UPDATE_HIT.values(release_at=None)
_DUE_DISPOSALS = (
    select(hits.c.serial)
    .where(IS_DONE, IS_REVIEWED, hits.c.created_at <= _NOW - DISPOSAL_AGE)
    .order_by(hits.c.created_at)
    .limit(_BATCH)
)
# Not in the words of the index: PostgreSQL would go through that in place of looking up what it is given.
_IS_STILL_DUE = and_(
    hits.c.disposed_at.is_(None),
    hits.c.pending == 0,
    hits.c.submitted == 0,
    or_(hits.c.available == 0, hits.c.release_at.is_(None)),
)
_DISPOSE = (
    update(hits)
    .where(hits.c.serial.in_(_IDS), _IS_STILL_DUE)
    .values(disposed_at=hits.c.created_at + DISPOSAL_AGE, release_at=None)
)


def now_and_is_due(tx: Connection) -> tuple[float, bool]:
    """Return the server's time, and whether apply_due() has anything to do."""
    now, *moments = tx.execute(_NEXT, {"real_time": clock.real_time()}).one()
    return now, _is_any_due(moments, now)


def apply_due(tx: Connection, now: float) -> None:
    """Do what fell due, a batch of each kind. Needs a transaction for writing that has done nothing yet.

    Safe to repeat; repeat it until nothing is due.
    """
    # One process at a time: two of these could lock the same HITs in different orders. And the account comes
    # last, as it does for every request, so that nobody waits for a HIT while holding the account.
    tx.execute(_LOCK_SERVER)
    paid = _end_assignments(tx, now)
    released = _release_holds(tx, now)
    _dispose(tx, now)
    account.pay_held(tx, paid)
    account.release(tx, released)


def _is_any_due(moments: Sequence[float | None], now: float) -> bool:
    return any(moment is not None and moment <= now for moment in moments)


def _end_assignments(tx: Connection, now: float) -> int:
    """Abandon and approve what is due; return what the approved assignments cost."""
    due = tx.execute(_DUE_ASSIGNMENTS, {"now": now}).all()
    if not due:
        return 0
    tx.execute(_LOCK_HITS, {"ids": sorted({row.hit_id for row in due})})
    # Read again under the locks: the worker may have submitted in the meantime.
    rows = tx.execute(_STILL_DUE_ASSIGNMENTS, {"now": now, "ids": [row.id for row in due]}).all()
    approved = [row for row in rows if row.status == "Submitted"]
    abandoned = [row for row in rows if row.status == "Accepted"]
    for statement, values in (
        (_END, [{"assignment": row.id} for row in rows]),
        (counters.GIVEN_BACK, [{"hit": row.hit_id} for row in abandoned]),
        (counters.REVIEWED, [{"hit": row.hit_id} for row in approved]),
    ):
        if values:
            tx.execute(statement, values)
    return sum(row.cost for row in approved)


def _release_holds(tx: Connection, now: float) -> int:
    """End the hold on money for assignments that nobody can accept any more; return how much it is."""
    due = list(tx.execute(_DUE_RELEASES, {"now": now}).scalars())
    if not due:
        return 0
    rows = tx.execute(_LOCK_RELEASES, {"now": now, "ids": due}).all()
    if rows:
        tx.execute(_RELEASE, [{"hit": row.id} for row in rows])
    return sum(row.amount for row in rows)


def _dispose(tx: Connection, now: float) -> None:
    """Dispose of what is old, once assignments and holds are through: of those it may have some as well."""
    _, *moments, _ = tx.execute(_NEXT, {"real_time": clock.real_time()}).one()
    if _is_any_due(moments, now):
        return
    due = list(tx.execute(_DUE_DISPOSALS, {"now": now}).scalars())
    if due:
        tx.execute(_DISPOSE, {"ids": due})
