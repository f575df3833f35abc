"""HITs, bonuses and the balance as the library sees them, read from answers of the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from crowdops.formats.marks import Mark, parse_annotation
from crowdops.formats.question_xml import parse_answer
from crowdops.registry import Assignment


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


def read_hit(item: dict[str, Any]) -> Hit:
    """Return the HIT of an answer."""
    return Hit(
        hit_id=item["HITId"],
        hit_type_id=item.get("HITTypeId", ""),
        status=item.get("HITStatus", ""),
        annotation=item.get("RequesterAnnotation", ""),
        max_assignments=item.get("MaxAssignments", 0),
        available=item.get("NumberOfAssignmentsAvailable", 0),
        pending=item.get("NumberOfAssignmentsPending", 0),
        completed=item.get("NumberOfAssignmentsCompleted", 0),
        reward=Decimal(item.get("Reward", "0")),
        created_at=item["CreationTime"].astimezone(UTC),
        expiration=item["Expiration"].astimezone(UTC),
        assignment_duration=timedelta(seconds=item.get("AssignmentDurationInSeconds", 0)),
    )


def read_definition(item: dict[str, Any]) -> Definition:
    """Return what a HIT of an answer was made from."""
    return Definition(
        title=item["Title"],
        description=item["Description"],
        keywords=item.get("Keywords", ""),
        reward=Decimal(item["Reward"]),
        assignment_duration=item["AssignmentDurationInSeconds"],
        auto_approval_delay=item.get("AutoApprovalDelayInSeconds", 0),
        qualifications=item.get("QualificationRequirements", []),
        max_assignments=item["MaxAssignments"],
        lifetime=int((item["Expiration"] - item["CreationTime"]).total_seconds()),
        question=item.get("Question", ""),
    )


def read_assignment(item: dict[str, Any]) -> Assignment:
    """Return the assignment of an answer: submitted, approved or rejected."""

    def moment(name: str) -> datetime | None:
        return item[name].astimezone(UTC) if name in item else None

    answer = parse_answer(item.get("Answer", ""))
    return Assignment(
        assignment_id=item["AssignmentId"],
        worker_id=item["WorkerId"],
        hit_id=item["HITId"],
        status=item["AssignmentStatus"],
        accepted_at=moment("AcceptTime"),
        submitted_at=moment("SubmitTime"),
        auto_approval_at=moment("AutoApprovalTime"),
        approved_at=moment("ApprovalTime"),
        rejected_at=moment("RejectionTime"),
        answer=answer.fields,
        answer_values=answer.values,
    )
