"""The workers whom the requester invited, and their sign-in links.

There are no passwords: a link is the secret, and only its hash is kept. A link works for a time, or until a
newer one is made for the same worker.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, or_, select

from crowdserver.protocol import errors
from crowdserver.storage.schema import assignments, workers
from crowdserver.storage.upsert import Upsert

_WORKER_ID = re.compile(r"A[A-Z0-9]{1,63}")
_NAME_LENGTH = 100
_LETTERS = string.ascii_uppercase + string.digits
LINK_SECONDS = 90 * 86_400

_BY_TOKEN = select(workers).where(
    workers.c.token_hash == bindparam("token_hash"), workers.c.invited_at > bindparam("since")
)
_IS_KNOWN = select(
    or_(
        select(workers.c.id).where(workers.c.id == bindparam("worker")).exists(),
        select(assignments.c.id).where(assignments.c.worker_id == bindparam("worker")).exists(),
    )
)
_INVITE = Upsert(workers, replace=["token_hash", "invited_at"], returning=[workers.c.name])
_INVITE_BY_NAME = Upsert(workers, replace=["name", "token_hash", "invited_at"], returning=[workers.c.name])


class Worker(NamedTuple):
    """An invited worker. `link_hash` changes with every new link; `name` may be empty."""

    worker_id: str
    name: str
    link_hash: str


class Invitation(NamedTuple):
    """A worker and the secret of the link that signs this worker in, until `ends_at`."""

    worker_id: str
    name: str
    token: str
    ends_at: float


class InvalidInvitation(ValueError):
    """The name or the worker id of an invitation cannot be used; the message says why."""


def invite(tx: Connection, now: float, name: str | None, worker_id: str | None) -> Invitation:
    """Make a link for a worker, known or new; a new worker gets an id of `A` and 13 capitals or digits.

    Not given, the name of a known worker stays. Each repetition makes a new link and ends the one before.
    Raises InvalidInvitation.
    """
    _check(name, worker_id)
    worker_id = worker_id or "A" + "".join(secrets.choice(_LETTERS) for _ in range(13))
    token = secrets.token_urlsafe(24)
    statement = _INVITE if name is None else _INVITE_BY_NAME
    values = {
        "id": worker_id,
        "name": (name or "").strip(),
        "token_hash": hash_of(token),
        "invited_at": now,
    }
    stored_name: str = statement.execute(tx, values).scalar_one()
    return Invitation(worker_id, stored_name, token, now + LINK_SECONDS)


def by_token(tx: Connection, now: float, token: str) -> Worker | None:
    """Return whom a link signs in, or None if it is wrong, its time is over or there is a newer one."""
    row = tx.execute(_BY_TOKEN, {"token_hash": hash_of(token), "since": now - LINK_SECONDS}).first()
    return Worker(row.id, row.name, row.token_hash) if row else None


def is_known(tx: Connection, worker_id: str) -> bool:
    """Return whether somebody by this id was invited or has taken work."""
    return bool(tx.execute(_IS_KNOWN, {"worker": worker_id}).scalar_one())


def check_known(tx: Connection, worker_id: str) -> str:
    """Return the id of a known worker. Raises ParameterValidationError for one whom nobody ever saw here."""
    if not is_known(tx, worker_id):
        raise errors.not_valid_for("WorkerId", worker_id)
    return worker_id


def _check(name: str | None, worker_id: str | None) -> None:
    if worker_id is not None and not _WORKER_ID.fullmatch(worker_id):
        raise InvalidInvitation(
            f"{worker_id!r} is no worker id: give A and then 1 to 63 capital letters A-Z or digits."
        )
    if name is not None and (len(name) > _NAME_LENGTH or not name.strip().isprintable()):
        raise InvalidInvitation(
            f"A worker's name has at most {_NAME_LENGTH} characters, all of them printable."
        )


def hash_of(token: str) -> str:
    """Return what is kept of a secret token."""
    return hashlib.sha256(token.encode()).hexdigest()
