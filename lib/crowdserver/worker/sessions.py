"""Who is signed in where: a browser holds a random token, and its session lies in the database by the hash.

A session ends when the worker signs out, after a month, with a newer link for the same worker, and when the
worker has signed in on many browsers since. With it comes what every page needs: how many messages are
unread, and whether the worker has agreed to the consent text.
"""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from crowdserver.operations.workers import Worker, hash_of
from crowdserver.storage.indexes import IS_UNREAD
from crowdserver.storage.people_tables import consents, messages, sessions, workers
from crowdserver.storage.upsert import Upsert

SESSION_SECONDS = 30 * 86_400
# Of one worker at a time, so that a link that is opened again and again fills no table.
MOST_SESSIONS = 10

_UNREAD = select(func.count()).where(messages.c.worker_id == workers.c.id, IS_UNREAD)
_HAS_AGREED = (
    select(consents.c.digest)
    .where(consents.c.worker_id == workers.c.id, consents.c.digest == bindparam("consent"))
    .exists()
)
_AGREE = Upsert(consents)
_LIVING = (
    select(
        sessions.c.id,
        workers.c.id.label("worker_id"),
        workers.c.name,
        workers.c.token_hash,
        _UNREAD.scalar_subquery().label("unread"),
        _HAS_AGREED.label("has_agreed"),
    )
    .join_from(sessions, workers, sessions.c.worker_id == workers.c.id)
    .where(sessions.c.link_hash == workers.c.token_hash, sessions.c.ends_at > bindparam("now"))
)
_BY_ID = _LIVING.where(sessions.c.id.in_(bindparam("sessions", expanding=True)))
_BEGIN = insert(sessions)
_END = delete(sessions).where(sessions.c.id == bindparam("session"))
_FORGET = delete(sessions).where(sessions.c.ends_at <= bindparam("now"))
_NEWEST = (
    select(sessions.c.id)
    .where(sessions.c.worker_id == bindparam("worker"))
    .order_by(sessions.c.begun_at.desc(), sessions.c.id)
    .limit(MOST_SESSIONS - 1)
)
_END_OLDEST = delete(sessions).where(
    sessions.c.worker_id == bindparam("worker"), sessions.c.id.not_in(_NEWEST)
)


class Session(NamedTuple):
    """A signed-in browser. `has_agreed`: to the consent text that was asked about."""

    session_id: str
    worker: Worker
    unread: int
    has_agreed: bool


def begin(tx: Connection, now: float, worker: Worker) -> str:
    """Begin a session and return the token that its browser is to hold.

    It ends with the link that `worker` was read by, even where a newer one has been made meanwhile.
    """
    token = secrets.token_urlsafe(32)
    tx.execute(_FORGET, {"now": now})
    tx.execute(_END_OLDEST, {"worker": worker.worker_id})
    tx.execute(
        _BEGIN,
        {
            "id": hash_of(token),
            "worker_id": worker.worker_id,
            "link_hash": worker.link_hash,
            "begun_at": now,
            "ends_at": now + SESSION_SECONDS,
        },
    )
    return token


def of_tokens(tx: Connection, now: float, tokens: Sequence[str], consent: str = "") -> Session | None:
    """Return the living session among what a browser sends; None if there is none. consent: a digest.

    A browser sends several where another server of the same host has set a cookie of this name. Sessions of
    two workers are none: nobody can tell whose browser it is.
    """
    if not tokens:
        return None
    living = _find(tx, now, [hash_of(token) for token in tokens], consent)
    is_one_worker = len({session.worker.worker_id for session in living}) == 1
    return living[0] if is_one_worker else None


def by_id(tx: Connection, now: float, session_id: str) -> Session | None:
    """Return a living session, or None."""
    living = _find(tx, now, [session_id], "")
    return living[0] if living else None


def end(tx: Connection, session_id: str) -> None:
    """End a session. Safe to repeat."""
    tx.execute(_END, {"session": session_id})


def agree(tx: Connection, now: float, worker_id: str, consent: str) -> None:
    """Keep that a worker agreed to the text of this digest. Repeated, the first moment stays."""
    _AGREE.execute(tx, {"worker_id": worker_id, "digest": consent, "agreed_at": now})


def _find(tx: Connection, now: float, session_ids: Sequence[str], consent: str) -> list[Session]:
    rows = tx.execute(_BY_ID, {"now": now, "sessions": session_ids, "consent": consent})
    return [
        Session(row.id, Worker(row.worker_id, row.name, row.token_hash), row.unread, row.has_agreed)
        for row in rows
    ]
