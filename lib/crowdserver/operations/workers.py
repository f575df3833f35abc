"""The workers whom the requester invited, and their sign-in links.

There are no passwords: a link is the secret, and only its hash is kept. A link works for a time, or until a
newer one is made for the same worker.
"""

import hashlib
import re
import secrets
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, or_, select

from crowdserver.operations import attributes
from crowdserver.protocol import errors
from crowdserver.protocol.call import InvalidRequest
from crowdserver.protocol.identifiers import random_letters
from crowdserver.storage.people_tables import links, workers
from crowdserver.storage.schema import assignments
from crowdserver.storage.upsert import Upsert

WORKER_ID = re.compile(r"A[A-Z0-9]{1,63}")
# Of the participants of panels, who are never invited.
PANEL_PREFIX = "APANEL"
_NAME_LENGTH = 100
LINK_SECONDS = 90 * 86_400
MOST_LINK_SECONDS = 366 * 86_400
MOST_INVITATIONS = 1000  # of one request

_BY_TOKEN = (
    select(workers)
    .outerjoin(links, links.c.worker_id == workers.c.id)
    .where(
        workers.c.token_hash == bindparam("token_hash"),
        func.coalesce(links.c.ends_at, workers.c.invited_at + LINK_SECONDS) > bindparam("now"),
    )
)
# Removed workers have left their names.
_OF_NAMES = (
    select(workers.c.name, workers.c.id)
    .outerjoin(links, links.c.worker_id == workers.c.id)
    .where(workers.c.name.in_(bindparam("names", expanding=True)), links.c.removed_at.is_(None))
    .order_by(workers.c.id)
)
_SET_END = Upsert(links, replace=["ends_at", "removed_at"])
_IS_KNOWN = select(
    or_(
        select(workers.c.id).where(workers.c.id == bindparam("worker")).exists(),
        select(assignments.c.id).where(assignments.c.worker_id == bindparam("worker")).exists(),
    )
)
_LOCK = select(workers.c.id).where(workers.c.id == bindparam("worker")).with_for_update()
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


def invite_all(tx: Connection, now: float, body: object) -> dict[str, Any]:
    """Make links for those in a body, all or none: {"workers": [{"name": …, "worker_id": …}, …]}.

    Each may have attributes, too (see attributes.py).

    `link_seconds`: how long they work. `taken`: what becomes of names that others have: "new", by default,
    invites more of the same name; "renew" the one who has it; "refuse" nobody, and the answer names them.
    Raises InvalidRequest.
    """
    if not isinstance(body, dict) or not {"workers", "link_seconds", "taken"}.issuperset(body):
        raise InvalidRequest("Send a JSON object with workers, link_seconds and taken.")
    wishes, seconds = body.get("workers"), body.get("link_seconds", LINK_SECONDS)
    if not isinstance(wishes, list) or len(wishes) > MOST_INVITATIONS:
        raise InvalidRequest(f"workers is a list of at most {MOST_INVITATIONS}.")
    if not isinstance(seconds, int) or not 60 <= seconds <= MOST_LINK_SECONDS:
        raise InvalidRequest(f"link_seconds is a number from 60 to {MOST_LINK_SECONDS}.")
    taken = body.get("taken", "new")
    if taken not in ("new", "renew", "refuse"):
        raise InvalidRequest("taken is new, renew or refuse.")
    pairs = [_read(wish) for wish in wishes]
    said = [attributes.read(wish) for wish in wishes]
    owners = _owners(tx, [name.strip() for name, worker_id in pairs if name and not worker_id])
    if owners and taken == "refuse":
        return {"workers": [], "taken": owners}
    if taken == "renew":
        pairs = [(name, worker_id or _owner(owners, name)) for name, worker_id in pairs]
    ids = [worker_id for _, worker_id in pairs if worker_id]
    if twice := [worker_id for worker_id in ids if ids.count(worker_id) > 1]:
        raise InvalidRequest(f"{twice[0]} is there twice, and only one link of a worker works.")
    made = [invite(tx, now, name, worker_id, seconds) for name, worker_id in pairs]
    for invitation, values in zip(made, said, strict=True):
        attributes.put(tx, invitation.worker_id, values)
    return {"workers": made, "taken": {}}


