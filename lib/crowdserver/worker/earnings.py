"""What a worker did and earned."""

from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from crowdserver.storage.account import dollars
from crowdserver.storage.schema import assignments, bonuses, hit_types, hits

_RECENT = 20


class Submission(NamedTuple):
    """A line of a worker's history; auto_approval_at: when it is approved unless somebody reviews it."""

    assignment_id: str
    hit_id: str
    title: str
    status: str
    reward: Decimal
    submitted_at: float
    feedback: str | None
    auto_approval_at: float


class Bonus(NamedTuple):
    """A bonus that a worker got for an assignment."""

    title: str
    amount: Decimal
    reason: str
    paid_at: float


class Earnings(NamedTuple):
    """What a worker did and earned; submitted means submitted and not reviewed yet.

    Amounts are what the worker gets, without fees. bonus_amount: all bonuses together; bonuses: the latest of
    them.
    """

    submitted: int
    approved: int
    rejected: int
    submitted_amount: Decimal
    approved_amount: Decimal
    rejected_amount: Decimal
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
        assignments.c.hit_id,
        hit_types.c.title,
        assignments.c.status,
        hit_types.c.reward,
        assignments.c.submitted_at,
        assignments.c.feedback,
        assignments.c.auto_approval_at,
    )
    .join_from(assignments, hits, assignments.c.hit_id == hits.c.id)
    .join(hit_types, hits.c.hit_type_id == hit_types.c.id)
    .where(assignments.c.worker_id == bindparam("worker"), assignments.c.submitted_at < bindparam("before"))
    .order_by(assignments.c.submitted_at.desc(), assignments.c.id)
    .limit(bindparam("most"))
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


def history(tx: Connection, worker_id: str, before: float, most: int) -> list[Submission]:
    """Return what a worker submitted before a moment, the newest first."""
    values = {"worker": worker_id, "before": before, "most": most}
    return [
        Submission._make(row)._replace(reward=dollars(row.reward)) for row in tx.execute(_HISTORY, values)
    ]


def earnings(tx: Connection, worker_id: str) -> Earnings:
    """Return what a worker did and earned, with the latest bonuses, the newest first."""
    values = {"worker": worker_id}
    sums = {row.status: (row.number, dollars(int(row.amount))) for row in tx.execute(_SUMS, values)}
    none = (0, dollars(0))
    submitted, submitted_amount = sums.get("Submitted", none)
    approved, approved_amount = sums.get("Approved", none)
    rejected, rejected_amount = sums.get("Rejected", none)
    return Earnings(
        submitted=submitted,
        approved=approved,
        rejected=rejected,
        submitted_amount=submitted_amount,
        approved_amount=approved_amount,
        rejected_amount=rejected_amount,
        bonus_amount=dollars(int(tx.execute(_BONUS_SUM, values).scalar_one())),
        bonuses=[
            Bonus(row.title, dollars(row.amount), row.reason, row.paid_at)
            for row in tx.execute(_BONUSES, values)
        ],
    )
