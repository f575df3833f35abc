"""The HITs that a worker can still accept, by group: all HITs of one type, and one of them to preview."""

from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, select

from crowdserver.operations import blocks, eligibility
from crowdserver.protocol import question_xml
from crowdserver.protocol.identifiers import is_id
from crowdserver.protocol.question_xml import Question
from crowdserver.storage.account import dollars
from crowdserver.storage.schema import IS_COUNTED, AnyRow, assignments, hit_types, hits
from crowdserver.worker.refusals import BLOCKED, Refused, gone


class Group(NamedTuple):
    """The HITs of one type that a worker can still do. why_not: what keeps this worker from accepting one."""

    hit_type_id: str
    title: str
    description: str
    keywords: str | None
    reward: Decimal
    duration_seconds: int
    hits_left: int
    why_not: list[str]

    @property
    def may_accept(self) -> bool:
        """Whether this worker may accept one of the HITs."""
        return not self.why_not


class WorkerHit(NamedTuple):
    """A HIT as a worker sees it. why_not: what keeps this worker from accepting it."""

    hit_id: str
    hit_type_id: str
    title: str
    reward: Decimal
    duration_seconds: int
    question_xml: str
    why_not: list[str]

    @property
    def may_accept(self) -> bool:
        """Whether this worker may accept the HIT."""
        return not self.why_not

    @property
    def question(self) -> Question:
        """The question, read anew at each use."""
        return question_xml.read(self.question_xml)


# Not a question about each HIT: what one worker has taken is read once, however many HITs there are.
_UNTAKEN = hits.c.id.not_in(
    select(assignments.c.hit_id).where(assignments.c.worker_id == bindparam("worker"), IS_COUNTED)
)
IS_OPEN = and_(hits.c.disposed_at.is_(None), hits.c.expiration > bindparam("now"), hits.c.available > 0)

SELECT = select(
    hits.c.id,
    hits.c.hit_type_id,
    hits.c.question,
    hit_types.c.title,
    hit_types.c.reward,
    hit_types.c.assignment_duration,
    hit_types.c.requirements,
).join_from(hits, hit_types, hits.c.hit_type_id == hit_types.c.id)
NEXT = (
    SELECT.where(IS_OPEN, _UNTAKEN, hits.c.hit_type_id == bindparam("type")).order_by(hits.c.serial).limit(1)
)

_OF_HIT = SELECT.where(hits.c.id == bindparam("hit"), hits.c.disposed_at.is_(None))

# The HITs are counted before their types are looked up: once for each type, and not for each HIT.
_COUNTS = (
    select(hits.c.hit_type_id, func.count().label("hits_left"), func.min(hits.c.serial).label("oldest"))
    .where(IS_OPEN, _UNTAKEN)
    .group_by(hits.c.hit_type_id)
    .subquery()
)
_GROUPS = (
    select(hit_types, _COUNTS.c.hits_left)
    .join(_COUNTS, _COUNTS.c.hit_type_id == hit_types.c.id)
    .order_by(_COUNTS.c.oldest)
)


def available(tx: Connection, now: float, worker_id: str) -> list[Group]:
    """Return the groups that a worker can see, the longest available first. A blocked worker sees none."""
    if blocks.is_blocked(tx, worker_id):
        return []
    rows = tx.execute(_GROUPS, {"now": now, "worker": worker_id}).all()
    record = eligibility.read_record(tx, worker_id, [row.requirements for row in rows])
    return [
        _group(row, record) for row in rows if not eligibility.unmet(row.requirements, "discover", record)
    ]


def preview(tx: Connection, now: float, worker_id: str | None, hit_type_id: str) -> WorkerHit:
    """Return the oldest HIT of a group that the worker has not done; the oldest of all without a worker.

    Refused: gone when there is none left, not_qualified, blocked.
    """
    if not is_id(hit_type_id):
        raise gone()
    worker_id = worker_id or ""
    row = tx.execute(NEXT, {"now": now, "worker": worker_id, "type": hit_type_id}).first()
    if row is None:
        raise gone()
    record = check_admitted(tx, row, "preview", worker_id)
    return as_worker_hit(row, eligibility.unmet(row.requirements, "accept", record))


def check_preview(tx: Connection, worker_id: str, hit_id: str) -> None:
    """Check that a worker may look at a HIT. Refused: gone when it is disposed of, not_qualified, blocked."""
    row = tx.execute(_OF_HIT, {"hit": hit_id}).first()
    if row is None:
        raise gone()
    check_admitted(tx, row, "preview", worker_id)


def check_admitted(tx: Connection, row: AnyRow, action: str, worker_id: str) -> eligibility.Record:
    """Return the record of a worker whom nothing keeps from an action, "preview" or "accept".

    row: the HIT, as SELECT gives it. Refused: not_qualified, blocked.
    """
    if blocks.is_blocked(tx, worker_id):
        raise Refused("blocked", BLOCKED)
    record = eligibility.read_record(tx, worker_id, [row.requirements])
    reasons = eligibility.unmet(row.requirements, action, record)
    if reasons:
        raise Refused("not_qualified", f"You cannot take this task: {'; '.join(reasons)}.")
    return record


def as_worker_hit(row: AnyRow, why_not: list[str]) -> WorkerHit:
    """Return a row, as SELECT gives it, in the form that the site shows."""
    return WorkerHit(
        hit_id=row.id,
        hit_type_id=row.hit_type_id,
        title=row.title,
        reward=dollars(row.reward),
        duration_seconds=row.assignment_duration,
        question_xml=row.question,
        why_not=why_not,
    )


def _group(row: AnyRow, record: eligibility.Record) -> Group:
    return Group(
        hit_type_id=row.id,
        title=row.title,
        description=row.description,
        keywords=row.keywords,
        reward=dollars(row.reward),
        duration_seconds=row.assignment_duration,
        hits_left=row.hits_left,
        why_not=eligibility.unmet(row.requirements, "accept", record),
    )
