"""A crowd server's account of any size, in this process, with something at hand for every call and page."""

from __future__ import annotations

import itertools
import re
import time
from decimal import Decimal
from typing import Any, NamedTuple

from flask.testing import FlaskClient
from sqlalchemy import Connection, insert, text, update

from crowdserver.api import Conditions
from crowdserver.app import create_app
from crowdserver.operations import workers
from crowdserver.operations.dispatch import OPERATIONS
from crowdserver.protocol.call import Call
from crowdserver.protocol.credentials import Credentials
from crowdserver.storage import people_tables, schema
from crowdserver.storage.database import Database
from crowdserver.storage.transactions import Crowd
from crowdserver.worker import assignments, sessions
from tests.support.offers import html_question

_DAY = 86_400
_TYPES = 5
_PAGE = 10  # what a list has on a page, if not told otherwise
# available, pending, submitted, completed; whether its time is over, it is being reviewed, or disposed of
_KINDS = (
    ((1, 0, 0, 0), False, False, False),
    ((1, 0, 0, 0), True, False, False),
    ((0, 0, 0, 1), False, True, False),
    ((0, 1, 0, 0), False, False, False),
    ((0, 0, 0, 1), False, False, True),
    ((0, 0, 1, 0), False, False, False),
    ((0, 0, 0, 1), False, False, False),
    ((1, 0, 0, 0), False, False, False),
    ((1, 1, 0, 0), True, False, False),
)
_FEW = 50
_STATUS = ("Accepted", "Submitted", "Approved")


class Things(NamedTuple):
    """What calls and pages name: HITs and assignments by their states, a worker, a signed-in browser."""

    type_id: str
    qualification_id: str
    worker_id: str
    open: list[str]
    accepted: list[str]
    submitted: list[str]
    rejected: str
    done: list[str]
    browser: FlaskClient
    form_token: str
    invitation: str