def _read(wish: object) -> tuple[str | None, str | None]:
    if not isinstance(wish, dict) or not {"name", "worker_id", *attributes.NAMES}.issuperset(wish):
        raise InvalidRequest("Send a JSON object with at most a name, a worker_id and attributes.")
    name, worker_id = wish.get("name"), wish.get("worker_id")
    if not all(value is None or isinstance(value, str) for value in (name, worker_id)):
        raise InvalidRequest("A name and a worker_id are text.")
    _check(name, worker_id)
    return name, worker_id


def _owners(tx: Connection, names: list[str]) -> dict[str, list[str]]:
    """Return the ids of those who have one of these names; of one that is given twice at least none."""
    owners: dict[str, list[str]] = {name: [] for name in names if names.count(name) > 1}
    for row in tx.execute(_OF_NAMES, {"names": names}):
        owners.setdefault(row.name, []).append(row.id)
    return owners


def _owner(owners: dict[str, list[str]], name: str | None) -> str | None:
    ids = owners.get((name or "").strip(), [])
    if len(ids) > 1:
        raise InvalidRequest(f"{name} is the name of {', '.join(ids)}: say whom by the worker_id.")
    return ids[0] if ids else None


def invite(
    tx: Connection, now: float, name: str | None, worker_id: str | None, seconds: int = LINK_SECONDS
) -> Invitation:
    """Make a link for a worker, known or new; a new worker gets an id of `A` and 13 capitals or digits.

    Not given, the name of a known worker stays. Each repetition makes a new link and ends the one before.
    A worker who was removed is back. Raises InvalidRequest.
    """
    _check(name, worker_id)
    worker_id = worker_id or "A" + random_letters(13)
    token = secrets.token_urlsafe(24)
    statement = _INVITE if name is None else _INVITE_BY_NAME
    values = {
        "id": worker_id,
        "name": (name or "").strip(),
        "token_hash": hash_of(token),
        "invited_at": now,
    }
    stored_name: str = statement.execute(tx, values).scalar_one()
    _SET_END.execute(tx, {"worker_id": worker_id, "ends_at": now + seconds, "removed_at": None})
    return Invitation(worker_id, stored_name, token, now + seconds)


def by_token(tx: Connection, now: float, token: str) -> Worker | None:
    """Return whom a link signs in, or None if it is wrong, its time is over or there is a newer one."""
    row = tx.execute(_BY_TOKEN, {"token_hash": hash_of(token), "now": now}).first()
    return Worker(row.id, row.name, row.token_hash) if row else None


def lock(tx: Connection, worker_id: str) -> None:
    """Let this worker's requests side by side take work one after the other, until the transaction ends."""
    tx.execute(_LOCK, {"worker": worker_id})


def is_known(tx: Connection, worker_id: str) -> bool:
    """Return whether somebody by this id was invited or has taken work."""
    return bool(tx.execute(_IS_KNOWN, {"worker": worker_id}).scalar_one())


def check_known(tx: Connection, worker_id: str) -> str:
    """Return the id of a known worker. Raises ParameterValidationError for one whom nobody ever saw here."""
    if not is_known(tx, worker_id):
        raise errors.not_valid_for("WorkerId", worker_id)
    return worker_id


def _check(name: str | None, worker_id: str | None) -> None:
    if worker_id is not None and worker_id.startswith(PANEL_PREFIX):
        raise InvalidRequest(f"{worker_id} comes by a panel's link: ids with {PANEL_PREFIX} are of panels.")
    if worker_id is not None and not WORKER_ID.fullmatch(worker_id):
        raise InvalidRequest(
            f"{worker_id!r} is no worker id: give A and then 1 to 63 capital letters A-Z or digits."
        )
    if name is not None and (len(name) > _NAME_LENGTH or not name.strip().isprintable()):
        raise InvalidRequest(
            f"{name[:_NAME_LENGTH]!r} is no name: it has at most {_NAME_LENGTH} characters, all of them"
            " printable."
        )


def hash_of(token: str) -> str:
    """Return what is kept of a secret token."""
    return hashlib.sha256(token.encode()).hexdigest()
