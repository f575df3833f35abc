"""What a worker did and earned."""

from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from crowdserver.storage.account import dollars
from crowdserver.storage.schema import assignments, bonuses, hit_types, hits

_RECENT = 20


class Submission(NamedTuple):
    """A line of a worker's history."""

    assignment_id: str
    title: str
    status: str
    reward: Decimal
    submitted_at: float
    feedback: str | None


class Bonus(NamedTuple):
    """A bonus that a worker got for an assignment."""

    title: str
    amount: Decimal
    reason: str
    paid_at: float


class Earnings(NamedTuple):
    """What a worker did and earned; submitted means handed in and not reviewed yet.

    Amounts are what the worker gets, without fees. bonus_amount: all bonuses together; bonuses: the latest of them.
    """

    submitted: int
    approved: int
    rejected: int
    submitted_amount: Decimal
    approved_amount: Decimal
    rejected_amount: Decimal
    recent: list[Submission]
    bonus_amount: Decimal
    bonuses: list[Bonus]


_SUMS = (
    select(assignments.c.status, func.count().label("number"), func.sum(hit_types.c.reward).label("amount"))
    .join_from(assignments, hits, assignments.c.hit_id == hits.c.id)
    .join(hit_types, hits.c.hit_type_id == hit_types.c.id)
    .where(assignments.c.worker_id == bindparam("worker"), assignments.c.submitted_at.is_not(None))
    .group_by(assignments.c.status)
)
_HISTORY = (
    select(
        assignments.c.id,
        hit_types.c.title,
        assignments.c.status,
        hit_types.c.reward,
        assignments.c.submitted_at,
        assignments.c.feedback,
    )
    .join_from(assignments, hits, assignments.c.hit_id == hits.c.id)
    .join(hit_types, hits.c.hit_type_id == hit_types.c.id)
    .where(assignments.c.worker_id == bindparam("worker"), assignments.c.submitted_at.is_not(None))
    .order_by(assignments.c.submitted_at.desc(), assignments.c.id)
    .limit(_RECENT)
)
_BONUS_SUM = select(func.coalesce(func.sum(bonuses.c.amount), 0)).where(
    bonuses.c.worker_id == bindparam("worker")
)
_BONUSES = (
    select(hit_types.c.title, bonuses.c.amount, bonuses.c.reason, bonuses.c.paid_at)
    .join_from(bonuses, assignments, bonuses.c.assignment_id == assignments.c.id)
    .join(hits, assignments.c.hit_id == hits.c.id)
    .join(hit_types, hits.c.hit_type_id == hit_types.c.id)
    .where(bonuses.c.worker_id == bindparam("worker"))
    .order_by(bonuses.c.serial.desc())
    .limit(_RECENT)
)


def earnings(tx: Connection, now: float, worker_id: str) -> Earnings:
    """Sum up what a worker did and earned, with the latest submissions and bonuses, the newest first."""
    sums = {
        row.status: (row.number, dollars(int(row.amount))) for row in tx.execute(_SUMS, {"worker": worker_id})
    }
    states = [sums.get(status, (0, dollars(0))) for status in ("Submitted", "Approved", "Rejected")]
    history = [
        Submission(row.id, row.title, row.status, dollars(row.reward), row.submitted_at, row.feedback)
        for row in tx.execute(_HISTORY, {"worker": worker_id})
    ]
    (submitted, held), (approved, paid), (rejected, lost) = states
    gifts = [
        Bonus(row.title, dollars(row.amount), row.reason, row.paid_at)
        for row in tx.execute(_BONUSES, {"worker": worker_id})
    ]
    extra = dollars(int(tx.execute(_BONUS_SUM, {"worker": worker_id}).scalar_one()))
    return Earnings(submitted, approved, rejected, held, paid, lost, history, extra, gifts)
