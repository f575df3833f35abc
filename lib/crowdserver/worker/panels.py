"""Panels, such as Prolific: a link by which each participant does a share of one run, and then is sent back.

Participants are workers in a name space of their own: their ids begin in a way that no invited worker's does,
and follow from the panel's name and the participant's id there. They get work by their panel's link only. A
link's secret follows from what it is for, and only its hash is kept.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select, update

from crowdserver.operations.workers import PANEL_PREFIX, Worker, hash_of, lock
from crowdserver.protocol.call import InvalidRequest
from crowdserver.protocol.credentials import derived
from crowdserver.protocol.identifiers import is_id
from crowdserver.storage.indexes import BEGINNING
from crowdserver.storage.people_tables import panels, visits, workers
from crowdserver.storage.schema import assignments, hit_types, hits
from crowdserver.storage.upsert import Upsert
from crowdserver.worker.assignments import Assignment, accept_next, in_progress
from crowdserver.worker.refusals import Refused
from crowdserver.worker.shares import IS_OF_SHARE, Share

MOST_VISITS = 10_000  # of one link

_FIELDS: dict[str, re.Pattern[str]] = {
    "name": re.compile(r"[A-Za-z0-9._-]{1,32}"),
    "annotation": re.compile(rf"[!-~]{{{BEGINNING},255}}"),
    "participant": re.compile(r"[A-Za-z0-9_.-]{1,64}"),
    "complete_code": re.compile(r"[A-Za-z0-9_-]{0,64}"),
    "none_code": re.compile(r"[A-Za-z0-9_-]{0,64}"),
    "back": re.compile(r"(https?://[!-~]{1,1000})?"),
}
_VALUE = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9_.@-]{1,64}")
_TARGET = frozenset({"name", "hit_type_id", "annotation"})  # what a link follows from
_MOST = {"units": 100, "seconds": 30 * 86_400}

_IS_TYPE = select(hit_types.c.id).where(hit_types.c.id == bindparam("type"))
_DEFINE = Upsert(panels, replace=["definition"])
_BY_ID = select(panels.c.definition).where(panels.c.id == bindparam("panel"))
_MAKE = Upsert(workers)
_HASH = select(workers.c.token_hash).where(workers.c.id == bindparam("worker"))
_BEGIN = Upsert(visits)
_COME_AGAIN = (
    update(visits)
    .where(visits.c.panel_id == bindparam("panel"), visits.c.worker_id == bindparam("worker"))
    .values(begun_at=bindparam("moment"))
)
_COUNT = select(func.count()).where(visits.c.panel_id == bindparam("panel"))
_LATEST = (
    select(visits.c.panel_id, visits.c.ends_at, panels.c.definition)
    .join_from(visits, panels, panels.c.id == visits.c.panel_id)
    .where(visits.c.worker_id == bindparam("worker"))
    .order_by(visits.c.begun_at.desc(), visits.c.panel_id)
    .limit(1)
)
_END = (
    update(visits)
    .where(visits.c.worker_id == bindparam("worker"), visits.c.panel_id == bindparam("panel"))
    .values(ends_at=bindparam("moment"))
)
_DONE = (
    select(func.count())
    .join_from(assignments, hits, hits.c.id == assignments.c.hit_id)
    .where(
        assignments.c.worker_id == bindparam("worker"),
        assignments.c.submitted_at.is_not(None),
        hits.c.hit_type_id == bindparam("type"),
        IS_OF_SHARE,
    )
)


class Visit(NamedTuple):
    """How far a participant is. `outcome`: "complete", "none" left or in time, or None while it goes on."""

    panel_id: str
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
    are made up. With _TARGET alone it looks, and changes nothing. Returns all of it with the link's `token`;
    {} where there is none to look at. Raises InvalidRequest.
    """
    members = {*_FIELDS, *_MOST, "hit_type_id"}
    if not isinstance(body, dict) or set(body) not in (members, _TARGET):
        raise InvalidRequest(f"Send a JSON object with {', '.join(sorted(members))}.")
    _check(tx, body)
    token = derived(secret, f"panel {body['name']} {body['hit_type_id']} {body['annotation']}")[:32]
    if len(body) == len(_TARGET):
        there = by_token(tx, token)
        return {**there[1], "token": token} if there else {}
    codes = {name: body[name] or hash_of(token + name)[:8].upper() for name in ("complete_code", "none_code")}
    panel = {**body, **codes}
    _DEFINE.execute(tx, {"id": hash_of(token), "definition": json.dumps(panel)})
    return {**panel, "token": token}


