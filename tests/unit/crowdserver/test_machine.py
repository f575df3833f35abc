"""HITs and assignments as a state machine, against a model of the documented rules.

The model knows nothing of the server. It counts with lists of assignments and derives everything from them;
the server counts with columns in a database. Both live through one history on one clock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Connection

from crowdserver.operations.dispatch import OPERATIONS
from crowdserver.protocol.call import Call
from crowdserver.protocol.credentials import Credentials
from crowdserver.protocol.errors import ApiError
from crowdserver.storage import clock
from crowdserver.storage.database import Database
from crowdserver.storage.transactions import Crowd
from crowdserver.worker import assignments
from crowdserver.worker.refusals import Refused
from tests.support import fuzzing
from tests.support.offers import html_question

_BEGIN = 1_800_000_000.0
_DAY = 86_400
_WORKERS = ["AONE", "ATWO", "ATHREE"]
_DURATION, _DELAY = 600, 2 * _DAY
_COST = 60


@dataclass
class _Share:
    """An assignment in the model."""

    worker: str
    deadline: float
    state: str = "accepted"
    submitted: float = 0.0
    reviewed: float = 0.0


@dataclass
class _Model:
    """A HIT in the model."""

    most: int
    created: float
    expiration: float
    shares: dict[str, _Share] = field(default_factory=dict)
    reviewing: bool = False
    disposed: bool = False

    def number(self, *states: str) -> int:
        return sum(share.state in states for share in self.shares.values())

    @property
    def pending(self) -> int:
        return self.number("accepted")

    @property
    def available(self) -> int:
        return self.most - self.number("accepted", "submitted", "approved", "rejected")

    @property
    def held(self) -> int:
        """How many assignments money is held for: none any more that nobody can take."""
        if self.disposed or (self.expired and not self.pending):
            return self.number("accepted", "submitted")
        return self.available + self.number("accepted", "submitted")

    expired: bool = False

    def status(self) -> str:
        if self.disposed:
            return "Disposed"
        if not self.expired and self.available:
            return "Assignable"
        if self.pending:
            return "Unassignable"
        return "Reviewing" if self.reviewing else "Reviewable"

    def pass_time(self, now: float) -> None:
        self.expired = self.expiration <= now
        for share in self.shares.values():
            if share.state == "accepted" and share.deadline <= now:
                share.state = "abandoned"
            if share.state == "submitted" and share.submitted + _DELAY <= now:
                share.state, share.reviewed = "approved", share.submitted + _DELAY
        if now >= self.created + 120 * _DAY and self.status() in ("Reviewable", "Reviewing"):
            self.disposed = self.disposed or not self.number("submitted")


class HitMachine(RuleBasedStateMachine):
    """Everything requesters and workers may do, in any order, with time passing between."""

    hits = Bundle("hits")
    shares = Bundle("shares")

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory(prefix="machine-")
        database = Database(f"sqlite:///{Path(self._folder.name) / 'crowd.db'}")
        database.prepare(Decimal("100000"))
        self._crowd = Crowd(database, Credentials("CROWDTEST", "secret"))
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(clock, "time", self)
        self._now = _BEGIN
        self._paid = 0
        self._models: dict[str, _Model] = {}
        kind = {"Title": "t", "Description": "d", "Reward": "0.50"}
        durations = {"AssignmentDurationInSeconds": _DURATION, "AutoApprovalDelayInSeconds": _DELAY}
        self._type = self._call("CreateHITType", **kind, **durations)["HITTypeId"]

    def time(self) -> float:
        """Stands in for the module time in the server's clock."""
        return self._now

    def teardown(self) -> None:
        self._crowd.database.close()
        self._patch.undo()
        self._folder.cleanup()

    @contextmanager
    def _writing(self) -> Iterator[tuple[Connection, float]]:
        with self._crowd.writing() as (tx, now):
            yield tx, now

    def _call(self, operation: str, **given: Any) -> dict[str, Any]:
        with self._writing() as (tx, now):
            return OPERATIONS[operation].run(Call(tx, now, given, "request", self._crowd.page_tokens))

    def _refusal(self, operation: str, **given: Any) -> str:
        """The kind of error a call is refused with; nothing if it works."""
        try:
            self._call(operation, **given)
        except ApiError as error:
            return (error.turk_code or error.kind).rpartition(".")[2]
        return ""

    def _pay(self) -> None:
        self._paid = sum(model.number("approved") for model in self._models.values()) * _COST

    @rule(target=hits, most=st.integers(1, 3), lifetime=st.sampled_from([300, 3600, 200 * _DAY]))
    def create(self, most: int, lifetime: int) -> str:
        hit = self._call(
            "CreateHITWithHITType",
            HITTypeId=self._type,
            MaxAssignments=most,
            LifetimeInSeconds=lifetime,
            Question=html_question(),
        )["HIT"]
        self._models[hit["HITId"]] = _Model(most, self._now, self._now + lifetime)
        return str(hit["HITId"])

    @rule(target=shares, hit=hits, worker=st.sampled_from(_WORKERS))
    def accept(self, hit: str, worker: str) -> tuple[str, str]:
        model = self._models[hit]
        mine = [share.state for share in model.shares.values() if share.worker == worker]
        if "accepted" in mine:
            expected = "in_progress"
        elif {"submitted", "approved", "rejected"} & set(mine):
            expected = "already_done"
        else:
            expected = "" if model.status() == "Assignable" else "gone"
        try:
            with self._writing() as (tx, now):
                taken = assignments.accept(tx, now, worker, hit)
        except Refused as refused:
            assert refused.code == expected
            return hit, ""
        assert expected == ""
        model.shares[taken.assignment_id] = _Share(worker, self._now + _DURATION)
        return hit, taken.assignment_id

    @rule(share=shares)
    def submit(self, share: tuple[str, str]) -> None:
        self._finish(share, "submitted")

    @rule(share=shares)
    def give_back(self, share: tuple[str, str]) -> None:
        self._finish(share, "returned")

    def _finish(self, share: tuple[str, str], state: str) -> None:
        hit, assignment_id = share
        known = self._models[hit].shares.get(assignment_id)
        if known is None:
            expected = "unknown"
        else:
            expected = {"accepted": "", "abandoned": "late"}.get(known.state, "over")
        try:
            with self._writing() as (tx, now):
                if state == "submitted":
                    assignments.submit(tx, now, assignment_id, None, [("label", "cat")])
                else:
                    assignments.give_back(tx, now, known.worker if known else "AONE", assignment_id)
        except Refused as refused:
            assert refused.code == expected
            return
        assert expected == "" and known is not None
        known.state, known.submitted = state, self._now

    @rule(share=shares, override=st.booleans())
    def approve(self, share: tuple[str, str], override: bool) -> None:
        hit, assignment_id = share
        model = self._models[hit]
        known = model.shares.get(assignment_id)
        expected = self._review_refusal(model, known)
        if known and not model.disposed and known.state == "rejected" and override:
            expected = "" if self._now - known.submitted <= 30 * _DAY else "InvalidAssignmentState"
        refusal = self._refusal("ApproveAssignment", AssignmentId=assignment_id, OverrideRejection=override)
        assert refusal == expected
        if known and not refusal:
            known.state = "approved"

    @rule(share=shares)
    def reject(self, share: tuple[str, str]) -> None:
        hit, assignment_id = share
        model = self._models[hit]
        known = model.shares.get(assignment_id)
        refusal = self._refusal("RejectAssignment", AssignmentId=assignment_id, RequesterFeedback="no")
        assert refusal == self._review_refusal(model, known)
        if known and not refusal:
            known.state = "rejected"

    def _review_refusal(self, model: _Model, known: _Share | None) -> str:
        if known is None or model.disposed or known.state in ("returned", "abandoned"):
            return "AssignmentDoesNotExist"
        return "" if known.state == "submitted" else "InvalidAssignmentState"

    @rule(hit=hits)
    def expire(self, hit: str) -> None:
        model = self._models[hit]
        refusal = self._refusal("UpdateExpirationForHIT", HITId=hit, ExpireAt=0)
        assert refusal == ("HITDoesNotExist" if model.disposed else "")
        if not refusal:
            model.expiration = min(model.expiration, self._now)
            model.pass_time(self._now)

    @rule(hit=hits, increment=st.sampled_from([-100, 59, 60, 7200]))
    def extend(self, hit: str, increment: int) -> None:
        model = self._models[hit]
        wanted = max(model.expiration, self._now) + increment
        refusal = self._refusal("UpdateExpirationForHIT", HITId=hit, ExpireAt=wanted)
        if model.disposed:
            assert refusal == "HITDoesNotExist"
        elif wanted < self._now:
            # A date that is over expires, whatever it was meant for.
            assert refusal == ""
            model.expiration = min(model.expiration, self._now)
        elif increment < 60:
            assert refusal == "InvalidParameterValue"
        elif refusal:
            # The same date was asked for within a day.
            assert refusal == "DuplicateCall"
        else:
            model.expiration = wanted
            model.reviewing = model.reviewing and not model.available
        model.pass_time(self._now)

    @rule(hit=hits, more=st.integers(1, 2))
    def add_assignments(self, hit: str, more: int) -> None:
        model = self._models[hit]
        refusal = self._refusal(
            "CreateAdditionalAssignmentsForHIT", HITId=hit, NumberOfAdditionalAssignments=more
        )
        if model.disposed:
            assert refusal == "HITDoesNotExist"
        elif model.most + more >= 10:
            assert refusal == "InvalidMaximumAssignmentsIncrease"
        else:
            assert refusal == ""
            model.most += more
            model.reviewing = model.reviewing and model.expired

    @rule(hit=hits, revert=st.booleans())
    def review(self, hit: str, revert: bool) -> None:
        model = self._models[hit]
        refusal = self._refusal("UpdateHITReviewStatus", HITId=hit, Revert=revert)
        if model.disposed:
            assert refusal == "HITDoesNotExist"
        elif model.status() == ("Reviewing" if revert else "Reviewable"):
            assert refusal == ""
            model.reviewing = not revert
        else:
            assert refusal == "InvalidHITState"

    @rule(hit=hits)
    def delete(self, hit: str) -> None:
        model = self._models[hit]
        can = model.status() in ("Reviewable", "Reviewing") and not model.number("submitted")
        assert self._refusal("DeleteHIT", HITId=hit) == ("" if can else "InvalidHITState")
        model.disposed = model.disposed or can

    @rule(seconds=st.sampled_from([1, 299, 600, 3600, _DAY, 3 * _DAY]))
    def wait(self, seconds: int) -> None:
        self._let_pass(seconds)

    @precondition(lambda self: len(self._models) > 1)
    @rule(days=st.sampled_from([31, 121]))
    def wait_long(self, days: int) -> None:
        self._let_pass(days * _DAY)

    def _let_pass(self, seconds: float) -> None:
        self._now += seconds
        for model in self._models.values():
            model.pass_time(self._now)

    @invariant()
    def every_hit_is_as_the_model_says(self) -> None:
        for hit_id, model in self._models.items():
            if model.disposed:
                assert self._refusal("GetHIT", HITId=hit_id) == "HITDoesNotExist"
                continue
            hit = self._call("GetHIT", HITId=hit_id)["HIT"]
            counters = [hit[f"NumberOfAssignments{name}"] for name in ("Available", "Pending", "Completed")]
            assert counters == [model.available, model.pending, model.number("approved", "rejected")]
            assert (hit["HITStatus"], hit["Expiration"], hit["MaxAssignments"]) == (
                model.status(),
                model.expiration,
                model.most,
            )
            listed = self._call("ListAssignmentsForHIT", HITId=hit_id, MaxResults=100)["Assignments"]
            assert {one["AssignmentId"]: one["AssignmentStatus"].lower() for one in listed} == {
                assignment_id: share.state
                for assignment_id, share in model.shares.items()
                if share.state in ("submitted", "approved", "rejected")
            }

    @invariant()
    def the_lists_hold_what_they_should(self) -> None:
        living = {hit_id: model.status() for hit_id, model in self._models.items() if not model.disposed}
        assert self._listed("ListHITs") == set(living)
        for status in ("Reviewable", "Reviewing"):
            expected = {hit_id for hit_id, found in living.items() if found == status}
            assert self._listed("ListReviewableHITs", Status=status) == expected

    def _listed(self, operation: str, **given: Any) -> set[str]:
        return {hit["HITId"] for hit in self._call(operation, MaxResults=100, **given)["HITs"]}

    @invariant()
    def no_cent_is_lost(self) -> None:
        self._pay()
        held = sum(model.held for model in self._models.values()) * _COST
        balance = self._call("GetAccountBalance")
        assert balance == {
            "AvailableBalance": str(Decimal(10_000_000 - self._paid - held).scaleb(-2)),
            "OnHoldBalance": str(Decimal(held).scaleb(-2)),
        }


TestHitMachine = HitMachine.TestCase
TestHitMachine.settings = settings(
    max_examples=fuzzing.number(12, 100), stateful_step_count=30, deadline=None
)
