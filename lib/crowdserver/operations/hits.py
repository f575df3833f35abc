"""HITs: reading and locking them, their status, and how the API shows them."""

from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, FromClause, Select, bindparam, func, or_, select

from crowdserver.operations import eligibility
from crowdserver.protocol import errors
from crowdserver.protocol.call import Call
from crowdserver.storage.account import dollars
from crowdserver.storage.schema import AnyRow, assignments, hit_types, hits


class Status(StrEnum):
    """HITStatus, in the API's words."""

    ASSIGNABLE = "Assignable"
    UNASSIGNABLE = "Unassignable"
    REVIEWABLE = "Reviewable"
    REVIEWING = "Reviewing"
    DISPOSED = "Disposed"


class Hit(NamedTuple):
    """A HIT with its type; its fields are the columns of the two tables.

    available, pending, submitted and completed add up to max_assignments; submitted means not reviewed yet.
    """

    serial: int
    id: str
    hit_type_id: str
    created_at: float
    expiration: float
    question: str
    annotation: str | None
    fee: int
    max_assignments: int
    available: int
    pending: int
    submitted: int
    completed: int
    reviewing: bool
    release_at: float | None
    disposed_at: float | None
    group_id: str
    title: str
    description: str
    keywords: str | None
    reward: int
    assignment_duration: int
    auto_approval_delay: int
    requirements: str

    @property
    def cost(self) -> int:
        """What one assignment costs, with its fee, in cents."""
        return self.reward + self.fee

    def status(self, now: float) -> Status:
        """Return the HIT's status at a moment.

        The counters alone never tell it: an expired HIT keeps its available assignments.
        """
        if self.disposed_at is not None:
            return Status.DISPOSED
        if self.expiration > now and self.available > 0:
            return Status.ASSIGNABLE
        if self.pending > 0:
            return Status.UNASSIGNABLE
        return Status.REVIEWING if self.reviewing else Status.REVIEWABLE

    def as_json(self, now: float, uncounted: int = 0) -> dict[str, Any]:
        """Return the HIT as the API shows it. uncounted: how many reviewed assignments it leaves out."""
        members: dict[str, Any] = {
            "HITId": self.id,
            "HITTypeId": self.hit_type_id,
            "HITGroupId": self.group_id,
            "CreationTime": self.created_at,
            "Title": self.title,
            "Description": self.description,
            "Question": self.question,
            "HITStatus": self.status(now),
            "MaxAssignments": self.max_assignments,
            "Reward": str(dollars(self.reward)),
            "AutoApprovalDelayInSeconds": self.auto_approval_delay,
            "Expiration": self.expiration,
            "AssignmentDurationInSeconds": self.assignment_duration,
            "QualificationRequirements": eligibility.parsed(self.requirements),
            # Amazon shows this word whatever has been reviewed.
            "HITReviewStatus": "NotReviewed",
            "NumberOfAssignmentsPending": self.pending,
            "NumberOfAssignmentsAvailable": self.available,
            "NumberOfAssignmentsCompleted": self.completed - uncounted,
        }
        if self.keywords is not None:
            members["Keywords"] = self.keywords
        if self.annotation is not None:
            members["RequesterAnnotation"] = self.annotation
        return members


# The fields that its type has, too.
OF_TYPE = Hit._fields[Hit._fields.index("group_id") :]


def select_from(source: FromClause) -> Select[Any]:
    """Return the statement that reads HITs with their types from rows of the table, or of a subquery."""
    columns = (hit_types.c[field] if field in OF_TYPE else source.c[field] for field in Hit._fields)
    return select(*columns).join_from(source, hit_types, source.c.hit_type_id == hit_types.c.id)


SELECT = select_from(hits)
_BY_ID = SELECT.where(hits.c.id == bindparam("id"))
_LOCKED = _BY_ID.with_for_update(of=hits)
_LOCK_ALONE = select(hits.c.id).where(hits.c.id == bindparam("id")).with_for_update()
_LOCKED_OF_ASSIGNMENT = (
    SELECT.join(assignments, assignments.c.hit_id == hits.c.id)
    .where(assignments.c.id == bindparam("assignment"))
    .with_for_update(of=hits)
)
_REVIEWED_SINCE = (
    select(assignments.c.hit_id, func.count().label("number"))
    .where(
        assignments.c.hit_id.in_(bindparam("hits", expanding=True)),
        or_(assignments.c.approved_at > bindparam("moment"), assignments.c.rejected_at > bindparam("moment")),
    )
    .group_by(assignments.c.hit_id)
)


def find(tx: Connection, hit_id: str, with_disposed: bool = False) -> Hit:
    """Return a HIT. with_disposed: disposed HITs exist, too. Raises HITDoesNotExist."""
    return _existing(hit_id, tx.execute(_BY_ID, {"id": hit_id}).first(), with_disposed)


def lock(tx: Connection, hit_id: str, with_disposed: bool = False) -> Hit:
    """Return a HIT that is to be changed, and keep others from it until the transaction ends.

    with_disposed: disposed HITs exist, too. Raises HITDoesNotExist.
    """
    row = tx.execute(_LOCKED, {"id": hit_id}).first()
    if row is None:
        # On PostgreSQL a HIT that got another type while it was waited for drops out of the join.
        tx.execute(_LOCK_ALONE, {"id": hit_id})
        row = tx.execute(_LOCKED, {"id": hit_id}).first()
    return _existing(hit_id, row, with_disposed)


def lock_of_assignment(tx: Connection, assignment_id: str) -> Hit | None:
    """Return the HIT of an assignment that is to be changed, locked as lock() does it; None without one."""
    row = tx.execute(_LOCKED_OF_ASSIGNMENT, {"assignment": assignment_id}).first()
    return None if row is None else Hit._make(row)


def get(call: Call) -> dict[str, Any]:
    """Answer GetHIT."""
    return {"HIT": as_json(call, [find(call.tx, call.input["HITId"])])[0]}


def as_json(call: Call, hit_list: list[Hit]) -> list[dict[str, Any]]:
    """Return HITs as the API shows them, with counters as late as the control API wants them."""
    uncounted: dict[str, int] = {}
    if call.counter_lag:
        since = {"hits": [hit.id for hit in hit_list], "moment": call.now - call.counter_lag}
        uncounted = {row.hit_id: row.number for row in call.tx.execute(_REVIEWED_SINCE, since)}
    return [hit.as_json(call.now, uncounted.get(hit.id, 0)) for hit in hit_list]


def _existing(hit_id: str, row: AnyRow | None, with_disposed: bool) -> Hit:
    if row is None or (row.disposed_at is not None and not with_disposed):
        raise errors.does_not_exist("HIT", hit_id)
    return Hit._make(row)
