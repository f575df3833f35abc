"""HITs, bonuses and the balance as the library sees them, read from answers of the API."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from crowdops.formats.marks import Mark, parse_annotation
from crowdops.formats.question_xml import parse_answer
from crowdops.registry import Assignment

_HIT_STATUSES = ("Assignable", "Unassignable", "Reviewable", "Reviewing", "Disposed", "")
_ASSIGNMENT_STATUSES = ("Submitted", "Approved", "Rejected")
_DOLLARS = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")
_YEARS = range(1970, 2200)  # beyond these nobody can reckon with a moment
_MOST = 10**9  # of anything that is counted, seconds as well


class Hit(NamedTuple):
    """A HIT as the API shows it. Counters may lag behind; only `status` says whether it is open."""

    hit_id: str
    hit_type_id: str
    status: str
    annotation: str
    max_assignments: int
    available: int
    pending: int
    completed: int
    reward: Decimal
    created_at: datetime
    expiration: datetime
    assignment_duration: timedelta

    @property
    def mark(self) -> Mark | None:
        """Our mark; None for a HIT that is not ours."""
        return parse_annotation(self.annotation)

    @property
    def is_outstanding(self) -> bool:
        """Whether workers can still accept it or are working on it."""
        return self.status in ("Assignable", "Unassignable")

    @property
    def submitted(self) -> int:
        """How many assignments are submitted and not reviewed: those in none of the API's three counters."""
        return max(0, self.max_assignments - self.available - self.pending - self.completed)

    @property
    def acceptable(self) -> int:
        """How many assignments can be accepted now: none of a HIT that has expired, whatever it has left."""
        return self.available if self.status == "Assignable" else 0

    @property
    def answers(self) -> int:
        """Assignments submitted, reviewed or not."""
        return self.submitted + self.completed

    @property
    def ended_untouched(self) -> bool:
        """It has ended, and nobody had submitted anything."""
        return not self.is_outstanding and self.available == self.max_assignments


class Definition(NamedTuple):
    """What a HIT was made from. Dollars and seconds; `question` is XML, qualifications are the API's own."""

    title: str
    description: str
    keywords: str
    reward: Decimal
    assignment_duration: int
    auto_approval_delay: int
    qualifications: list[dict[str, Any]]
    max_assignments: int
    lifetime: int
    question: str


class Bonus(NamedTuple):
    """A bonus that was paid. Dollars."""

    assignment_id: str
    worker_id: str
    amount: Decimal
    reason: str


class Balance(NamedTuple):
    """What the account has, in dollars: to spend, and held back for open HITs (None: not told)."""

    available: Decimal
    held: Decimal | None


# Each of the following takes apart what has the types of the API's description. KeyError for what is missing,
# ValueError for what cannot be.


def read_hit(item: dict[str, Any]) -> Hit:
    """Return the HIT of an answer."""
    return Hit(
        hit_id=item["HITId"],
        hit_type_id=item.get("HITTypeId", ""),
        status=_one_of(_HIT_STATUSES, item.get("HITStatus", "")),
        annotation=item.get("RequesterAnnotation", ""),
        max_assignments=_count(item.get("MaxAssignments", 0)),
        available=_count(item.get("NumberOfAssignmentsAvailable", 0)),
        pending=_count(item.get("NumberOfAssignmentsPending", 0)),
        completed=_count(item.get("NumberOfAssignmentsCompleted", 0)),
        reward=read_dollars(item.get("Reward", "0")),
        created_at=_moment(item["CreationTime"]),
        expiration=_moment(item["Expiration"]),
        assignment_duration=timedelta(seconds=_count(item.get("AssignmentDurationInSeconds", 0))),
    )


def read_definition(item: dict[str, Any]) -> Definition:
    """Return what a HIT of an answer was made from."""
    lifetime = _moment(item["Expiration"]) - _moment(item["CreationTime"])
    return Definition(
        title=item["Title"],
        description=item["Description"],
        keywords=item.get("Keywords", ""),
        reward=read_dollars(item["Reward"]),
        assignment_duration=_count(item["AssignmentDurationInSeconds"]),
        auto_approval_delay=_count(item.get("AutoApprovalDelayInSeconds", 0)),
        qualifications=item.get("QualificationRequirements", []),
        max_assignments=_count(item["MaxAssignments"]),
        lifetime=int(lifetime.total_seconds()),
        question=item.get("Question", ""),
    )


def read_assignment(item: dict[str, Any]) -> Assignment:
    """Return the assignment of an answer: submitted, approved or rejected."""

    def moment(name: str) -> datetime | None:
        return _moment(item[name]) if name in item else None

    answer = parse_answer(item.get("Answer", ""))
    return Assignment(
        assignment_id=item["AssignmentId"],
        worker_id=item["WorkerId"],
        hit_id=item["HITId"],
        status=_one_of(_ASSIGNMENT_STATUSES, item["AssignmentStatus"]),
        accepted_at=moment("AcceptTime"),
        submitted_at=moment("SubmitTime"),
        auto_approval_at=moment("AutoApprovalTime"),
        approved_at=moment("ApprovalTime"),
        rejected_at=moment("RejectionTime"),
        answer=answer.fields,
        answer_values=answer.values,
    )


def read_bonus(item: dict[str, Any]) -> Bonus:
    """Return the bonus of an answer."""
    amount = read_dollars(item["BonusAmount"])
    return Bonus(item["AssignmentId"], item["WorkerId"], amount, item.get("Reason", ""))


def read_balance(answer: dict[str, Any]) -> Balance:
    """Return the balance of an answer."""
    held = answer.get("OnHoldBalance")
    return Balance(read_dollars(answer["AvailableBalance"]), None if held is None else read_dollars(held))


def read_dollars(text: str) -> Decimal:
    """Return an amount of an answer."""
    if not _DOLLARS.fullmatch(text):
        raise ValueError(f"{text[:30]!r} is no amount")
    return Decimal(text)


def the_one(item: dict[str, Any], name: str, value: str) -> dict[str, Any]:
    """Return what was asked for by its id, which the answer must name."""
    if item[name] != value:
        raise ValueError(f"{value} was asked for, not {item[name]}")
    return item


def _one_of(words: tuple[str, ...], word: str) -> str:
    if word not in words:
        raise ValueError(f"there is no status {word!r}")
    return word


def _count(number: int) -> int:
    if not 0 <= number <= _MOST:
        raise ValueError("a number is out of all bounds")
    return number


def _moment(moment: datetime) -> datetime:
    if moment.year not in _YEARS:
        raise ValueError(f"the year {moment.year} is out of all bounds")
    return moment.astimezone(UTC)
