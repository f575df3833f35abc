"""What time alone does: abandons, approves, lets go of held money, disposes.

Nothing runs in the background. Before a request is served, whatever fell due since the last one is done.
"""

from sqlalchemy import Connection, and_, bindparam, case, or_, select, update

from crowdserver.storage import account
from crowdserver.storage.schema import assignments, hit_types, hits, server

DISPOSAL_AGE = 120 * 86_400

# Settled at a time, so that a long silence does not end in one endless transaction.
_BATCH = 500

_ASSIGNMENT_DUE = assignments.c.due_at <= bindparam("now")
_RELEASE_DUE = and_(hits.c.release_at <= bindparam("now"), hits.c.pending == 0)
_DISPOSAL_DUE = and_(
    hits.c.disposed_at.is_(None),
    hits.c.created_at <= bindparam("now") - DISPOSAL_AGE,
    hits.c.pending == 0,
    hits.c.submitted == 0,
    or_(hits.c.expiration <= bindparam("now"), hits.c.available == 0),
)
_IS_DUE = select(
    or_(
        select(assignments.c.id).where(_ASSIGNMENT_DUE).exists(),
        select(hits.c.id).where(_RELEASE_DUE).exists(),
        select(hits.c.id).where(_DISPOSAL_DUE).exists(),
    )
)

_ALONE = select(server.c.id).with_for_update()
_HITS_WITH_DUE_WORK = select(assignments.c.hit_id).distinct().where(_ASSIGNMENT_DUE).limit(_BATCH)
_LOCK_HITS = (
    select(hits.c.id)
    .where(hits.c.id.in_(bindparam("hits", expanding=True)))
    .order_by(hits.c.id)
    .with_for_update()
)
_DUE_WORK = (
    select(
        assignments.c.id,
        assignments.c.hit_id,
        assignments.c.status,
        assignments.c.due_at,
        (hit_types.c.reward + hits.c.fee).label("cost"),
    )
    .join_from(assignments, hits, assignments.c.hit_id == hits.c.id)
    .join(hit_types, hits.c.hit_type_id == hit_types.c.id)
    .where(_ASSIGNMENT_DUE, assignments.c.hit_id.in_(bindparam("hits", expanding=True)))
)
_END = (
    update(assignments)
    .where(assignments.c.id == bindparam("key"))
    .values(
        status=case((assignments.c.status == "Accepted", "Abandoned"), else_="Approved"),
        approved_at=case((assignments.c.status == "Submitted", assignments.c.due_at)),
        due_at=None,
    )
)
_ABANDON_ONE = (
    update(hits)
    .where(hits.c.id == bindparam("key"))
    .values(available=hits.c.available + 1, pending=hits.c.pending - 1)
)
_COMPLETE_ONE = (
    update(hits)
    .where(hits.c.id == bindparam("key"))
    .values(submitted=hits.c.submitted - 1, completed=hits.c.completed + 1)
)
_DUE_RELEASES = (
    select(hits.c.id, (hits.c.available * (hit_types.c.reward + hits.c.fee)).label("amount"))
    .join_from(hits, hit_types, hits.c.hit_type_id == hit_types.c.id)
    .where(_RELEASE_DUE)
    .order_by(hits.c.id)
    .limit(_BATCH)
    .with_for_update(of=hits)
)
_RELEASED = update(hits).where(hits.c.id == bindparam("key")).values(release_at=None)
_DISPOSE = (
    update(hits).where(_DISPOSAL_DUE).values(disposed_at=hits.c.created_at + DISPOSAL_AGE, release_at=None)
)


def is_due(tx: Connection, now: float) -> bool:
    """Whether settle() has anything to do."""
    return bool(tx.execute(_IS_DUE, {"now": now}).scalar_one())


def settle(tx: Connection, now: float) -> None:
    """Do what fell due, up to a few hundred of each kind. Needs a transaction for writing that has done nothing yet.

    Safe to repeat; call it until is_due() says no.
    """
    # One at a time: two of these could lock the same HITs in different orders. And the account comes last, as it does
    # for every request, so that nobody waits for a HIT while holding the account.
    tx.execute(_ALONE)
    paid = _end_work(tx, now)
    released = _let_go(tx, now)
    # Only when the two before it are through: what expired long ago may have money held or work to approve.
    if (
        not tx.execute(_HITS_WITH_DUE_WORK, {"now": now}).first()
        and not tx.execute(_DUE_RELEASES, {"now": now}).first()
    ):
        tx.execute(_DISPOSE, {"now": now})
    account.pay_held(tx, paid)
    account.release(tx, released)


def _end_work(tx: Connection, now: float) -> int:
    """Abandon and approve what is due; how much the approved work costs."""
    due = list(tx.execute(_HITS_WITH_DUE_WORK, {"now": now}).scalars())
    if not due:
        return 0
    tx.execute(_LOCK_HITS, {"hits": due})
    # Read again under the locks: the worker may have submitted in the meantime.
    rows = tx.execute(_DUE_WORK, {"now": now, "hits": due}).all()
    approved = [row for row in rows if row.status == "Submitted"]
    for statement, keys in (
        (_END, [row.id for row in rows]),
        (_ABANDON_ONE, [row.hit_id for row in rows if row.status == "Accepted"]),
        (_COMPLETE_ONE, [row.hit_id for row in approved]),
    ):
        if keys:
            tx.execute(statement, [{"key": key} for key in keys])
    return sum(row.cost for row in approved)


def _let_go(tx: Connection, now: float) -> int:
    """End the hold on money for work that nobody can take any more; how much it is."""
    rows = tx.execute(_DUE_RELEASES, {"now": now}).all()
    if rows:
        tx.execute(_RELEASED, [{"key": row.id} for row in rows])
    return sum(row.amount for row in rows)
