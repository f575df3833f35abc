"""What time alone does: it abandons assignments, approves them, releases held money and disposes of HITs.

Nothing runs in the background. Before a request is served, whatever fell due since the last one is done.
"""

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, or_, select, update

from crowdserver.storage import account, clock, counters
from crowdserver.storage.schema import (
    UPDATE_ASSIGNMENT,
    UPDATE_HIT,
    assignments,
    hit_types,
    hits,
    server,
)

DISPOSAL_AGE = 120 * 86_400

# How many HITs of a kind are done at a time, so that a long silence does not end in one endless transaction.
_BATCH = 500


def _assignment_is_due(now: ColumnElement[float]) -> ColumnElement[bool]:
    return assignments.c.due_at <= now


def _release_is_due(now: ColumnElement[float]) -> ColumnElement[bool]:
    return and_(hits.c.release_at <= now, hits.c.pending == 0)


def _disposal_is_due(now: ColumnElement[float]) -> ColumnElement[bool]:
    return and_(
        hits.c.disposed_at.is_(None),
        hits.c.created_at <= now - DISPOSAL_AGE,
        hits.c.pending == 0,
        hits.c.submitted == 0,
        or_(hits.c.expiration <= now, hits.c.available == 0),
    )


# One statement for both, because every request asks for both.
_NOW_AND_IS_DUE = select(
    clock.NOW,
    or_(
        select(assignments.c.id).where(_assignment_is_due(clock.NOW)).exists(),
        select(hits.c.id).where(_release_is_due(clock.NOW)).exists(),
        select(hits.c.id).where(_disposal_is_due(clock.NOW)).exists(),
    ),
).select_from(server)

_NOW: ColumnElement[float] = bindparam("now")
_LOCK_SERVER = select(server.c.id).with_for_update()
_HITS_WITH_DUE_ASSIGNMENTS = (
    select(assignments.c.hit_id).distinct().where(_assignment_is_due(_NOW)).limit(_BATCH)
)
_LOCK_HITS = (
    select(hits.c.id)
    .where(hits.c.id.in_(bindparam("hits", expanding=True)))
    .order_by(hits.c.id)
    .with_for_update()
)
_DUE_ASSIGNMENTS = (
    select(
        assignments.c.id,
        assignments.c.hit_id,
        assignments.c.status,
        assignments.c.due_at,
        (hit_types.c.reward + hits.c.fee).label("cost"),
    )
    .join_from(assignments, hits, assignments.c.hit_id == hits.c.id)
    .join(hit_types, hits.c.hit_type_id == hit_types.c.id)
    .where(_assignment_is_due(_NOW), assignments.c.hit_id.in_(bindparam("hits", expanding=True)))
)
_END = UPDATE_ASSIGNMENT.values(
    status=case((assignments.c.status == "Accepted", "Abandoned"), else_="Approved"),
    approved_at=case((assignments.c.status == "Submitted", assignments.c.due_at)),
    due_at=None,
)
_DUE_RELEASES = (
    select(hits.c.id, (hits.c.available * (hit_types.c.reward + hits.c.fee)).label("amount"))
    .join_from(hits, hit_types, hits.c.hit_type_id == hit_types.c.id)
    .where(_release_is_due(_NOW))
    .order_by(hits.c.id)
    .limit(_BATCH)
    .with_for_update(of=hits)
)
_RELEASE = UPDATE_HIT.values(release_at=None)
_DISPOSE = (
    update(hits)
    .where(_disposal_is_due(_NOW))
    .values(disposed_at=hits.c.created_at + DISPOSAL_AGE, release_at=None)
)


def now_and_is_due(tx: Connection) -> tuple[float, bool]:
    """Return the server's time, and whether apply_due() has anything to do."""
    now, is_due = tx.execute(_NOW_AND_IS_DUE, {"real_time": clock.real_time()}).one()
    return now, bool(is_due)


def apply_due(tx: Connection, now: float) -> None:
    """Do what fell due, a batch of each kind. Needs a transaction for writing that has done nothing yet.

    Safe to repeat; repeat it until nothing is due.
    """
    # One process at a time: two of these could lock the same HITs in different orders. And the account comes
    # last, as it does for every request, so that nobody waits for a HIT while holding the account.
    tx.execute(_LOCK_SERVER)
    paid = _end_assignments(tx, now)
    released = _release_holds(tx, now)
    # Only when the two before it are through: what expired long ago may have money held or assignments to
    # approve.
    if (
        not tx.execute(_HITS_WITH_DUE_ASSIGNMENTS, {"now": now}).first()
        and not tx.execute(_DUE_RELEASES, {"now": now}).first()
    ):
        tx.execute(_DISPOSE, {"now": now})
    account.pay_held(tx, paid)
    account.release(tx, released)


def _end_assignments(tx: Connection, now: float) -> int:
    """Abandon and approve what is due; return what the approved assignments cost."""
    hit_ids = list(tx.execute(_HITS_WITH_DUE_ASSIGNMENTS, {"now": now}).scalars())
    if not hit_ids:
        return 0
    tx.execute(_LOCK_HITS, {"hits": hit_ids})
    # Read again under the locks: the worker may have submitted in the meantime.
    rows = tx.execute(_DUE_ASSIGNMENTS, {"now": now, "hits": hit_ids}).all()
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
    rows = tx.execute(_DUE_RELEASES, {"now": now}).all()
    if rows:
        tx.execute(_RELEASE, [{"hit": row.id} for row in rows])
    return sum(row.amount for row in rows)
