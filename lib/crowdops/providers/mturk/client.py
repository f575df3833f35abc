"""A client of an endpoint that serves the MTurk Requester API (2017-01-17): the few calls that we need.

What concerns workers is in workers.py, what answers become in models.py; retries.py makes the calls.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from crowdops.config.parameters import Parameters
from crowdops.errors import DuplicateToken, NotFound, WrongState
from crowdops.providers.mturk.models import (
    Balance,
    Bonus,
    Definition,
    Hit,
    read_assignment,
    read_balance,
    read_bonus,
    read_definition,
    read_hit,
    the_one,
)
from crowdops.providers.mturk.workers import Workers
from crowdops.registry import Assignment

__all__ = ["LISTING_LAG", "Balance", "Bonus", "Definition", "Hit", "MTurk"]

_T = TypeVar("_T")

LISTING_LAG = timedelta(seconds=60)  # how long ListHITs may lack a new HIT


class MTurk(Workers):
    """A client of one endpoint, for many threads. It calls nobody before the first call."""

    def balance(self) -> Decimal:
        """Return the dollars that can be spent."""
        return self.account().available

    def account(self) -> Balance:
        """Return what the account has."""
        balance: Balance = self._call("get_account_balance", read_balance)
        return balance

    def create_hit_type(self, parameters: Parameters, further: Sequence[dict[str, Any]] = ()) -> str:
        """Return the id of the HIT type with a run's parameters, made or found: safe to repeat.

        `further` are qualification requirements beside the run's own.
        """
        hit_type_id: str = self._call(
            "create_hit_type",
            lambda answer: answer["HITTypeId"],
            Title=parameters.task_title,
            Description=parameters.task_description,
            Keywords=parameters.task_tags,
            Reward=str(parameters.task_reward),
            AssignmentDurationInSeconds=parameters.assignment_duration_in_seconds,
            AutoApprovalDelayInSeconds=parameters.auto_approval_delay_in_seconds,
            QualificationRequirements=[*parameters.qualifications, *further],
        )
        return hit_type_id

    def create_hit(
        self, *, hit_type_id: str, question: str, annotation: str, assignments: int, lifetime: int, token: str
    ) -> str:
        """Create a HIT and return its id. DuplicateToken: it was made before, settle by reading."""
        hit_id: str = self._call(
            "create_hit_with_hit_type",
            lambda answer: answer["HIT"]["HITId"],
            HITTypeId=hit_type_id,
            Question=question,
            RequesterAnnotation=annotation,
            MaxAssignments=assignments,
            LifetimeInSeconds=lifetime,
            UniqueRequestToken=token,
        )
        return hit_id

    def hit(self, hit_id: str) -> Hit:
        """Return a HIT. NotFound if it was disposed of, or never was."""
        hit = self._get_hit(hit_id, read_hit)
        if hit.status == "Disposed":
            raise NotFound(f"HIT {hit_id} was disposed of.")
        return hit

    def definition(self, hit_id: str) -> Definition:
        """Return what a HIT was made from. NotFound if it was disposed of, or never was."""
        return self._get_hit(hit_id, read_definition)

    def _get_hit(self, hit_id: str, read: Callable[[dict[str, Any]], _T]) -> _T:
        hit: _T = self._call(
            "get_hit", lambda answer: read(the_one(answer["HIT"], "HITId", hit_id)), HITId=hit_id
        )
        return hit

    def iter_hits(self) -> Iterator[Hit]:
        """Yield every HIT of the account that is not disposed of, once each.

        One call a hundred HITs, and one more, made one after another while the HITs before are worked on. A
        new HIT may be absent for a minute.
        """
        hit_ids: set[str] = set()
        for hit in self._items("list_hits", "HITs", read_hit, ahead=True):
            if hit.hit_id not in hit_ids:  # a list that changes while it is read can repeat items
                hit_ids.add(hit.hit_id)
                yield hit

    def iter_hits_asking_for(self, type_id: str) -> Iterator[Hit]:
        """Yield the HITs that ask for a qualification of ours. A new one may be absent for a minute."""
        yield from self._items(
            "list_hits_for_qualification_type", "HITs", read_hit, QualificationTypeId=type_id
        )

    def iter_reviewable(self, hit_type_id: str, status: str = "Reviewable") -> Iterator[Hit]:
        """Yield the HITs of a type that have ended and are not marked Reviewing, or those that are."""
        yield from self._items("list_reviewable_hits", "HITs", read_hit, HITTypeId=hit_type_id, Status=status)

    def iter_ended(self, hit_type_id: str) -> Iterator[Hit]:
        """Yield the HITs of a type that have ended. One call for a hundred, and two more."""
        for status in ("Reviewable", "Reviewing"):
            yield from self.iter_reviewable(hit_type_id, status)

    def submissions(self, hit_id: str, expected: int) -> list[Assignment]:
        """Return what was submitted to a HIT. One call if a page has as many as `expected`."""
        assignments: dict[str, Assignment] = {}

        def read(item: dict[str, Any]) -> Assignment:
            return read_assignment(the_one(item, "HITId", hit_id))

        for assignment in self._items("list_assignments_for_hit", "Assignments", read, HITId=hit_id):
            assignments[assignment.assignment_id] = assignment
            if len(assignments) >= expected:
                break
        return list(assignments.values())

    def expire(self, hit_id: str) -> None:
        """Expire a HIT: nobody can accept it from now on. Safe to repeat. NotFound if it is gone.

        The date lies years back, never at the present: a clock that is a second off turns "now" into an
        extension. It differs each time: the service refuses a date that it has seen for this HIT.
        """
        seconds = time.time_ns() // 1_000_000 % 100_000_000
        moment = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        with contextlib.suppress(DuplicateToken):  # this HIT was expired with this very date before
            self._call("update_expiration_for_hit", HITId=hit_id, ExpireAt=moment)

    def extend(self, hit_id: str, until: datetime) -> None:
        """Let a HIT be open until a moment, one that has expired as well: at least a minute more.

        DuplicateToken: it was extended to this very second before. NotFound if it is gone.
        """
        self._call("update_expiration_for_hit", HITId=hit_id, ExpireAt=until)

    def add_assignments(self, hit_id: str, more: int, token: str) -> None:
        """Give a HIT more assignments; one that has expired stays so. DuplicateToken: settle by reading."""
        self._call(
            "create_additional_assignments_for_hit",
            HITId=hit_id,
            NumberOfAdditionalAssignments=more,
            UniqueRequestToken=token,
        )

    def mark_reviewing(self, hit_id: str) -> None:
        """Take an ended HIT off the list of reviewable ones. Safe to repeat."""
        with contextlib.suppress(WrongState):  # marked before, or extended by somebody
            self._call("update_hit_review_status", HITId=hit_id, Revert=False)

    def delete_hit(self, hit_id: str) -> None:
        """Delete an ended HIT and its assignments. NotFound if it is gone, WrongState if it is not ready."""
        try:
            self._call("delete_hit", HITId=hit_id)
        except WrongState as error:
            if "'Disposed'" in str(error):
                raise NotFound(f"HIT {hit_id} was disposed of.") from error
            raise

    # Assignments and money

    def submission(self, assignment_id: str) -> Assignment:
        """Return an assignment that was submitted. NotFound, or WrongState while it is being worked on."""

        def read(answer: dict[str, Any]) -> Assignment:
            return read_assignment(the_one(answer["Assignment"], "AssignmentId", assignment_id))

        assignment: Assignment = self._call("get_assignment", read, AssignmentId=assignment_id)
        return assignment

    def approve(self, assignment_id: str, feedback: str | None, *, override: bool = False) -> None:
        """Approve and pay an assignment; `override` takes back a rejection.

        WrongState if its state does not call for it (any more): settle by reading.
        """
        optional: dict[str, Any] = {"RequesterFeedback": feedback} if feedback else {}
        self._call("approve_assignment", AssignmentId=assignment_id, OverrideRejection=override, **optional)

    def reject(self, assignment_id: str, feedback: str) -> None:
        """Reject an assignment, which is then not paid. WrongState as for approve()."""
        self._call("reject_assignment", AssignmentId=assignment_id, RequesterFeedback=feedback)

    def send_bonus(self, bonus: Bonus, token: str) -> None:
        """Pay a bonus. DuplicateToken: it was paid within a day, settle by reading iter_bonuses()."""
        self._call(
            "send_bonus",
            AssignmentId=bonus.assignment_id,
            WorkerId=bonus.worker_id,
            BonusAmount=str(bonus.amount),
            Reason=bonus.reason,
            UniqueRequestToken=token,
        )

    def iter_bonuses(self, assignment_id: str) -> Iterator[Bonus]:
        """Yield the bonuses that were paid for an assignment, by whomever."""
        yield from self._bonuses(AssignmentId=assignment_id)

    def iter_bonuses_of_hit(self, hit_id: str) -> Iterator[Bonus]:
        """Yield the bonuses that were paid for a HIT's assignments, by whomever. NotFound if it is gone."""
        yield from self._bonuses(HITId=hit_id)

    def _bonuses(self, **parent: Any) -> Iterator[Bonus]:
        yield from self._items("list_bonus_payments", "BonusPayments", read_bonus, **parent)
