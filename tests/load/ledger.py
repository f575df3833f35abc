"""What must be true of a crowd server's database, and of what its API tells, after any load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, case, func, select

from crowdserver.storage import schema
from crowdserver.storage.indexes import IS_COUNTED
from crowdserver.storage.schema import assignments, hit_types, hits
from crowdserver.worker.assignments import MOST_ACCEPTED
from tests.load.workers import Work
from tests.support.crowds import Crowd
from tests.support.offers import fields


def broken_rules(crowd: Crowd) -> list[str]:
    """Return what the database says that cannot be true, in words; nothing if all is well."""
    with crowd.opened.reading() as (tx, _):
        return [*_wrong_counters(tx), *_worked_twice(tx), *_full_hands(tx), *_wrong_money(tx)]


def missing(crowd: Crowd, work: Work) -> list[str]:
    """Return what the site has thanked for and is not there, in the database or in what the API tells.

    Nor may there be others, or any of them twice, or with another answer than what was sent.
    """
    with crowd.database.read() as tx:
        stored = set(
            tx.execute(select(assignments.c.id).where(assignments.c.status == "Submitted")).scalars()
        )
    told = list(_told(crowd.client()))
    names = Counter(assignment["AssignmentId"] for assignment in told)
    answers = {assignment["AssignmentId"]: dict(fields(assignment["Answer"])) for assignment in told}
    lacking = [f"{name} is not in the database" for name in work.thanked - stored]
    lacking += [f"{name} is not told by the API" for name in (work.thanked | stored) - set(names)]
    lacking += [f"{name} is told {count} times" for name, count in names.items() if count > 1]
    lacking += [f"nobody submitted {name}" for name in stored - set(work.answers)]
    return lacking + [
        f"{name} has another answer"
        for name, answer in answers.items()
        if answer != {"label": work.answers.get(name)}
    ]


def _told(client: Any) -> Iterator[dict[str, Any]]:
    """Yield the assignments that the API lists, of all HITs that it lists."""
    listing = client.get_paginator("list_hits").paginate(PaginationConfig={"PageSize": 100})
    for hit in (hit for page in listing for hit in page["HITs"]):
        pages = client.get_paginator("list_assignments_for_hit").paginate(HITId=hit["HITId"])
        yield from (assignment for page in pages for assignment in page["Assignments"])


def _wrong_counters(tx: Connection) -> Iterator[str]:
    def number(*statuses: str) -> Any:
        return func.count(case((assignments.c.status.in_(statuses), 1)))

    rows = tx.execute(
        select(
            hits.c.id,
            hits.c.max_assignments,
            hits.c.available,
            hits.c.pending,
            hits.c.submitted,
            hits.c.completed,
            number("Accepted").label("accepted_rows"),
            number("Submitted").label("submitted_rows"),
            number("Approved", "Rejected").label("reviewed_rows"),
        )
        .join_from(hits, assignments, assignments.c.hit_id == hits.c.id, isouter=True)
        .group_by(hits.c.serial)
    )
    for row in rows:
        counted = (row.accepted_rows, row.submitted_rows, row.reviewed_rows)
        if (row.pending, row.submitted, row.completed) != counted:
            yield f"the counters of {row.id} are not its rows: {row}"
        if row.available != row.max_assignments - sum(counted) or row.available < 0:
            yield f"{row.id} has {row.available} left of {row.max_assignments}: {row}"


def _worked_twice(tx: Connection) -> Iterator[str]:
    pair = (assignments.c.hit_id, assignments.c.worker_id)
    rows = tx.execute(select(*pair).where(IS_COUNTED).group_by(*pair).having(func.count() > 1))
    yield from (f"{row.worker_id} has {row.hit_id} twice" for row in rows)


def _full_hands(tx: Connection) -> Iterator[str]:
    held = func.count().label("held")
    of_worker = (
        select(assignments.c.worker_id, held)
        .where(assignments.c.status == "Accepted")
        .group_by(assignments.c.worker_id)
        .having(held > MOST_ACCEPTED)
    )
    yield from (f"{row.worker_id} holds {row.held} assignments" for row in tx.execute(of_worker))


def _wrong_money(tx: Connection) -> Iterator[str]:
    """What is held must cover all that can still be paid for: nothing more, where nothing has expired."""
    can_be_paid = (
        hits.c.pending + hits.c.submitted + case((hits.c.release_at.is_(None), 0), else_=hits.c.available)
    )
    cost = func.sum(can_be_paid * (hit_types.c.reward + hits.c.fee))
    due = tx.scalar(select(cost).join_from(hits, hit_types, hits.c.hit_type_id == hit_types.c.id)) or 0
    held = tx.execute(select(schema.account.c.held)).scalar_one()
    if held != due:
        yield f"{held} cents are held, and should be {due}"
