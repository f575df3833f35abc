"""Request tokens: a token that was used within a day is not used again, so a repeated request does nothing."""

from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from crowdserver.protocol import errors
from crowdserver.storage.schema import server, tokens

_LIFETIME = 86_400

_FIND = select(tokens.c.request_id, tokens.c.hit_id).where(tokens.c.token == bindparam("token"))
_PLAIN = select(server.c.plain_duplicates)


def _claim(insert: Any) -> Any:
    """The statement that records a token and returns it, or returns nothing when it is in use."""
    fresh = insert(tokens)
    return fresh.on_conflict_do_update(
        index_elements=[tokens.c.token],
        set_={name: fresh.excluded[name] for name in ("created_at", "request_id", "hit_id")},
        where=tokens.c.created_at <= fresh.excluded.created_at - _LIFETIME,
    ).returning(tokens.c.token)


_CLAIM = {"sqlite": _claim(sqlite.insert), "postgresql": _claim(postgresql.insert)}


def claim_creation(tx: Connection, now: float, token: str | None, request_id: str, hit_id: str) -> None:
    """Use up a token for making a HIT. Raises HitAlreadyExists with the id of the HIT it was used for."""
    earlier = _used(tx, now, token, request_id, hit_id)
    if token is not None and earlier is not None:
        if tx.execute(_PLAIN).scalar_one():
            raise errors.token_processed(token, "HitAlreadyExists")
        raise errors.hit_already_exists(earlier.hit_id)


def claim_request(tx: Connection, now: float, token: str | None, request_id: str, hit_id: str) -> None:
    """Use up a token for adding assignments or paying a bonus.

    Raises DuplicateCall with the id of the request that used it.
    """
    earlier = _used(tx, now, token, request_id, hit_id)
    if token is not None and earlier is not None:
        if tx.execute(_PLAIN).scalar_one():
            raise errors.token_processed(token, "DuplicateCall")
        raise errors.duplicate_call(earlier.request_id)


def claim_expiration(tx: Connection, now: float, token: str, request_id: str, hit_id: str) -> None:
    """Use up the token that the service itself makes for a new expiration date."""
    if _used(tx, now, token, request_id, hit_id) is not None:
        raise errors.token_processed(token, "DuplicateCall")


def _used(tx: Connection, now: float, token: str | None, request_id: str, hit_id: str) -> Any:
    """Record a token; the earlier use if there was one. Undone with the transaction: a failure burns no token."""
    if token is None:
        return None
    values = {"token": token, "created_at": now, "request_id": request_id, "hit_id": hit_id}
    if tx.execute(_CLAIM[tx.dialect.name], values).first() is not None:
        return None
    return tx.execute(_FIND, {"token": token}).one()
