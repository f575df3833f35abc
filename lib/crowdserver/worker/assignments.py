"""A worker's assignments: accepted, returned, submitted. The worker site shows this; the API never sees it.

Every function takes an open transaction and the server's time, as Crowd.reading() and Crowd.write() give
them; those that change something need one for writing. What a worker may not do raises Refused.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, insert, select

from crowdserver.operations import blocks
from crowdserver.operations.workers import PANEL_PREFIX, lock
from crowdserver.protocol import answer_xml, question_form, question_xml
from crowdserver.protocol.identifiers import is_id, new_id
from crowdserver.storage import counters
from crowdserver.storage.indexes import IS_COUNTED
from crowdserver.storage.schema import UPDATE_ASSIGNMENT, AnyRow, assignments, hit_types, hits
from crowdserver.storage.transactions import Contended
from crowdserver.worker import groups
from crowdserver.worker.groups import WorkerHit
from crowdserver.worker.refusals import Refused, gone, unknown
from crowdserver.worker.shares import IS_OF_SHARE, Share

PREVIEW_ID = "ASSIGNMENT_ID_NOT_AVAILABLE"
# Of one worker at a time, as at Amazon's: nobody can keep all of a run from the others.
MOST_ACCEPTED = 25


class Assignment(NamedTuple):
    """One worker's share of a HIT. Times are seconds since the epoch on the server's clock."""

    assignment_id: str
    worker_id: str
    accepted_at: float
    deadline: float
    hit: WorkerHit


_ASSIGNMENT = groups.SELECT.add_columns(
    assignments.c.id.label("assignment_id"),
    assignments.c.worker_id,
    assignments.c.status,
    assignments.c.accepted_at,
    assignments.c.deadline,
    hit_types.c.auto_approval_delay,
).join(assignments, assignments.c.hit_id == hits.c.id)

_NEXT_UNLOCKED = groups.NEXT.with_for_update(of=hits, skip_locked=True)
_NEXT = groups.NEXT.with_for_update(of=hits)
_OF_TYPE = [_NEXT_UNLOCKED, _NEXT, groups.NEXT]
_OF_SHARE = [statement.where(IS_OF_SHARE) for statement in _OF_TYPE]
_HIT = groups.SELECT.where(hits.c.id == bindparam("hit"), groups.IS_OPEN).with_for_update(of=hits)
_BY_ID = _ASSIGNMENT.where(assignments.c.id == bindparam("assignment"))
# The HIT first, as everybody does who changes an assignment. Both, so that PostgreSQL reads what they are
# once it has them, and not what they were when it began to wait.
_LOCKED_BY_ID = _BY_ID.with_for_update(of=[hits, assignments])
_IS_IN_HAND = and_(
    assignments.c.worker_id == bindparam("worker"),
    assignments.c.status == "Accepted",
    assignments.c.deadline >= bindparam("now"),
)
_IN_PROGRESS = _ASSIGNMENT.where(_IS_IN_HAND).order_by(assignments.c.deadline)
_ACCEPTED_COUNT = select(func.count()).where(_IS_IN_HAND)
_OF_WORKER = select(assignments.c.status).where(
    assignments.c.hit_id == bindparam("hit"),
    assignments.c.worker_id == bindparam("worker"),
    IS_COUNTED,
)
_STANDING = select(
    _OF_WORKER.scalar_subquery().label("earlier"),
    _ACCEPTED_COUNT.scalar_subquery().label("accepted"),
    blocks.IS_BLOCKED.label("is_blocked"),
)
_IN_PROGRESS_OF_SHARE = _IN_PROGRESS.where(IS_OF_SHARE)

_INSERT = insert(assignments)
_RETURN = UPDATE_ASSIGNMENT.values(status="Returned", due_at=None)
_SUBMIT = UPDATE_ASSIGNMENT.values(
    status="Submitted",
    answer=bindparam("xml"),
    submitted_at=bindparam("moment"),
    auto_approval_at=bindparam("approval"),
    due_at=bindparam("approval"),
)


def accept_next(
    tx: Connection, now: float, worker_id: str, hit_type_id: str, share: Share | None = None
) -> Assignment:
    """Accept the oldest HIT of a group, or of a share of it, that the worker has not done.

    Each call takes another one. Needs a transaction that holds no other HIT. Refused: gone when there is none
    left, not_qualified, blocked, hands_full. Contended: another worker was faster, and there are others left.
    """
    if not is_id(hit_type_id):
        raise gone()
    values = {"now": now, "worker": worker_id, "type": hit_type_id, **(share.values if share else {})}
    statements = _OF_SHARE if share else _OF_TYPE
    # A HIT that no other worker is accepting at this moment, or else what is left when they are through.
    row = tx.execute(statements[0], values).first() or tx.execute(statements[1], values).first()
    if row is not None and not (standing := _standing(tx, now, worker_id, row.id)).earlier:
        return _accept(tx, now, worker_id, row, standing, share)
    # The one HIT that was waited for may be gone while others are left. It is locked all the same, and nobody
    # may wait for one HIT while holding another.
    if tx.execute(statements[2], values).first() is None:
        raise gone()
    raise Contended


def accept(tx: Connection, now: float, worker_id: str, hit_id: str) -> Assignment:
    """Accept a HIT.

    Refused: gone, not_qualified, blocked, hands_full, in_progress when the worker has accepted it,
    already_done.
    """
    if not is_id(hit_id):
        raise gone()
    row = tx.execute(_HIT, {"now": now, "hit": hit_id}).first()
    standing = _standing(tx, now, worker_id, hit_id)
    if standing.earlier == "Accepted":
        raise Refused("in_progress", "You are working on this task already.")
    if standing.earlier:
        raise Refused("already_done", "You have done this task already; each worker does it once.")
    if row is None:
        raise gone()
    return _accept(tx, now, worker_id, row, standing, None)


def give_back(tx: Connection, now: float, worker_id: str, assignment_id: str) -> None:
    """Return an accepted assignment, for another worker or for the same one later.

    Refused: unknown, not_yours, late, over when it is submitted or returned already.
    """
    row = _lock_accepted(tx, now, worker_id, assignment_id)
    tx.execute(_RETURN, {"assignment": assignment_id})
    tx.execute(counters.GIVEN_BACK, {"hit": row.id})


def submit(
    tx: Connection, now: float, assignment_id: str, worker_id: str | None, fields: Sequence[tuple[str, str]]
) -> None:
    """Submit an assignment with the fields of its form, in their order.

    worker_id: who submits, if the form says so; without it the assignment's id is proof enough.
    Refused: preview, unknown, not_yours, late, over, and empty when there is no field but the reserved ones.
    NotAnswered: the answers are none that the question's form allows.
    """
    row = _lock_accepted(tx, now, worker_id, assignment_id)
    question = question_xml.read(row.question)
    if question.form is not None:
        xml = answer_xml.write_form(question_form.answers(question.form, fields))
    else:
        xml = answer_xml.write(fields) or ""
    if not xml:
        raise Refused("empty", "The page sent no answer. Go back, fill in the form and submit it again.")
    approval = now + row.auto_approval_delay
    tx.execute(_SUBMIT, {"assignment": assignment_id, "xml": xml, "moment": now, "approval": approval})
    tx.execute(counters.SUBMITTED, {"hit": row.id})


def check_submittable(tx: Connection, now: float, assignment_ids: Sequence[str]) -> None:
    """Return if one of these can be submitted. Refused as submit() does it for the first, if none can."""
    refusals = [_refusal(tx, now, assignment_id) for assignment_id in assignment_ids]
    if refusals[0] and None not in refusals:
        raise refusals[0]


def assignment(tx: Connection, now: float, worker_id: str, assignment_id: str) -> Assignment:
    """Return an assignment that the worker has accepted and not submitted yet.

    Refused: unknown, not_yours, late, over.
    """
    if not is_id(assignment_id):
        raise unknown()
    return _assignment(_check_accepted(_by_id(tx, assignment_id), now, worker_id))


def in_progress(tx: Connection, now: float, worker_id: str, share: Share | None = None) -> list[Assignment]:
    """Return what a worker has accepted, of all or of a share, and not submitted, the most urgent first."""
    values = {"worker": worker_id, "now": now, **(share.values if share else {})}
    rows = tx.execute(_IN_PROGRESS_OF_SHARE if share else _IN_PROGRESS, values)
    return [_assignment(row) for row in rows]


def _accept(
    tx: Connection, now: float, worker_id: str, row: AnyRow, standing: AnyRow, share: Share | None
) -> Assignment:
    if share is None and worker_id.startswith(PANEL_PREFIX):
        raise Refused("blocked", "You came for the tasks of your panel; this is none of them.")
    groups.check_admitted(tx, row, "accept", worker_id, is_blocked=standing.is_blocked)
    if standing.accepted >= MOST_ACCEPTED:
        raise Refused(
            "hands_full", f"You have {MOST_ACCEPTED} tasks open. Submit or return one of them first."
        )
    assignment_id = new_id()
    deadline = min(now + row.assignment_duration, share.ends_at if share else float("inf"))
    tx.execute(
        _INSERT,
        {
            "id": assignment_id,
            "hit_id": row.id,
            "worker_id": worker_id,
            "status": "Accepted",
            "accepted_at": now,
            "deadline": deadline,
            "due_at": deadline,
        },
    )
    tx.execute(counters.ACCEPTED, {"hit": row.id})
    return Assignment(assignment_id, worker_id, now, deadline, groups.as_worker_hit(row))


def _standing(tx: Connection, now: float, worker_id: str, hit_id: str) -> AnyRow:
    lock(tx, worker_id)
    # Asked after HIT and worker are locked: on PostgreSQL only a new statement sees what was committed during
    # the wait.
    return tx.execute(_STANDING, {"now": now, "worker": worker_id, "hit": hit_id}).one()


def _refusal(tx: Connection, now: float, assignment_id: str) -> Refused | None:
    """Return why nobody can submit an assignment, or None if somebody can."""
    try:
        _check_id(assignment_id)
        _check_accepted(_by_id(tx, assignment_id), now, None)
    except Refused as refusal:
        return refusal
    return None


def _check_id(assignment_id: str) -> None:
    if assignment_id == PREVIEW_ID:
        raise Refused("preview", "This was only a preview and nothing was sent. Accept the task first.")
    if not is_id(assignment_id):
        raise unknown()


def _lock_accepted(tx: Connection, now: float, worker_id: str | None, assignment_id: str) -> AnyRow:
    _check_id(assignment_id)
    row = tx.execute(_LOCKED_BY_ID, {"assignment": assignment_id}).first()
    return _check_accepted(row, now, worker_id)


def _by_id(tx: Connection, assignment_id: str) -> AnyRow | None:
    return tx.execute(_BY_ID, {"assignment": assignment_id}).first()


def _check_accepted(row: AnyRow | None, now: float, worker_id: str | None) -> AnyRow:
    if row is None:
        raise unknown()
    if worker_id is not None and worker_id != row.worker_id:
        raise Refused("not_yours", "This assignment belongs to another worker.")
    if row.status == "Abandoned" or (row.status == "Accepted" and row.deadline < now):
        raise Refused("late", "The time for this assignment is over; it went back to the other workers.")
    if row.status == "Returned":
        raise Refused("over", "You have returned this assignment.")
    if row.status != "Accepted":
        raise Refused("over", "You have submitted this assignment already.")
    return row


def _assignment(row: AnyRow) -> Assignment:
    return Assignment(
        assignment_id=row.assignment_id,
        worker_id=row.worker_id,
        accepted_at=row.accepted_at,
        deadline=row.deadline,
        hit=groups.as_worker_hit(row),
    )
