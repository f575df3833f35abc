"""Panels, such as Prolific: a link by which each participant does a share of one run, and then is sent back.

Participants are workers in a name space of their own: their ids begin in a way that no invited worker's does,
and follow from the panel's name and the participant's id there. They get work by their panel's link only. A
link's secret follows from what it is for, and only its hash is kept.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select, update

from crowdserver.operations.workers import PANEL_PREFIX, Worker, hash_of
from crowdserver.protocol.call import InvalidRequest
from crowdserver.protocol.identifiers import is_id
from crowdserver.storage.schema import assignments, hit_types, hits, panels, visits, workers
from crowdserver.storage.upsert import Upsert
from crowdserver.worker.assignments import Assignment, Share, accept_next, in_progress
from crowdserver.worker.refusals import Refused

MOST_VISITS = 10_000  # of one link

_FIELDS: dict[str, re.Pattern[str]] = {
    "name": re.compile(r"[A-Za-z0-9._-]{1,32}"),
    "annotation": re.compile(r"[!-~]{1,255}"),
    "participant": re.compile(r"[A-Za-z0-9_.-]{1,64}"),
    "complete_code": re.compile(r"[A-Za-z0-9_-]{0,64}"),
    "none_code": re.compile(r"[A-Za-z0-9_-]{0,64}"),
    "back": re.compile(r"(https?://[!-~]{1,1000})?"),
}
_VALUE = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_MOST = {"units": 100, "seconds": 30 * 86_400}

_IS_TYPE = select(hit_types.c.id).where(hit_types.c.id == bindparam("type"))
_DEFINE = Upsert(panels, replace=["definition"])
_BY_ID = select(panels.c.definition).where(panels.c.id == bindparam("panel"))
_MAKE = Upsert(workers)
_HASH = select(workers.c.token_hash).where(workers.c.id == bindparam("worker"))
_BEGIN = Upsert(visits)
_COUNT = select(func.count()).where(visits.c.panel_id == bindparam("panel"))
_LATEST = (
    select(visits.c.panel_id, visits.c.begun_at, visits.c.ends_at, panels.c.definition)
    .join_from(visits, panels, panels.c.id == visits.c.panel_id)
    .where(visits.c.worker_id == bindparam("worker"))
    .order_by(visits.c.begun_at.desc(), visits.c.panel_id)
    .limit(1)
)
_END = (
    update(visits)
    .where(visits.c.worker_id == bindparam("worker"), visits.c.ends_at > bindparam("moment"))
    .values(ends_at=bindparam("moment"))
)
_DONE = (
    select(func.count())
    .join_from(assignments, hits, hits.c.id == assignments.c.hit_id)
    .where(
        assignments.c.worker_id == bindparam("worker"),
        assignments.c.submitted_at >= bindparam("begun_at"),
        hits.c.hit_type_id == bindparam("type"),
        func.substr(hits.c.annotation, 1, bindparam("length")) == bindparam("prefix"),
    )
)


class Visit(NamedTuple):
    """How far a participant is. `outcome`: "complete", "none" left or in time, or None while it goes on."""

    panel: dict[str, Any]
    done: int
    ends_at: float
    in_hand: Assignment | None
    outcome: str | None

    @property
    def code(self) -> str:
        """What the panel takes for the outcome."""
        return str(self.panel[f"{self.outcome}_code"])

    @property
    def back_url(self) -> str:
        """Where the participant goes with the outcome; nothing where the code is to be copied."""
        return str(self.panel["back"]).replace("{code}", self.code)


def define(tx: Connection, body: Any, secret: str) -> dict[str, Any]:
    """Make the link of a panel to a run, or change what is given at a link that is there. Safe to repeat.

    `body`: see _FIELDS and _MOST; the run's hit_type_id, and how its annotations begin. Codes that are empty
    are made up. Returns all of it with the link's `token`. Raises InvalidRequest.
    """
    members = {*_FIELDS, *_MOST, "hit_type_id"}
    if not isinstance(body, dict) or set(body) != members:
        raise InvalidRequest(f"Send a JSON object with {', '.join(sorted(members))}.")
    for name, pattern in _FIELDS.items():
        if not isinstance(body[name], str) or not pattern.fullmatch(body[name]):
            raise InvalidRequest(f"{name} is not like {pattern.pattern}")
    for name, most in _MOST.items():
        if not isinstance(body[name], int) or not 1 <= body[name] <= most:
            raise InvalidRequest(f"{name} is a number from 1 to {most}.")
    hit_type_id = body["hit_type_id"]
    if (
        not isinstance(hit_type_id, str)
        or not is_id(hit_type_id)
        or not tx.scalar(_IS_TYPE, {"type": hit_type_id})
    ):
        raise InvalidRequest("There is no such HIT type.")
    purpose = f"crowdserver.panel {body['name']} {hit_type_id} {body['annotation']}".encode()
    token = base64.urlsafe_b64encode(hmac.digest(secret.encode(), purpose, "sha256"))[:32].decode()
    codes = {name: body[name] or hash_of(token + name)[:8].upper() for name in ("complete_code", "none_code")}
    panel = {**body, **codes}
    _DEFINE.execute(tx, {"id": hash_of(token), "definition": json.dumps(panel)})
    return {**panel, "token": token}


def by_token(tx: Connection, token: str) -> tuple[str, dict[str, Any]] | None:
    """Return the id and the panel of a link, or None."""
    definition = tx.execute(_BY_ID, {"panel": hash_of(token)}).scalar()
    return (hash_of(token), json.loads(definition)) if definition else None


def enter(
    tx: Connection, now: float, panel_id: str, panel: dict[str, Any], given: Mapping[str, str]
) -> Worker:
    """Return the worker of a participant, who is made at the first visit; a visit goes on where it was.

    `given`: the link's parameters. Refused: unreadable without a participant's id, blocked, gone.
    """
    participant = given.get(panel["participant"], "")
    if not _VALUE.fullmatch(participant):
        raise Refused(
            "unreadable",
            f"The link does not say who you are: {panel['participant']} lacks, or is none. Open it from the"
            " panel's own page.",
        )
    digest = hashlib.sha256(f"{panel['name']} {participant}".encode()).digest()
    worker_id = PANEL_PREFIX + base64.b32encode(digest).decode()[:26]
    worker = Worker(worker_id, f"{panel['name']} {participant}", f"panel {worker_id}")
    values = {"id": worker_id, "name": worker.name, "token_hash": worker.link_hash, "invited_at": now}
    _MAKE.execute(tx, values)
    if tx.execute(_HASH, {"worker": worker_id}).scalar() != worker.link_hash:
        raise Refused("blocked", "The requester does not offer you work any more.")
    more = {
        name: value for name, value in given.items() if _VALUE.fullmatch(name) and _VALUE.fullmatch(value)
    }
    visit = {"panel_id": panel_id, "worker_id": worker_id, "begun_at": now, "ends_at": now + panel["seconds"]}
    visit["parameters"] = json.dumps(dict(list(more.items())[:10]))
    is_new = _BEGIN.execute(tx, visit).rowcount > 0
    if is_new and tx.execute(_COUNT, {"panel": panel_id}).scalar_one() > MOST_VISITS:
        raise Refused("gone", "Too many have come by this link already.")
    return worker


def visit_of(tx: Connection, now: float, worker_id: str) -> Visit | None:
    """Return a participant's latest visit; None for every other worker."""
    row = tx.execute(_LATEST, {"worker": worker_id}).first() if is_participant(worker_id) else None
    if row is None:
        return None
    panel = json.loads(row.definition)
    prefix = panel["annotation"]
    values = {"worker": worker_id, "begun_at": row.begun_at, "type": panel["hit_type_id"]}
    done = tx.execute(_DONE, {**values, "prefix": prefix, "length": len(prefix)}).scalar_one()
    in_hand = next(iter(in_progress(tx, now, worker_id)), None)
    is_over = now >= row.ends_at
    outcome = "complete" if done >= panel["units"] else "none" if is_over and not in_hand else None
    return Visit(panel, done, row.ends_at, in_hand, outcome)


def go_on(tx: Connection, now: float, worker_id: str) -> Assignment | None:
    """Return what a participant has in hand, or accept the next unit; None at the end of the visit.

    It ends where there is no unit left for this worker, too. Raises Contended.
    """
    visit = visit_of(tx, now, worker_id)
    if visit is None or visit.outcome or visit.in_hand:
        return visit and visit.in_hand
    share = Share(visit.panel["annotation"], visit.ends_at)
    try:
        return accept_next(tx, now, worker_id, visit.panel["hit_type_id"], share)
    except Refused:
        tx.execute(_END, {"worker": worker_id, "moment": now})
        return None


def is_participant(worker_id: str) -> bool:
    """Return whether a worker is a panel's, and not an invited one."""
    return worker_id.startswith(PANEL_PREFIX)
