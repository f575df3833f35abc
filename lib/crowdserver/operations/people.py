"""The crowd's people as the requester sees them: who they are, what they did, what they are owed."""

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, select

from crowdserver.operations import attributes
from crowdserver.protocol.call import InvalidRequest
from crowdserver.storage.account import dollars
from crowdserver.storage.people_tables import consents, links, sessions, visits, workers
from crowdserver.storage.schema import AnyRow, assignments, bonuses, hit_types, hits

PAGE_SIZE = 1000


def _in_period(moment: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(moment >= bindparam("since"), moment < bindparam("until"))


_IS_EARNED = and_(assignments.c.status == "Approved", _in_period(assignments.c.approved_at))
_BONUSES = select(func.coalesce(func.sum(bonuses.c.amount), 0)).where(
    bonuses.c.worker_id == workers.c.id, _in_period(bonuses.c.paid_at)
)
_SIGNED_IN = select(func.max(sessions.c.begun_at)).where(sessions.c.worker_id == workers.c.id)
_AGREED = select(func.max(consents.c.agreed_at)).where(consents.c.worker_id == workers.c.id)
_TOLD = (
    select(visits.c.parameters)
    .where(visits.c.worker_id == workers.c.id)
    .order_by(visits.c.begun_at.desc())
    .limit(1)
)
_PAGE = (
    select(
        workers.c.id,
        workers.c.name,
        links.c.removed_at,
        func.max(assignments.c.accepted_at),
        func.max(assignments.c.submitted_at),
        _SIGNED_IN.scalar_subquery(),
        *(workers.c[name] for name in attributes.NAMES),
        _TOLD.scalar_subquery().label("told"),
        _AGREED.scalar_subquery().label("agreed_at"),
        func.count(assignments.c.submitted_at).label("done"),
        func.count(case((assignments.c.status == "Accepted", 1))).label("in_hand"),
        func.count(case((_IS_EARNED, 1))).label("approved"),
        func.coalesce(func.sum(case((_IS_EARNED, hit_types.c.reward))), 0).label("rewards"),
        _BONUSES.scalar_subquery().label("bonuses"),
    )
    .outerjoin_from(workers, links, links.c.worker_id == workers.c.id)
    .outerjoin(assignments, assignments.c.worker_id == workers.c.id)
    .outerjoin(hits, hits.c.id == assignments.c.hit_id)
    .outerjoin(hit_types, hit_types.c.id == hits.c.hit_type_id)
    .where(workers.c.id > bindparam("after"))
    .group_by(workers.c.id, links.c.removed_at)
    .order_by(workers.c.id)
    .limit(PAGE_SIZE)
)


def list_workers(tx: Connection, _now: float, body: object) -> dict[str, Any]:
    """Return a page of the workers, each with what was earned in a period: approved rewards, and bonuses.

    `body`: since and until in seconds since the epoch, the latter not included; after, a worker id. `next` in
    the answer: the id to go on after, None at the end. Raises InvalidRequest.
    """
    match body:
        case {"since": float(since), "until": float(until), "after": str(after)} if f"A{after}".isalnum():
            rows = tx.execute(_PAGE, {"since": since, "until": until, "after": after}).all()
        case _:
            raise InvalidRequest("Send a JSON object: since and until, two floats, and after, a worker id.")
    return {"workers": list(map(_member, rows)), "next": rows[-1].id if len(rows) == PAGE_SIZE else None}


def _member(row: AnyRow) -> dict[str, Any]:
    moments = [moment for moment in row[3:6] if moment is not None]
    return {
        "worker_id": row.id,
        "name": row.name,
        **{name: getattr(row, name) for name in attributes.NAMES},
        "removed_at": row.removed_at,
        "agreed_at": row.agreed_at,
        "panel": json.loads(row.told) if row.told else None,
        "last_seen": max(moments, default=None),
        "done": row.done,
        "in_hand": row.in_hand,
        "approved": row.approved,
        "rewards": str(dollars(int(row.rewards))),
        "bonuses": str(dollars(int(row.bonuses))),
    }
