"""What workers write to the requester, who answers by NotifyWorkers."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from crowdserver.operations.workers import lock
from crowdserver.protocol.call import InvalidRequest
from crowdserver.storage.people_tables import inbox, workers
from crowdserver.storage.schema import AnyRow, hit_types, hits

MOST_CHARACTERS = 4_096  # as of a message by NotifyWorkers
MOST_A_DAY = 10  # of one worker
_DAY = 86_400
_PAGE_SIZE = 100

_TITLE = (
    select(hit_types.c.title)
    .join_from(hits, hit_types, hits.c.hit_type_id == hit_types.c.id)
    .where(hits.c.id == bindparam("hit"))
)
_OF_TODAY = (
    select(inbox.c.hit_id, inbox.c.text)
    .where(inbox.c.worker_id == bindparam("worker"), inbox.c.sent_at > bindparam("since"))
    .limit(MOST_A_DAY)
)
_INSERT = insert(inbox)
_WITH_TITLES = (
    select(inbox, hit_types.c.title)
    .outerjoin_from(inbox, hits, hits.c.id == inbox.c.hit_id)
    .outerjoin(hit_types, hit_types.c.id == hits.c.hit_type_id)
)
_LATEST = (
    _WITH_TITLES.where(inbox.c.worker_id == bindparam("worker"))
    .order_by(inbox.c.sent_at.desc(), inbox.c.serial.desc())
    .limit(MOST_A_DAY)
)
_PAGE = (
    _WITH_TITLES.add_columns(workers.c.name, hits.c.annotation)
    .outerjoin(workers, workers.c.id == inbox.c.worker_id)
    .where(inbox.c.serial > bindparam("after"), inbox.c.sent_at >= bindparam("since"))
    .order_by(inbox.c.serial)
    .limit(_PAGE_SIZE)
)


def title_of(tx: Connection, hit_id: str) -> str | None:
    """Return the title of a HIT, None where there is no such HIT."""
    title: str | None = tx.execute(_TITLE, {"hit": hit_id}).scalar()
    return title


def write(tx: Connection, now: float, worker_id: str, hit_id: str | None, text: str) -> str | None:
    """Keep what a worker writes, about a HIT that exists or in general. Repeated, it is kept once a day.

    Returns None, or why it was not kept, in a sentence for the worker.
    """
    text = "".join(sign for sign in text.strip() if sign in "\n\t" or sign >= " ")
    if not text:
        return "Write what you want to say."
    if len(text) > MOST_CHARACTERS:
        return f"It has {len(text):,} characters, and at most {MOST_CHARACTERS:,} are taken. Shorten it."
    lock(tx, worker_id)
    of_today = tx.execute(_OF_TODAY, {"worker": worker_id, "since": now - _DAY}).all()
    if (hit_id, text) in [(row.hit_id, row.text) for row in of_today]:
        return None
    if len(of_today) == MOST_A_DAY:
        return f"You have written {MOST_A_DAY} times within a day. Copy this, and send it tomorrow."
    tx.execute(_INSERT, {"worker_id": worker_id, "hit_id": hit_id, "sent_at": now, "text": text})
    return None


def latest(tx: Connection, worker_id: str) -> Sequence[AnyRow]:
    """Return the latest that a worker wrote, the newest first: rows, with the title of the HIT, if any."""
    return tx.execute(_LATEST, {"worker": worker_id}).all()


def list_all(tx: Connection, _now: float, body: object) -> dict[str, Any]:
    """Return a page of what workers wrote, the oldest first: {"since": seconds, "after": serial}.

    `next` in the answer: the serial to go on after, None at the end. Raises InvalidRequest.
    """
    match body:
        case {"since": float(since), "after": int(after)} if 0 <= after < 2**63:
            rows = tx.execute(_PAGE, {"since": since, "after": after}).all()
        case _:
            raise InvalidRequest("Send a JSON object: since, a float, and after, a serial number.")
    names = ("worker_id", "name", "sent_at", "hit_id", "title", "annotation", "text", "answered_at")
    messages = [{name: getattr(row, name) for name in names} for row in rows]
    return {"messages": messages, "next": rows[-1].serial if len(rows) == _PAGE_SIZE else None}