def _check(tx: Connection, body: dict[str, Any]) -> None:
    for name, pattern in _FIELDS.items():
        value = body.get(name)
        if name in body and not (isinstance(value, str) and pattern.fullmatch(value)):
            raise InvalidRequest(f"{name} is not like {pattern.pattern}")
    for name, most in _MOST.items():
        value = body.get(name)
        if name in body and (type(value) is not int or not 1 <= value <= most):
            raise InvalidRequest(f"{name} is a number from 1 to {most}.")
    hit_type_id = body["hit_type_id"]
    is_id_of_type = isinstance(hit_type_id, str) and is_id(hit_type_id)
    if not is_id_of_type or not tx.scalar(_IS_TYPE, {"type": hit_type_id}):
        raise InvalidRequest("There is no such HIT type.")


def by_token(tx: Connection, token: str) -> tuple[str, dict[str, Any]] | None:
    """Return the id and the panel of a link, or None."""
    definition = tx.execute(_BY_ID, {"panel": hash_of(token)}).scalar()
    return (hash_of(token), json.loads(definition)) if definition else None


def participant(panel: dict[str, Any], given: Mapping[str, Sequence[str]]) -> Worker:
    """Return the worker that a participant is. `given`: the link's parameters, each with all its values.

    Refused: unreadable without a participant's id, or with two.
    """
    name = panel["participant"]
    values = set(given.get(name, ()))
    value = values.pop() if len(values) == 1 else ""
    if not _VALUE.fullmatch(value):
        raise Refused(
            "unreadable",
            f"The link does not say who you are: {name} lacks, is none, or is there twice. Open it from the"
            " panel's own page.",
        )
    digest = hashlib.sha256(f"{panel['name']} {value}".encode()).digest()
    worker_id = PANEL_PREFIX + base64.b32encode(digest).decode()[:26]
    return Worker(worker_id, f"{panel['name']} {value}", f"panel {worker_id}")


def enter(
    tx: Connection,
    now: float,
    panel_id: str,
    panel: dict[str, Any],
    worker: Worker,
    given: Mapping[str, Sequence[str]],
) -> None:
    """Begin the visit of a participant, who is made at the first one, or go on with it where it was.

    Of several visits the one entered last goes on. Refused: blocked, gone.
    """
    values = {"id": worker.worker_id, "name": worker.name, "token_hash": worker.link_hash, "invited_at": now}
    _MAKE.execute(tx, values)
    if tx.execute(_HASH, {"worker": worker.worker_id}).scalar() != worker.link_hash:
        raise Refused("blocked", "The requester does not offer you work any more.")
    known = {"panel": panel_id, "worker": worker.worker_id, "moment": now}
    if tx.execute(_COME_AGAIN, known).rowcount:
        return
    told = [
        (name, values[0])
        for name, values in given.items()
        if _VALUE.fullmatch(name) and _VALUE.fullmatch(values[0])
    ]
    visit = {"panel_id": panel_id, "worker_id": worker.worker_id, "begun_at": now}
    visit |= {"ends_at": now + panel["seconds"], "parameters": json.dumps(dict(told[:10]))}
    _BEGIN.execute(tx, visit)
    if tx.execute(_COUNT, {"panel": panel_id}).scalar_one() > MOST_VISITS:
        raise Refused("gone", "Too many have come by this link already.")


def visit_of(tx: Connection, now: float, worker_id: str) -> Visit | None:
    """Return the visit that a participant entered last; None for every other worker."""
    row = tx.execute(_LATEST, {"worker": worker_id}).first() if is_participant(worker_id) else None
    if row is None:
        return None
    panel = json.loads(row.definition)
    share = Share(panel["annotation"], row.ends_at)
    values = {"worker": worker_id, "type": panel["hit_type_id"], **share.values}
    done = tx.execute(_DONE, values).scalar_one()
    in_hand = next(iter(in_progress(tx, now, worker_id, share)), None)
    is_over = now >= row.ends_at
    outcome = "complete" if done >= panel["units"] else "none" if is_over and not in_hand else None
    return Visit(row.panel_id, panel, done, row.ends_at, in_hand, outcome)


def go_on(tx: Connection, now: float, worker_id: str) -> Assignment | None:
    """Return what a participant has in hand, or accept the next unit; None at the end of the visit.

    It ends where there is no unit left for this worker, too. Raises Contended.
    """
    lock(tx, worker_id)  # two clicks at once are to take one unit
    visit = visit_of(tx, now, worker_id)
    if visit is None or visit.outcome or visit.in_hand:
        return visit and visit.in_hand
    share = Share(visit.panel["annotation"], visit.ends_at)
    try:
        return accept_next(tx, now, worker_id, visit.panel["hit_type_id"], share)
    except Refused:
        tx.execute(_END, {"worker": worker_id, "panel": visit.panel_id, "moment": now})
        return None


def is_participant(worker_id: str) -> bool:
    """Return whether a worker is a panel's, and not an invited one."""
    return worker_id.startswith(PANEL_PREFIX)
