"""The HITs that a worker can still accept, by group: all HITs of one type, and one of them to preview."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, ScalarSelect, and_, bindparam, func, literal_column, select

from crowdserver.operations import blocks, eligibility
from crowdserver.protocol import question_xml
from crowdserver.protocol.identifiers import is_id
from crowdserver.protocol.question_xml import Question
from crowdserver.storage.account import dollars
from crowdserver.storage.indexes import IS_COUNTED, MAY_BE_OPEN
from crowdserver.storage.schema import AnyRow, assignments, hit_types, hits
from crowdserver.worker.refusals import BLOCKED, Refused, gone

# Nobody has to know how many more there are, and to count them would take time from those who work.
MOST_COUNTED = 1000
# How the list can be ordered beside by age, each as the site says it.
ORDERS = {"newest": "Newest first", "reward": "Highest reward first", "time": "Shortest time allowed first"}


class Group(NamedTuple):
    """The HITs of one type that a worker can still do. why_not: what keeps this worker from accepting one.

    to_ask_for: the ids and names of the qualifications that this worker lacks for it.
    hits_left: how many there are; MOST_COUNTED + 1 stands for more than that.
    """

    hit_type_id: str
    title: str
    description: str
    keywords: str | None
    reward: Decimal
    duration_seconds: int
    hits_left: int
    why_not: list[str]
    to_ask_for: tuple[tuple[str, str], ...] = ()

    @property
    def may_accept(self) -> bool:
        """Whether this worker may accept one of the HITs."""
        return not self.why_not

    @property
    def shown_left(self) -> str:
        """How many HITs are left, as the site says it."""
        return str(self.hits_left) if self.hits_left <= MOST_COUNTED else f"more than {MOST_COUNTED}"


class WorkerHit(NamedTuple):
    """A HIT as a worker sees it. why_not: what keeps this worker from accepting it."""

    hit_id: str
    hit_type_id: str
    title: str
    reward: Decimal
    duration_seconds: int
    question_xml: str
    why_not: list[str]
    to_ask_for: tuple[tuple[str, str], ...] = ()

    @property
    def may_accept(self) -> bool:
        """Whether this worker may accept the HIT."""
        return not self.why_not

    @property
    def question(self) -> Question:
        """The question, read anew at each use."""
        return question_xml.read(self.question_xml)


# Of the HITs from the oldest on, up to the first that the worker has not taken.
_UNTAKEN = (
    ~select(assignments.c.id)
    .where(assignments.c.hit_id == hits.c.id, assignments.c.worker_id == bindparam("worker"), IS_COUNTED)
    .exists()
)
IS_OPEN = and_(hits.c.disposed_at.is_(None), hits.c.expiration > bindparam("now"), hits.c.available > 0)
# The same of HITs that are looked for by their type: read from the index of those that may be open.
_OF_INDEX = and_(MAY_BE_OPEN, hits.c.expiration > bindparam("now"))

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
    SELECT.where(_OF_INDEX, _UNTAKEN, hits.c.hit_type_id == bindparam("type"))
    .order_by(hits.c.serial)
    .limit(1)
)

_OF_HIT = SELECT.where(hits.c.id == bindparam("hit"), hits.c.disposed_at.is_(None))


def _type_after(hit_type_id: ColumnElement[str]) -> ScalarSelect[str]:
    return (
        select(hits.c.hit_type_id)
        .where(MAY_BE_OPEN, hits.c.hit_type_id > hit_type_id)
        .order_by(hits.c.hit_type_id)
        .limit(literal_column("1"))
        .scalar_subquery()
    )


# The types that have open HITs, from one to the next: one look for each type, and none at its other HITs.
_TYPES = select(_type_after(literal_column("''")).label("id")).cte("open_types", recursive=True)
_TYPES = _TYPES.union_all(select(_type_after(_TYPES.c.id)).where(_TYPES.c.id.is_not(None)))
_OPEN_OF_TYPE = (
    select(hits.c.serial)
    .where(_OF_INDEX, _UNTAKEN, hits.c.hit_type_id == _TYPES.c.id)
    .order_by(hits.c.serial)
    .correlate(_TYPES)
)
_COUNT_OF_TYPE = select(func.count()).select_from(_OPEN_OF_TYPE.limit(bindparam("most")).subquery())
_COUNTS = select(
    _TYPES.c.id,
    _COUNT_OF_TYPE.scalar_subquery().label("hits_left"),
    _OPEN_OF_TYPE.limit(1).scalar_subquery().label("oldest"),
).subquery()
_GROUPS = (
    select(hit_types, _COUNTS.c.hits_left)
    .join(_COUNTS, _COUNTS.c.id == hit_types.c.id)
    .where(_COUNTS.c.oldest.is_not(None))
    .order_by(_COUNTS.c.oldest)
)

_BY_GROUP_ID = (
    select(hit_types.c.id)
    .join(_TYPES, _TYPES.c.id == hit_types.c.id)
    .where(hit_types.c.group_id == bindparam("group"))
)


def of_link(tx: Connection, link_id: str) -> str:
    """Return the HIT type of an id in a client's link: a HITGroupId, or the HIT type's own."""
    hit_type_id: str | None = tx.execute(_BY_GROUP_ID, {"group": link_id}).scalar()
    return hit_type_id or link_id


def available(tx: Connection, now: float, worker_id: str) -> list[Group]:
    """Return the groups that a worker can see, the longest available first. A blocked worker sees none."""
    if blocks.is_blocked(tx, worker_id):
        return []
    rows = tx.execute(_GROUPS, {"now": now, "worker": worker_id, "most": MOST_COUNTED + 1}).all()
    record = eligibility.read_record(tx, worker_id, [row.requirements for row in rows])
    return [
        _group(row, record) for row in rows if not eligibility.unmet(row.requirements, "discover", record)
    ]


def chosen(groups: Sequence[Group], words: str, order: str) -> list[Group]:
    """Return the groups that hold all of the words, in one of ORDERS or else as they are."""
    wanted = words.casefold().split()
    texts = [f"{group.title} {group.description} {group.keywords or ''}".casefold() for group in groups]
    found = [group for group, text in zip(groups, texts, strict=True) if all(word in text for word in wanted)]
    if order == "newest":
        return found[::-1]
    if order == "reward":
        return sorted(found, key=lambda group: -group.reward)
    return sorted(found, key=lambda group: group.duration_seconds) if order == "time" else found


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
    is_blocked = blocks.is_blocked(tx, worker_id)
    record = check_admitted(tx, row, "preview", worker_id, is_blocked=is_blocked)
    return as_worker_hit(row, record)


def check_preview(tx: Connection, worker_id: str, hit_id: str) -> None:
    """Check that a worker may look at a HIT. Refused: gone when it is disposed of, not_qualified, blocked."""
    row = tx.execute(_OF_HIT, {"hit": hit_id}).first()
    if row is None:
        raise gone()
    check_admitted(tx, row, "preview", worker_id, is_blocked=blocks.is_blocked(tx, worker_id))


def check_admitted(
    tx: Connection, row: AnyRow, action: str, worker_id: str, *, is_blocked: bool
) -> eligibility.Record:
    """Return the record of a worker whom nothing keeps from an action, "preview" or "accept".

    row: the HIT, as SELECT gives it. Refused: not_qualified, blocked.
    """
    if is_blocked:
        raise Refused("blocked", BLOCKED)
    record = eligibility.read_record(tx, worker_id, [row.requirements])
    reasons = eligibility.unmet(row.requirements, action, record)
    if reasons:
        raise Refused("not_qualified", f"You cannot take this task: {'; '.join(reasons)}.")
    return record


def as_worker_hit(row: AnyRow, record: eligibility.Record | None = None) -> WorkerHit:
    """Return a row, as SELECT gives it, as the site shows it. record: of who has not accepted it yet."""
    return WorkerHit(
        hit_id=row.id,
        hit_type_id=row.hit_type_id,
        title=row.title,
        reward=dollars(row.reward),
        duration_seconds=row.assignment_duration,
        question_xml=row.question,
        why_not=eligibility.unmet(row.requirements, "accept", record) if record else [],
        to_ask_for=eligibility.to_ask_for(row.requirements, record) if record else (),
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
        to_ask_for=eligibility.to_ask_for(row.requirements, record),
    )
