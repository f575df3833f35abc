"""The work on offer, as a worker finds it: by HIT type, and one HIT of a type to look at."""

from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, select

from crowdserver.operations import blocks, eligibility
from crowdserver.protocol.identifiers import is_id
from crowdserver.protocol.question_xml import Question, read
from crowdserver.storage.account import dollars
from crowdserver.storage.schema import AnyRow, assignments, hit_types, hits

# What a blocked worker reads. The requester's reason is not meant for the worker.
BLOCKED = (
    "The requester does not offer you new work any more. What you have in hand you can still submit or return, and"
    " what you have earned stays yours."
)


class Refused(Exception):
    """Something that a worker may not do.

    code: unknown, gone, not_qualified, blocked, already_done, in_progress, preview, late, not_yours, over, or empty.
    The message is a sentence that the worker can act on.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class WorkGroup(NamedTuple):
    """The HITs of one type that a worker can still do."""

    hit_type_id: str
    title: str
    description: str
    keywords: str | None
    reward: Decimal
    duration_seconds: int
    hits_left: int
    may_accept: bool
    why_not: list[str]


class HitPage(NamedTuple):
    """A HIT as a worker sees it. may_accept and why_not are about the worker it was asked for."""

    hit_id: str
    hit_type_id: str
    title: str
    description: str
    keywords: str | None
    reward: Decimal
    duration_seconds: int
    question_xml: str
    may_accept: bool
    why_not: list[str]

    @property
    def question(self) -> Question:
        """The question, read anew at each use."""
        return read(self.question_xml)


# Not a question about each HIT: what one worker has taken is read once, however many HITs there are.
_UNTAKEN = hits.c.id.not_in(
    select(assignments.c.hit_id).where(
        assignments.c.worker_id == bindparam("worker"),
        assignments.c.status.not_in(["Returned", "Abandoned"]),
    )
)
OPEN = and_(hits.c.disposed_at.is_(None), hits.c.expiration > bindparam("now"), hits.c.available > 0)

SELECT = select(
    hits.c.id,
    hits.c.hit_type_id,
    hits.c.question,
    hit_types.c.title,
    hit_types.c.description,
    hit_types.c.keywords,
    hit_types.c.reward,
    hit_types.c.assignment_duration,
    hit_types.c.requirements,
).join_from(hits, hit_types, hits.c.hit_type_id == hit_types.c.id)
NEXT = SELECT.where(OPEN, _UNTAKEN, hits.c.hit_type_id == bindparam("type")).order_by(hits.c.serial).limit(1)

_GROUPS = (
    select(hit_types, func.count().label("hits_left"))
    .join_from(hits, hit_types, hits.c.hit_type_id == hit_types.c.id)
    .where(OPEN, _UNTAKEN)
    .group_by(hit_types.c.id)
    .order_by(func.min(hits.c.serial))
)


def available(tx: Connection, now: float, worker_id: str) -> list[WorkGroup]:
    """List the work that a worker can see, by HIT type, the longest offered first. A blocked worker sees none."""
    if blocks.is_blocked(tx, worker_id):
        return []
    rows = tx.execute(_GROUPS, {"now": now, "worker": worker_id}).all()
    worker = eligibility.record(tx, worker_id, [row.requirements for row in rows])
    return [
        _group(row, worker) for row in rows if not eligibility.unmet(row.requirements, "discover", worker)
    ]


def preview(tx: Connection, now: float, worker_id: str | None, hit_type_id: str) -> HitPage:
    """Show one HIT of a group that the worker has not done; any of the group without a worker.

    Refused: gone when there is none left, not_qualified, blocked.
    """
    if not is_id(hit_type_id):
        raise gone()
    row = tx.execute(NEXT, {"now": now, "worker": worker_id or "", "type": hit_type_id}).first()
    if row is None:
        raise gone()
    worker = admitted(tx, row, "preview", worker_id or "")
    return page(row, eligibility.unmet(row.requirements, "accept", worker))


def admitted(tx: Connection, row: AnyRow, action: str, worker_id: str) -> eligibility.Record:
    """The record of a worker whom nothing keeps from an action: "preview" or "accept". row: as SELECT gives it.

    Refused: not_qualified, blocked.
    """
    if blocks.is_blocked(tx, worker_id):
        raise Refused("blocked", BLOCKED)
    worker = eligibility.record(tx, worker_id, [row.requirements])
    reasons = eligibility.unmet(row.requirements, action, worker)
    if reasons:
        raise Refused("not_qualified", f"You cannot take this task: {'; '.join(reasons)}.")
    return worker


def gone() -> Refused:
    """The refusal of work that is not on offer any more."""
    return Refused("gone", "This work is no longer available.")


def page(row: AnyRow, why_not: list[str]) -> HitPage:
    """Make the page of a HIT. row: as SELECT gives it."""
    return HitPage(
        row.id,
        row.hit_type_id,
        row.title,
        row.description,
        row.keywords,
        dollars(row.reward),
        row.assignment_duration,
        row.question,
        may_accept=not why_not,
        why_not=why_not,
    )


def _group(row: AnyRow, worker: eligibility.Record) -> WorkGroup:
    why_not = eligibility.unmet(row.requirements, "accept", worker)
    return WorkGroup(
        row.id,
        row.title,
        row.description,
        row.keywords,
        dollars(row.reward),
        row.assignment_duration,
        row.hits_left,
        may_accept=not why_not,
        why_not=why_not,
    )
