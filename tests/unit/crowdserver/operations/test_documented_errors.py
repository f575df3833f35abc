"""Each error that the API documents, by each operation that can answer with it: its code and its text.

Whatever is refused leaves no trace, so that all rows of the table share one account.
"""

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, update

from crowdserver.operations import workers
from crowdserver.operations.dispatch import OPERATIONS
from crowdserver.protocol import validation
from crowdserver.protocol.call import Call
from crowdserver.protocol.credentials import Credentials
from crowdserver.protocol.errors import ApiError
from crowdserver.storage import schema
from crowdserver.storage.database import Database
from crowdserver.storage.transactions import Crowd
from crowdserver.worker import assignments, qualifications
from tests.support.offers import html_question

_HALF_A_YEAR = 184 * 86_400
# A date that was asked for once, to the second.
_EXTENDED = int(time.time()) + 50_000
_DATE = time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(_EXTENDED))
_FEW: dict[str, Any] = {"Title": "t", "Description": "d", "Reward": "0.10", "AssignmentDurationInSeconds": 60}
_DEAR = {**_FEW, "Reward": "700.00"}
_HIT: dict[str, Any] = {"LifetimeInSeconds": 3600, "Question": html_question()}
_BONUS: dict[str, Any] = {"WorkerId": "AWORKER", "BonusAmount": "0.10", "Reason": "r"}
_SNS: dict[str, Any] = {"Destination": "arn:1", "Transport": "SNS", "Version": "2014-08-15", "EventTypes": []}


