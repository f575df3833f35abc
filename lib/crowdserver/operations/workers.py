"""The workers whom the requester invited, and their sign-in links.

There are no passwords: a link is the secret, and only its hash is kept. A link works until a newer one is
made for the same worker.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from typing import NamedTuple

from sqlalchemy import Column, Connection, Double, Row, Table, Text, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from crowdserver.protocol import errors
from crowdserver.storage import schema

WORKER_ID = re.compile(r"A[A-Z0-9]{1,63}")
NAME_LENGTH = 100
_LETTERS = string.ascii_uppercase + string.digits

workers = Table(
    "workers",
    schema.metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("invited_at", Double, nullable=False),
)

_IS_KNOWN = select(
    or_(
        select(workers.c.id).where(workers.c.id == bindparam("worker")).exists(),
        select(schema.assignments.c.id).where(schema.assignments.c.worker_id == bindparam("worker")).exists(),
    )
)


class Worker(NamedTuple):
    """An invited worker. `invitation` changes with every new link; `name` may be empty."""

    worker_id: str
    name: str
    invitation: str


class Invitation(NamedTuple):
    """A worker and the secret of the link that signs this worker in."""

    worker_id: str
    name: str
    token: str


class InvalidInvitation(ValueError):
    """The name or the worker id cannot be used; the message says why."""


def invite(tx: Connection, now: float, name: str | None, worker_id: str | None) -> Invitation:
    """Make a link for a worker, known or new; a new worker gets an id of `A` and 13 capitals or digits.

    Not given, the name of a known worker stays. Each repetition makes a new link and ends the one before.
    Raises InvalidInvitation.
    """
    _check(name, worker_id)
    new_id = worker_id or "A" + "".join(secrets.choice(_LETTERS) for _ in range(13))
    token = secrets.token_urlsafe(24)
    values = {"token_hash": _hash(token), "invited_at": now}
    given = {} if name is None else {"name": name.strip()}
    try:
        with tx.begin_nested():
            tx.execute(insert(workers).values(id=new_id, **({"name": ""} | given | values)))
    except IntegrityError:  # a known worker, perhaps only since a moment ago
        tx.execute(update(workers).where(workers.c.id == new_id).values(**given | values))
    stored = tx.execute(select(workers.c.name).where(workers.c.id == new_id)).scalar_one()
    return Invitation(new_id, stored, token)


def by_token(tx: Connection, token: str) -> Worker | None:
    """Return whom a link signs in, or None if it is wrong or there is a newer one."""
    row = tx.execute(select(workers).where(workers.c.token_hash == _hash(token))).one_or_none()
    return _worker(row) if row else None


def by_id(tx: Connection, worker_id: str) -> Worker | None:
    """Return an invited worker, or None."""
    row = tx.execute(select(workers).where(workers.c.id == worker_id)).one_or_none()
    return _worker(row) if row else None


def is_known(tx: Connection, worker_id: str) -> bool:
    """Return whether somebody by this id was invited or has taken work."""
    return bool(tx.execute(_IS_KNOWN, {"worker": worker_id}).scalar_one())


def demand_known(tx: Connection, worker_id: str) -> str:
    """Return the id of a known worker. Raises ParameterValidationError for one whom nobody ever saw here."""
    if not is_known(tx, worker_id):
        raise errors.not_valid_for("WorkerId", worker_id)
    return worker_id


def _check(name: str | None, worker_id: str | None) -> None:
    if worker_id is not None and not WORKER_ID.fullmatch(worker_id):
        raise InvalidInvitation(
            f"{worker_id!r} is no worker id: give A and then 1 to 63 capital letters A-Z or digits."
        )
    if name is not None and (len(name) > NAME_LENGTH or not name.strip().isprintable()):
        raise InvalidInvitation(
            f"A worker's name has at most {NAME_LENGTH} characters, all of them printable."
        )


def _worker(row: Row[tuple[str, str, str, float]]) -> Worker:
    return Worker(row.id, row.name, row.token_hash[:16])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