class Account:
    """An account on a database of its own."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.database.prepare(Decimal(10**9))
        self.crowd = Crowd(self.database, Credentials("KEY0000000000000", "s" * 40))
        self.app = create_app(self.crowd, Conditions())
        self._numbers = itertools.count(1)
        self._grown = 0
        for number in range(_PAGE):
            self._qualification(f"Others' {number}")

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """Run an operation as the API does it, with an input that is checked already."""
        chosen = OPERATIONS[operation]

        def run(tx: Connection, now: float) -> dict[str, Any]:
            return chosen.run(Call(tx, now, members, "request", self.crowd.page_tokens))

        if chosen.writes:
            return self.crowd.write(run)
        with self.crowd.reading() as (tx, now):
            return run(tx, now)

    def grow(self, hits: int) -> None:
        """Add HITs in all states, of several types and done by others, and what lies beside them."""
        now, first = time.time(), self._grown
        self._grown += hits
        kinds = [self.create_type(f"Of others {number}") for number in range(_TYPES)]
        numbers = range(first, self._grown)
        rows = [_hit(number, kinds[number // len(_KINDS) % _TYPES], now) for number in numbers]
        others = [_assignment(row, now) for row in rows if row["max_assignments"] > row["available"]]
        submitted = [row for row in others if row["submitted_at"]]
        with self.database.write() as tx:
            tx.execute(insert(schema.hits), rows)
            tx.execute(insert(schema.assignments), others)
            tx.execute(insert(schema.bonuses), [_bonus(row) for row in submitted])
            tx.execute(insert(people_tables.messages), [_message(row) for row in submitted])
            tx.execute(insert(people_tables.workers), [_worker(row) for row in others])
            tx.execute(insert(people_tables.sessions), [_session(row) for row in others])
            tx.execute(update(schema.account).values(held=10**6))

    def analyze(self) -> None:
        """Let the database look at how much of what there is."""
        with self.database.write() as tx:
            tx.execute(text("ANALYZE"))

    def furnish(self) -> Things:
        """Make what one round of calls and pages needs."""
        number = next(self._numbers)
        qualification = self._qualification(f"Quick {number}")
        worker_id = f"AWORKER{number}"
        with self.database.write() as tx:
            invitation = workers.invite(tx, time.time(), "Worker", worker_id)
        self.call("AssociateQualificationWithWorker", QualificationTypeId=qualification, WorkerId=worker_id)
        type_id = self.create_type(f"Ours {number}", qualification)
        made = [self.create_hit(type_id) for _ in range(14)]
        taken = [self._accept(hit_id, worker_id) for hit_id in made[:8]]
        for assignment_id in taken[3:]:
            with self.crowd.writing() as (tx, now):
                assignments.submit(tx, now, assignment_id, worker_id, [("a", "b")])
        self.call("RejectAssignment", AssignmentId=taken[3], RequesterFeedback="No")
        for assignment_id in taken[6:]:
            self.call("ApproveAssignment", AssignmentId=assignment_id)
        browser = self.app.test_client()
        page = browser.get(f"/sign-in/{invitation.token}", follow_redirects=True)
        form_token = re.search(r'name="form_token" value="([^"]+)"', page.text)
        assert form_token
        return Things(
            type_id=type_id,
            qualification_id=qualification,
            worker_id=worker_id,
            open=made[8:],
            accepted=taken[:3],
            submitted=taken[4:6],
            rejected=taken[3],
            done=made[6:8],
            browser=browser,
            form_token=form_token[1],
            invitation=invitation.token,
        )

    def create_hit(self, type_id: str) -> str:
        """Create a HIT; returns its id."""
        values = {"LifetimeInSeconds": _DAY, "Question": html_question()}
        return str(self.call("CreateHITWithHITType", HITTypeId=type_id, **values)["HIT"]["HITId"])

    def create_type(self, title: str, *qualifications: str) -> str:
        """Create a HIT type whose HITs only workers with these qualifications may accept; returns its id."""
        guarded = {"Comparator": "Exists", "ActionsGuarded": "Accept"}
        requirements = [{"QualificationTypeId": one, **guarded} for one in qualifications]
        values = {
            "Title": title,
            "Description": "Look",
            "Reward": "0.50",
            "AssignmentDurationInSeconds": 3600,
        }
        return str(self.call("CreateHITType", QualificationRequirements=requirements, **values)["HITTypeId"])

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def clear_away(self) -> None:
        """Close what furnish() and calls have opened, so that workers see no more groups than before."""
        with self.database.write() as tx:
            made_here = schema.hits.c.annotation.is_(None) & (schema.hits.c.pending == 0)
            tx.execute(update(schema.hits).where(made_here).values(expiration=0, release_at=None))

    def _qualification(self, name: str) -> str:
        values = {"Name": name, "Description": "Quick", "QualificationTypeStatus": "Active"}
        made = self.call("CreateQualificationType", **values)["QualificationType"]
        return str(made["QualificationTypeId"])

    def _accept(self, hit_id: str, worker_id: str) -> str:
        return self.crowd.write(lambda tx, now: assignments.accept(tx, now, worker_id, hit_id)).assignment_id


def _hit(number: int, type_id: str, now: float) -> dict[str, Any]:
    # The last kind is what workers have in hand when its time is over: that is never much.
    kind = _KINDS[number % (len(_KINDS) if number < _FEW else len(_KINDS) - 1)]
    (available, pending, submitted, completed), is_over, reviewing, is_disposed = kind
    expiration = now - _DAY / 2 - number % 1000 if is_over else now + _DAY + number % 1000
    return {
        "id": f"3{number:029d}",
        "hit_type_id": type_id,
        "created_at": now - _DAY,
        "expiration": expiration,
        "fee": 10,
        "max_assignments": available + pending + submitted + completed,
        "available": available,
        "pending": pending,
        "submitted": submitted,
        "completed": completed,
        "reviewing": reviewing,
        "release_at": None if is_disposed or (is_over and not pending) else expiration,
        "disposed_at": now if is_disposed else None,
        "annotation": f"crowdops:1:run:{number}:task",
        "question": f"{number:01000d}",
    }


def _assignment(hit: dict[str, Any], now: float) -> dict[str, Any]:
    status = next(
        word for word, name in zip(_STATUS, ("pending", "submitted", "completed"), strict=True) if hit[name]
    )
    is_submitted = status != "Accepted"
    due_at = {"Accepted": now + _DAY, "Submitted": now + 2 * _DAY, "Approved": None}[status]
    return {
        "id": f"3A{hit['id'][2:]}",
        "hit_id": hit["id"],
        "worker_id": f"AOTHER{int(hit['id'][1:])}",
        "status": status,
        "accepted_at": now - _DAY / 2,
        "deadline": now + _DAY,
        "submitted_at": now - _DAY / 3 if is_submitted else None,
        "auto_approval_at": now + 2 * _DAY if is_submitted else None,
        "approved_at": now - _DAY / 4 if status == "Approved" else None,
        "due_at": due_at,
        "answer": "x" * 300 if is_submitted else None,
    }


def _bonus(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "assignment_id": row["id"],
        "worker_id": row["worker_id"],
        "amount": 5,
        "fee": 1,
        "reason": "Good",
        "paid_at": 1.0,
    }


def _message(row: dict[str, Any]) -> dict[str, Any]:
    return {"worker_id": row["worker_id"], "sent_at": 1.0, "subject": "Thanks", "text": "Thanks"}


def _worker(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["worker_id"],
        "name": "Other",
        "token_hash": f"hash of {row['id']}",
        "invited_at": row["accepted_at"],
    }


def _session(row: dict[str, Any]) -> dict[str, Any]:
    ends_at = row["accepted_at"] + sessions.SESSION_SECONDS
    return {
        "id": f"session {row['id']}",
        "worker_id": row["worker_id"],
        "link_hash": f"hash of {row['id']}",
        "begun_at": row["accepted_at"],
        "ends_at": ends_at,
    }