class _Account:
    """An account of which most is spent, with something in each state; `names` are the ids of all that."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.database.prepare(Decimal(1000))
        self.crowd = Crowd(self.database, Credentials("KEY0000000000000", "s" * 40))
        self.names: dict[str, str] = {}
        with self.database.write() as tx:
            workers.invite(tx, time.time(), "Worker", "AWORKER")
        self._make_qualifications()
        self._make_hits()
        self._spend()

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """Run an operation as the API does it."""
        named = json.loads(json.dumps(members), object_hook=self._named)
        checked = validation.read_input(operation, json.dumps(named).encode())

        def run(tx: Connection, now: float) -> dict[str, Any]:
            return OPERATIONS[operation].run(Call(tx, now, checked, "request", self.crowd.page_tokens))

        return self.crowd.run(run, writes=OPERATIONS[operation].writes)

    def _named(self, members: dict[str, Any]) -> dict[str, Any]:
        return {
            name: self.names.get(value, value) if isinstance(value, str) else value
            for name, value in members.items()
        }

    def _make_qualifications(self) -> None:
        for name in ("active", "inactive", "deleted"):
            made = self.call(
                "CreateQualificationType",
                Name=f"Quick {name}",
                Description="d",
                QualificationTypeStatus="Active",
            )
            self.names[name] = made["QualificationType"]["QualificationTypeId"]
            needed = [{"QualificationTypeId": name, "Comparator": "Exists"}]
            type_id = self.call("CreateHITType", **{**_FEW, "QualificationRequirements": needed})["HITTypeId"]
            self.names[f"type of {name}"] = type_id
            self.call("AssociateQualificationWithWorker", QualificationTypeId=name, WorkerId="AWORKER")
        self.call("DisassociateQualificationFromWorker", QualificationTypeId="inactive", WorkerId="AWORKER")
        with self.crowd.writing() as (tx, now):
            qualifications.ask(tx, now, "AOTHER", self.names["active"])
        (request,) = self.call("ListQualificationRequests")["QualificationRequests"]
        self.names["decided"] = request["QualificationRequestId"]
        self.call("AcceptQualificationRequest", QualificationRequestId="decided")
        self.call(
            "UpdateQualificationType", QualificationTypeId="inactive", QualificationTypeStatus="Inactive"
        )
        self.call("DeleteQualificationType", QualificationTypeId="deleted")

    def _make_hits(self) -> None:
        self.names["type"] = self.call("CreateHITType", **_FEW)["HITTypeId"]
        for name in ("open", "accepted", "submitted", "approved", "rejected", "old", "disposed"):
            made = self.call(
                "CreateHITWithHITType", HITTypeId="type", UniqueRequestToken=f"of {name}", **_HIT
            )
            self.names[name] = made["HIT"]["HITId"]
            if name not in ("open", "disposed"):
                self._work(name, submits=name != "accepted")
        self.call("ApproveAssignment", AssignmentId="the approved")
        self.call("RejectAssignment", AssignmentId="the rejected", RequesterFeedback="f")
        self.call("UpdateExpirationForHIT", HITId="disposed", ExpireAt=0)
        self.call("DeleteHIT", HITId="disposed")
        more = {"NumberOfAdditionalAssignments": 1, "UniqueRequestToken": "of more"}
        self.call("CreateAdditionalAssignmentsForHIT", HITId="open", **more)
        self.call("UpdateExpirationForHIT", HITId="open", ExpireAt=_EXTENDED)
        self.call("SendBonus", AssignmentId="the approved", UniqueRequestToken="of bonus", **_BONUS)

    def _work(self, name: str, *, submits: bool, worker_id: str = "AWORKER") -> None:
        with self.crowd.writing() as (tx, now):
            taken = assignments.accept(tx, now, "AOLD" if name == "old" else worker_id, self.names[name])
            self.names[f"the {name}"] = taken.assignment_id
            if submits:
                assignments.submit(tx, now, taken.assignment_id, None, [("a", "b")])
            if name == "old":
                long_ago = update(schema.assignments).where(schema.assignments.c.id == taken.assignment_id)
                tx.execute(long_ago.values(submitted_at=now - _HALF_A_YEAR))

    def _spend(self) -> None:
        """Three HITs for 840 dollars each: one whose work was rejected, one expired, one that holds them."""
        self.names["dear"] = self.call("CreateHITType", **_DEAR)["HITTypeId"]
        for name in ("unpaid", "expired", "held"):
            made = self.call("CreateHITWithHITType", HITTypeId="dear", **_HIT)
            self.names[name] = made["HIT"]["HITId"]
            if name == "unpaid":
                self._work(name, submits=True)
                self.call("RejectAssignment", AssignmentId="the unpaid", RequesterFeedback="f")
            if name == "expired":
                self.call("UpdateExpirationForHIT", HITId="expired", ExpireAt=0)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Account]:
    made = _Account(f"sqlite:///{tmp_path_factory.mktemp('crowd')}/crowd.db")
    yield made
    made.database.close()


Row = tuple[str, dict[str, Any], str, str]
_STATUS = "This operation can be called with a status of: "
_NO_TYPE = "QualificationType 3X does not exist."
_FUNDS = (
    "This Requester has insufficient funds in their account to complete this transaction. Please visit"
    " https://requester.mturk.com/prepayments/new to purchase Prepaid HITs."
)
_NOBODY = 'The value "ANOBODY" is not valid for the parameter WorkerId.'
_XML = (
    "There was an error parsing the XML question or answer data in your request.  Please make sure the data"
    " is well-formed and validates against the appropriate schema. Details: syntax error: line 1, column 0"
)
_QUALIFIED = {"QualificationTypeId": "active", "WorkerId": "AWORKER"}


def _requiring(type_id: str) -> dict[str, Any]:
    return {"QualificationRequirements": [{"QualificationTypeId": type_id, "Comparator": "Exists"}]}


# An operation, its input, where names stand for the account's ids, and the TurkErrorCode and the text.
_NOT_THERE: list[Row] = [
    *(
        (operation, {"HITId": "3X", **more}, "HITDoesNotExist", "Hit 3X does not exist.")
        for operation, more in {
            "CreateAdditionalAssignmentsForHIT": {"NumberOfAdditionalAssignments": 1},
            "DeleteHIT": {},
            "GetHIT": {},
            "ListAssignmentsForHIT": {},
            "ListBonusPayments": {},
            "ListReviewPolicyResultsForHIT": {},
            "UpdateExpirationForHIT": {"ExpireAt": 0},
            "UpdateHITReviewStatus": {},
            "UpdateHITTypeOfHIT": {"HITTypeId": "type"},
        }.items()
    ),
    *(
        (operation, {"HITTypeId": "3X", **more}, "HITTypeDoesNotExist", "HITType 3X does not exist.")
        for operation, more in {
            "CreateHITWithHITType": _HIT,
            "UpdateHITTypeOfHIT": {"HITId": "open"},
            "UpdateNotificationSettings": {"Active": True},
        }.items()
    ),
    *(
        (operation, {"AssignmentId": "3X", **more}, "AssignmentDoesNotExist", "Assignment 3X does not exist.")
        for operation, more in {
            "ApproveAssignment": {},
            "GetAssignment": {},
            "GetFileUploadURL": {"QuestionIdentifier": "q"},
            "ListBonusPayments": {},
            "RejectAssignment": {"RequesterFeedback": "f"},
            "SendBonus": _BONUS,
        }.items()
    ),
    *(
        (operation, {"QualificationTypeId": "3X", **more}, "QualificationTypeDoesNotExist", _NO_TYPE)
        for operation, more in {
            "AssociateQualificationWithWorker": {"WorkerId": "AWORKER"},
            "DeleteQualificationType": {},
            "GetQualificationType": {},
            "ListHITsForQualificationType": {},
            "ListQualificationRequests": {},
            "ListWorkersWithQualificationType": {},
            "UpdateQualificationType": {},
        }.items()
    ),
    ("CreateHITType", {**_FEW, **_requiring("3X")}, "QualificationTypeDoesNotExist", _NO_TYPE),
    ("CreateHIT", {**_FEW, **_HIT, **_requiring("3X")}, "QualificationTypeDoesNotExist", _NO_TYPE),
    (
        "CreateHITWithHITType",
        {"HITTypeId": "type of deleted", **_HIT},
        "QualificationTypeDoesNotExist",
        "QualificationType {deleted} does not exist.",
    ),
    *(
        (
            operation,
            {"QualificationTypeId": "active", "WorkerId": "ANOBODY", **type_id},
            "QualificationDoesNotExist",
            "You requested a Qualification that does not exist.",
        )
        for operation in ("DisassociateQualificationFromWorker", "GetQualificationScore")
        for type_id in ({}, {"QualificationTypeId": "3X"})
    ),
    *(
        (
            operation,
            {"QualificationRequestId": "3X"},
            "QualificationRequestDoesNotExist",
            "QualificationRequest 3X does not exist.",
        )
        for operation in ("AcceptQualificationRequest", "RejectQualificationRequest")
    ),
    (
        "CreateHIT",
        {**_FEW, "LifetimeInSeconds": 60, "HITLayoutId": "3X"},
        "HITLayoutDoesNotExist",
        "HITLayout 3X does not exist.",
    ),
    (
        "CreateHITWithHITType",
        {"HITTypeId": "type", "LifetimeInSeconds": 60, "HITLayoutId": "3X"},
        "HITLayoutDoesNotExist",
        "HITLayout 3X does not exist.",
    ),
]
_STATES: list[Row] = [
    (
        "GetAssignment",
        {"AssignmentId": "the accepted"},
        "InvalidAssignmentState",
        f"{_STATUS}Reviewable,Approved,Rejected",
    ),
    *(
        (operation, {"AssignmentId": f"the {name}", **more}, "InvalidAssignmentState", _STATUS + allowed)
        for operation, more in {
            "ApproveAssignment": {},
            "RejectAssignment": {"RequesterFeedback": "f"},
        }.items()
        for name, allowed in {"accepted": "null", "approved": "Submitted", "rejected": "Submitted"}.items()
    ),
    (
        "ApproveAssignment",
        {"AssignmentId": "the approved", "OverrideRejection": True},
        "InvalidAssignmentState",
        f"{_STATUS}Submitted",
    ),
    *(
        (
            "DeleteHIT",
            {"HITId": name},
            "InvalidHITState",
            f"This HIT is currently in the state '{status}'.  {_STATUS}Reviewing, Reviewable",
        )
        for name, status in {
            "open": "Assignable",
            "accepted": "Unassignable",
            "submitted": "Reviewable",
            "disposed": "Disposed",
        }.items()
    ),
    (
        "UpdateHITReviewStatus",
        {"HITId": "open"},
        "InvalidHITState",
        f"This HIT is currently in the state 'Assignable'.  {_STATUS}Reviewable",
    ),
    (
        "UpdateHITReviewStatus",
        {"HITId": "approved", "Revert": True},
        "InvalidHITState",
        f"This HIT is currently in the state 'Reviewable'.  {_STATUS}Reviewing",
    ),
    (
        "UpdateHITTypeOfHIT",
        {"HITId": "accepted", "HITTypeId": "type"},
        "InvalidHITState",
        "An assignment of the HIT {accepted} has been accepted.",
    ),
    (
        "CreateAdditionalAssignmentsForHIT",
        {"HITId": "open", "NumberOfAdditionalAssignments": 8},
        "InvalidMaximumAssignmentsIncrease",
        "A HIT created with fewer than 10 assignments cannot be extended to 10 or more.",
    ),
    (
        "DeleteQualificationType",
        {"QualificationTypeId": "deleted"},
        "InvalidQualificationTypeState",
        f"{_STATUS}Active,Inactive",
    ),
    *(
        (operation, members, "InvalidQualificationTypeState", f"{_STATUS}Active")
        for operation, members in {
            "CreateHIT": {**_FEW, **_HIT, **_requiring("inactive")},
            "CreateHITType": {**_FEW, **_requiring("inactive")},
            "CreateHITWithHITType": {"HITTypeId": "type of inactive", **_HIT},
            "UpdateHITTypeOfHIT": {"HITId": "open", "HITTypeId": "type of inactive"},
            "UpdateNotificationSettings": {"HITTypeId": "type of inactive", "Active": True},
        }.items()
    ),
    *(
        (
            operation,
            {**_QUALIFIED, "QualificationTypeId": "inactive"},
            "InvalidQualificationState",
            f"{_STATUS}Granted",
        )
        for operation in ("DisassociateQualificationFromWorker", "GetQualificationScore")
    ),
    *(
        (
            operation,
            {"QualificationRequestId": "decided"},
            "InvalidQualificationRequestState",
            f"{_STATUS}Submitted",
        )
        for operation in ("AcceptQualificationRequest", "RejectQualificationRequest")
    ),
    (
        "CreateQualificationType",
        {"Name": "Quick active", "Description": "d", "QualificationTypeStatus": "Active"},
        "QualificationTypeAlreadyExists",
        "You have already created a QualificationType with this name. A QualificationType's name must be"
        " unique among all of the QualificationTypes created by the same user.",
    ),
    (
        "SendBonus",
        {**_BONUS, "AssignmentId": "the old", "WorkerId": "AOLD"},
        "DoesNotMeetRequirements",
        "Worker AOLD has not completed an assignment for you in the last six months.",
    ),
    *(
        (operation, members, "InsufficientFunds", _FUNDS)
        for operation, members in {
            "ApproveAssignment": {"AssignmentId": "the unpaid", "OverrideRejection": True},
            "CreateAdditionalAssignmentsForHIT": {"HITId": "held", "NumberOfAdditionalAssignments": 1},
            "CreateHIT": {**_DEAR, **_HIT},
            "CreateHITWithHITType": {"HITTypeId": "dear", **_HIT},
            "SendBonus": {**_BONUS, "AssignmentId": "the approved", "BonusAmount": "200.00"},
            "UpdateExpirationForHIT": {"HITId": "expired", "ExpireAt": _EXTENDED},
            "UpdateHITTypeOfHIT": {"HITId": "open", "HITTypeId": "dear"},
        }.items()
    ),
]
_TWICE: list[Row] = [
    *(
        (
            operation,
            {**_HIT, **members, "UniqueRequestToken": "of open"},
            "HitAlreadyExists",
            "A HIT was already created with this UniqueRequestToken. HITId: {open}",
        )
        for operation, members in {"CreateHIT": _FEW, "CreateHITWithHITType": {"HITTypeId": "type"}}.items()
    ),
    *(
        (
            operation,
            members,
            "DuplicateCall",
            "A request with this UniqueRequestToken was already processed. Request ID: request",
        )
        for operation, members in {
            "CreateAdditionalAssignmentsForHIT": {
                "HITId": "open",
                "NumberOfAdditionalAssignments": 1,
                "UniqueRequestToken": "of more",
            },
            "SendBonus": {**_BONUS, "AssignmentId": "the approved", "UniqueRequestToken": "of bonus"},
        }.items()
    ),
    (
        "UpdateExpirationForHIT",
        {"HITId": "open", "ExpireAt": _EXTENDED},
        "DuplicateCall",
        f'The idempotency token "{{open}}{_DATE}" has already been processed.',
    ),
]
_OF_LISTS: list[Row] = [
    (
        operation,
        {**members, "NextToken": "x"},
        "InvalidParameterValue",
        "The NextToken is not valid for this list.",
    )
    for operation, members in {
        "ListAssignmentsForHIT": {"HITId": "open"},
        "ListBonusPayments": {"HITId": "open"},
        "ListHITs": {},
        "ListHITsForQualificationType": {"QualificationTypeId": "active"},
        "ListQualificationRequests": {},
        "ListQualificationTypes": {"MustBeRequestable": False},
        "ListReviewPolicyResultsForHIT": {"HITId": "open"},
        "ListReviewableHITs": {},
        "ListWorkerBlocks": {},
        "ListWorkersWithQualificationType": {"QualificationTypeId": "active"},
    }.items()
]
# Answered as ParameterValidationError.
_PARAMETERS: list[Row] = [
    *(
        (operation, members, "InvalidParameterValue", _NOBODY)
        for operation, members in {
            "AssociateQualificationWithWorker": {"QualificationTypeId": "active", "WorkerId": "ANOBODY"},
            "CreateWorkerBlock": {"WorkerId": "ANOBODY", "Reason": "r"},
        }.items()
    ),
    ("DeleteWorkerBlock", {"WorkerId": "ANOBODY"}, "InvalidParameterValue", "WorkerId is invalid."),
    (
        "SendBonus",
        {**_BONUS, "AssignmentId": "the approved", "WorkerId": "AOLD"},
        "InvalidParameterValue",
        "Worker AOLD did not submit assignment {the approved}.",
    ),
    (
        "UpdateExpirationForHIT",
        {"HITId": "open", "ExpireAt": _EXTENDED + 11},
        "InvalidParameterValue",
        "The value 11 is invalid for ExpirationIncrementInSeconds. Valid values range from 60 to 31536000.",
    ),
    (
        "NotifyWorkers",
        {"Subject": "s", "MessageText": "t", "WorkerIds": ["AWORKER"] * 101},
        "InvalidParameterValue",
        "A message goes to 1 to 100 WorkerIds, not to 101.",
    ),
    (
        "GetFileUploadURL",
        {"AssignmentId": "the submitted", "QuestionIdentifier": "q"},
        "InvalidParameterValue",
        "There is no file for the question q: FileUploadAnswer is no longer supported.",
    ),
    (
        "SendTestEventNotification",
        {"Notification": _SNS, "TestEventType": "Ping"},
        "InvalidParameterValue",
        "A Notification needs one of the EventTypes at least.",
    ),
    *(
        (
            operation,
            {**members, "LifetimeInSeconds": 60, "Question": "no XML"},
            "XMLParseError",
            _XML,
        )
        for operation, members in {"CreateHIT": _FEW, "CreateHITWithHITType": {"HITTypeId": "type"}}.items()
    ),
]
_REQUESTS = [*_NOT_THERE, *_STATES, *_TWICE, *_OF_LISTS]


@pytest.mark.parametrize(
    ("operation", "members", "code", "text"),
    [*_REQUESTS, *_PARAMETERS],
    ids=lambda value: value if isinstance(value, str) and value.isalnum() else "",
)
def test_each_documented_error_is_answered_with_its_text(
    account: _Account, operation: str, members: dict[str, Any], code: str, text: str
) -> None:
    with pytest.raises(ApiError) as caught:
        account.call(operation, **members)
    refusal = caught.value
    kind = "ParameterValidationError" if (operation, members, code, text) in _PARAMETERS else "RequestError"
    assert (refusal.kind, refusal.turk_code) == (kind, f"MechanicalTurk.{code}")
    assert refusal.message == text.format(**account.names)


@pytest.mark.parametrize(
    ("member", "rows", "but"),
    [
        ("HITId", "HITDoesNotExist", set()),
        # A list of what is of a type that nobody made is empty.
        ("HITTypeId", "HITTypeDoesNotExist", {"ListReviewableHITs"}),
        ("AssignmentId", "AssignmentDoesNotExist", set()),
        # Amazon says of these two no more than that there is no qualification.
        ("QualificationTypeId", "QualificationTypeDoesNotExist",
         {"DisassociateQualificationFromWorker", "GetQualificationScore"}),
        ("QualificationRequestId", "QualificationRequestDoesNotExist", set()),
        ("HITLayoutId", "HITLayoutDoesNotExist", set()),
        ("NextToken", "InvalidParameterValue", set()),
    ],
)  # fmt: skip
def test_every_operation_that_names_something_has_its_row(member: str, rows: str, but: set[str]) -> None:
    model = validation.model()
    named = {name for name in OPERATIONS if member in model.operation_model(name).input_shape.members}
    assert named - but == {row[0] for row in _REQUESTS if row[2] == rows and member in row[1]} - but
