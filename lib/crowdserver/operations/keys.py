"""Named key pairs of the account, beside the first one, which the server has in a file.

Their secrets follow from the first one's and are kept nowhere: each is shown once, and all end with the first
pair. Only that one makes and revokes the others, and here nobody can revoke it.
"""

import re
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from crowdserver.protocol.call import InvalidRequest
from crowdserver.protocol.credentials import Credentials, derived, new_key_id
from crowdserver.storage.people_tables import keys
from crowdserver.storage.upsert import Upsert

FIRST = "first"
MOST_KEYS = 1000

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LIVING = select(keys.c.name).where(keys.c.key_id == bindparam("key_id"), keys.c.revoked_at.is_(None))
_ALL = select(keys).order_by(keys.c.created_at, keys.c.name)
_MAKE = Upsert(keys, returning=[keys.c.name])
_REVOKE = update(keys).where(keys.c.name == bindparam("key"), keys.c.revoked_at.is_(None))


def find(tx: Connection, first: Credentials, key_id: str) -> tuple[str, Credentials]:
    """Return the name and the pair of a key id; the first pair for one that is not known, or is revoked."""
    name = tx.execute(_LIVING, {"key_id": key_id}).scalar() if key_id != first.access_key_id else None
    return (name, _pair(first, key_id)) if name else (FIRST, first)


def change(tx: Connection, now: float, body: Any, first: Credentials) -> dict[str, Any]:
    """Make a key or revoke one, {"new": NAME} or {"revoke": NAME}, or neither: {}. Return all keys.

    A new one's secret stands in this answer and in no other. Raises InvalidRequest.
    """
    names = set(tx.execute(select(keys.c.name)).scalars())
    made = None
    match body:
        case {"new": str(name)} if len(body) == 1:
            if not _NAME.fullmatch(name):
                raise InvalidRequest(f"{name!r} is no name of a key: 1 to 64 of A-Z a-z 0-9 . _ -")
            if len(names) >= MOST_KEYS:
                raise InvalidRequest(f"There are {MOST_KEYS} keys already, and no more can be made.")
            pair = _pair(first, new_key_id())
            values = {"name": name, "key_id": pair.access_key_id, "created_at": now}
            if name == FIRST or _MAKE.execute(tx, values).first() is None:
                raise InvalidRequest(
                    f"The name {name} was used before, and each is used once. If its secret is lost, revoke"
                    " it and make a key of another name."
                )
            made = {"name": name} | pair._asdict()
        case {"revoke": str(name)} if len(body) == 1:
            if name not in names:
                raise InvalidRequest(f"No key {name!r} is to be revoked here.")
            tx.execute(_REVOKE.values(revoked_at=now), {"key": name})
        case _ if body != {}:
            raise InvalidRequest("Send a JSON object with at most one of new and revoke, the name of a key.")
    columns = ("name", "key_id", "created_at", "revoked_at")
    return {"keys": [dict(zip(columns, row, strict=True)) for row in tx.execute(_ALL)], "new": made}


def _pair(first: Credentials, key_id: str) -> Credentials:
    return Credentials(key_id, derived(first.secret_access_key, f"key {key_id}"))
