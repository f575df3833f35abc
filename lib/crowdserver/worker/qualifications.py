"""How a worker asks for a qualification: gets it at once, takes a test, or waits for the requester."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from crowdserver.operations import grants, qualification_types, workers
from crowdserver.operations.qualification_types import QualificationType
from crowdserver.protocol import answer_key, answer_xml, question_form
from crowdserver.protocol.errors import ApiError
from crowdserver.protocol.identifiers import is_id, new_id
from crowdserver.storage.qualification_tables import qualification_requests as requests
from crowdserver.storage.schema import AnyRow
from crowdserver.worker.refusals import Refused

_LATEST = (
    select(requests)
    .where(requests.c.worker_id == bindparam("worker"), requests.c.type_id == bindparam("type"))
    .order_by(requests.c.serial.desc())
    .limit(1)
)
_INSERT = insert(requests)
# A test whose time is over.
_END = (
    update(requests)
    .where(
        requests.c.worker_id == bindparam("worker"),
        requests.c.type_id == bindparam("type"),
        requests.c.status == "Testing",
    )
    .values(status="Rejected")
)
_UPDATE = update(requests).where(requests.c.id == bindparam("request"))


class Standing(NamedTuple):
    """How a worker stands with a qualification. value: None without it.

    deadline, test: of the test that the worker is taking. is_waiting: the requester is to decide. asks_at:
    from when on the worker may ask, None for never again.
    """

    kind: QualificationType
    value: int | None
    deadline: float | None
    test: str | None
    is_waiting: bool
    asks_at: float | None


def standing(tx: Connection, now: float, worker_id: str, type_id: str) -> Standing:
    """Return how a worker stands with a qualification. Refused: unknown."""
    kind = _find(tx, type_id)
    row = tx.execute(_LATEST, {"worker": worker_id, "type": type_id}).first()
    grant = grants.of_worker(tx, type_id, worker_id)
    value = grant.value if grant and grant.revoked_at is None else None
    deadline = None
    if row and row.status == "Testing":
        deadline = row.ends_at or row.begun_at + (kind.test_duration or 0)
    is_testing = deadline is not None and deadline > now
    return Standing(
        kind=kind,
        value=value,
        deadline=deadline if is_testing else None,
        test=row.test if row and is_testing else None,
        is_waiting=row is not None and row.status == "Submitted",
        asks_at=_asks_at(kind, row, value),
    )


def ask(tx: Connection, now: float, worker_id: str, type_id: str) -> None:
    """Ask for a qualification; where it has a test, begin it. Safe to repeat. Refused: unknown, not_now."""
    workers.lock(tx, worker_id)
    here = standing(tx, now, worker_id, type_id)
    has_it = here.value is not None and not here.kind.test
    if has_it or here.is_waiting or here.deadline is not None:
        return
    if here.asks_at is None or here.asks_at > now:
        raise Refused("not_now", "You cannot ask for this qualification now.")
    kind = here.kind
    status = "Testing" if kind.test else "Submitted" if kind.auto_grant is None else "Granted"
    row = {"id": new_id(), "type_id": type_id, "worker_id": worker_id, "status": status, "begun_at": now}
    tx.execute(_END, {"worker": worker_id, "type": type_id})
    submitted_at = None if kind.test else now
    ends_at = now + (kind.test_duration or 0) if kind.test else None
    tx.execute(_INSERT, {**row, "submitted_at": submitted_at, "ends_at": ends_at, "test": kind.test})
    if kind.auto_grant is not None:
        grants.give(tx, now, kind, worker_id, kind.auto_grant, is_told=False)


def submit(
    tx: Connection, now: float, worker_id: str, type_id: str, fields: Sequence[tuple[str, str]]
) -> None:
    """Submit the test that the worker is taking: it is scored, or waits for the requester.

    The key scores the test that it was given with: another one, begun before, waits.
    Refused: unknown, and late where its time is over. NotAnswered: the test does not allow these answers.
    """
    workers.lock(tx, worker_id)
    here = standing(tx, now, worker_id, type_id)
    if here.test is None:
        raise Refused("late", "The time for this test is over, or it was submitted already.")
    answers = question_form.answers(question_form.read(here.test), fields)
    request = tx.execute(_LATEST, {"worker": worker_id, "type": type_id}).one()
    key = here.kind.answer_key if here.kind.test == here.test else None
    status = "Granted" if key else "Submitted"
    values = {"status": status, "submitted_at": now, "answer": answer_xml.write_form(answers)}
    tx.execute(_UPDATE.values(**values), {"request": request.id})
    if key:
        value = answer_key.value(answer_key.read(key), answers)
        grants.give(tx, now, here.kind, worker_id, value, is_told=False)


def _find(tx: Connection, type_id: str) -> QualificationType:
    try:
        kind = qualification_types.find(tx, type_id) if is_id(type_id) else None
    except ApiError:
        kind = None
    if kind is None or kind.status != "Active":
        raise Refused("unknown", "There is no such qualification.")
    return kind


def _asks_at(kind: QualificationType, row: AnyRow | None, value: int | None) -> float | None:
    """Return from when on a worker may ask: not again for what there is no better value of."""
    if value is not None and not kind.test:
        return None
    if row is None:
        return 0
    return None if kind.retry_delay is None else row.begun_at + kind.retry_delay
