"""All operations of the service model: each is there, and each of the model's constraints is kept by each."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.model import ListShape, Shape, StructureShape
from sqlalchemy import update

from crowdserver.operations.dispatch import OPERATIONS
from crowdserver.protocol import validation
from crowdserver.protocol.errors import ApiError
from crowdserver.storage import schema
from tests.support.crowds import Crowd
from tests.support.offers import html_question
from tests.support.processes import wait_until
from tests.support.refusals import refused
from tests.support.requesters import BOTH, Requester, Workers

_WORDS = {"^A[A-Z0-9]+$": "A1", "^[A-Z0-9]+$": "X1", r"^[0-9]+(\.)?[0-9]{0,2}$": "0.10"}
_NUMBERS = {"boolean": True, "timestamp": 1}


def value_of(shape: Shape) -> Any:
    """Return a value that breaks no constraint, with every member that there is."""
    if isinstance(shape, StructureShape):
        return {name: value_of(member) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [value_of(shape.member)] * max(1, shape.metadata.get("min", 1))
    if shape.type_name != "string":
        return _NUMBERS.get(shape.type_name, max(1, shape.metadata.get("min", 1)))
    plain = "x" * max(1, shape.metadata.get("min", 1))
    return (shape.metadata.get("enum") or [_WORDS.get(shape.metadata.get("pattern", ""), plain)])[0]


def broken(shape: Shape, value: Any, path: str) -> Iterator[tuple[Any, str, str]]:
    """Yield values that break one constraint each, with the path to the member and a part of the text."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            inner = f"{path}.{name}".lstrip(".")
            if name in shape.required_members:
                yield {**value, name: None}, inner, "Member must not be null"
            for worse, place, text in broken(member, value[name], inner):
                yield {**value, name: worse}, place, text
        return
    if isinstance(shape, ListShape):
        for worse, place, text in broken(shape.member, value[0], f"{path}.1.member"):
            yield [worse, *value[1:]], place, text
    rules = {"string": _TEXT_RULES, "integer": _NUMBER_RULES, "long": _NUMBER_RULES}
    for constraint, worse, text in rules.get(shape.type_name, []):
        limit = shape.metadata.get(constraint)
        if limit is not None:
            yield worse(limit), path, text


# A constraint of the model, what breaks it, and a part of what is then said.
_TEXT_RULES: list[tuple[str, Callable[[Any], Any], str]] = [
    ("max", lambda most: "A" * (most + 1), "must have length less than or equal to"),
    ("min", lambda least: "A" * (least - 1), "must have length greater than or equal to"),
    ("pattern", lambda _: "no-id!", "must satisfy regular expression pattern"),
    ("enum", lambda _: "Bogus", "must satisfy enum value set"),
]
_NUMBER_RULES: list[tuple[str, Callable[[Any], Any], str]] = [
    ("max", lambda most: most + 1, "must have value less than or equal to"),
    ("min", lambda least: least - 1, "must have value greater than or equal to"),
]


def test_all_operations_of_the_model_are_there() -> None:
    assert set(OPERATIONS) == set(validation.model().operation_names)
    assert len(OPERATIONS) == 39


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_each_constraint_is_kept(operation: str) -> None:
    shape = validation.model().operation_model(operation).input_shape
    assert shape is not None
    right = value_of(shape)
    assert validation.read_input(operation, json.dumps(right).encode()) == right
    cases = list(broken(shape, right, ""))
    assert cases or operation in ("GetAccountBalance", "ListQualificationTypes", "ListHITs")
    for members, path, text in cases:
        with pytest.raises(ApiError) as refusal:
            validation.read_input(operation, json.dumps(members).encode())
        name = ".".join(part[0].lower() + part[1:] for part in path.split("."))
        assert refusal.value.kind == "ValidationException"
        assert f"at '{name}' failed to satisfy constraint" in refusal.value.message, path
        assert text in refusal.value.message, path


_SNS = {
    "Destination": "arn:aws:sns:us-east-1:1:topic",
    "Transport": "SNS",
    "Version": "2014-08-15",
    "EventTypes": ["AssignmentSubmitted", "HITReviewable"],
}
_KNOWN_ANSWERS = {
    "PolicyName": "ScoreMyKnownAnswers/2011-09-01",
    "Parameters": [
        {"Key": "AnswerKey", "MapEntries": [{"Key": "q", "Values": ["cat"]}]},
        {"Key": "ApproveIfKnownAnswerScoreIsAtLeast", "Values": ["80"]},
    ],
}
_PLURALITY = {
    "PolicyName": "SimplePlurality/2011-09-01",
    "Parameters": [
        {"Key": "QuestionIds", "Values": ["q"]},
        {"Key": "QuestionAgreementThreshold", "Values": ["50"]},
    ],
}


def notification(**changes: Any) -> dict[str, Any]:
    return {**_SNS, **changes}


def policy(given: dict[str, Any], *parameters: dict[str, Any], without: int = 0) -> dict[str, Any]:
    return {**given, "Parameters": [*given["Parameters"][without:], *parameters]}


@BOTH
def test_notification_settings_are_kept_and_can_be_switched(client: Any, requester: Requester) -> None:
    kind = requester.hit_type()
    for _ in range(2):
        client.update_notification_settings(HITTypeId=kind, Notification=_SNS, Active=True)
    client.update_notification_settings(HITTypeId=kind, Active=False)
    client.send_test_event_notification(Notification=notification(EventTypes=["Ping"]), TestEventType="Ping")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "Give a Notification, or Active, or both."),
        ({"Active": True}, "has no Notification yet: give one, too."),
        ({"Notification": notification(Version="2011-09-01")}, 'The value "2011-09-01" is not valid for the'),
        ({"Notification": notification(EventTypes=["Ping"])}, 'The value "Ping" is not valid for the'),
        ({"Notification": notification(EventTypes=[])}, "needs one of the EventTypes at least"),
        ({"Notification": notification(Destination="me@lab.example")}, "is not the ARN of a topic"),
        ({"Notification": notification(Transport="SQS")}, "is not the URL of a queue"),
        ({"Notification": notification(Transport="Email")}, "is not an email address"),
    ],
)
def test_notification_settings_that_mean_nothing_are_refused(
    client: Any, requester: Requester, given: dict[str, Any], text: str
) -> None:
    kind = requester.hit_type()
    with refused("ParameterValidationError", None, containing=text):
        client.update_notification_settings(HITTypeId=kind, **given)


@BOTH
def test_review_policies_are_kept_and_returned(client: Any, requester: Requester) -> None:
    hit_id = requester.hit(AssignmentReviewPolicy=_KNOWN_ANSWERS, HITReviewPolicy=_PLURALITY)["HITId"]
    both = client.list_review_policy_results_for_hit(HITId=hit_id)
    assert (both["AssignmentReviewPolicy"], both["HITReviewPolicy"]) == (_KNOWN_ANSWERS, _PLURALITY)
    assert both["HITReviewReport"] == {"ReviewResults": [], "ReviewActions": []}
    one = client.list_review_policy_results_for_hit(HITId=hit_id, PolicyLevels=["HIT"])
    assert one["HITReviewPolicy"] == _PLURALITY and "AssignmentReviewPolicy" not in one
    none = client.list_review_policy_results_for_hit(HITId=requester.hit()["HITId"])
    assert not {"AssignmentReviewPolicy", "HITReviewPolicy"} & none.keys()
    with refused("RequestError", "InvalidParameterValue", "The NextToken is not valid for this list."):
        client.list_review_policy_results_for_hit(HITId=hit_id, NextToken="x")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"HITReviewPolicy": _KNOWN_ANSWERS}, "is not valid for the parameter HITReviewPolicy.PolicyName."),
        (
            {"AssignmentReviewPolicy": policy(_KNOWN_ANSWERS, without=1)},
            "The parameter AnswerKey is required",
        ),
        ({"HITReviewPolicy": policy(_PLURALITY, without=1)}, "The parameter QuestionIds is required"),
        (
            {"HITReviewPolicy": policy(_PLURALITY, {"Key": "Bogus", "Values": ["1"]})},
            'The value "Bogus" is not valid for the parameter HITReviewPolicy.Parameters.',
        ),
        (
            {"HITReviewPolicy": policy(_PLURALITY, {"Key": "ExtendMinimumTimeInSeconds", "Values": ["59"]})},
            "The value 59 is invalid for ExtendMinimumTimeInSeconds. Valid values range from 60 to 31536000.",
        ),
    ],
)
def test_review_policies_that_mean_nothing_are_refused(
    requester: Requester, client: Any, given: dict[str, Any], text: str
) -> None:
    with refused("ParameterValidationError", None, containing=text):
        requester.hit(**given)
    assert client.list_hits()["HITs"] == []


@BOTH
def test_a_hit_gets_another_type_before_anybody_accepts_it(
    client: Any, requester: Requester, hands: Workers
) -> None:
    hit_id = requester.hit(MaxAssignments=2)["HITId"]
    assert requester.balance() == ("9998.80", "1.20")
    for reward, held in (("1.00", "2.40"), ("0.10", "0.24")):
        kind = requester.hit_type(Reward=reward, Title="Another title")
        client.update_hit_type_of_hit(HITId=hit_id, HITTypeId=kind)
        hit = client.get_hit(HITId=hit_id)["HIT"]
        assert (hit["HITTypeId"], hit["Reward"], hit["Title"]) == (kind, reward, "Another title")
        assert requester.balance()[1] == held
    dear = requester.hit_type(Reward="9000.00")
    with refused("RequestError", "InsufficientFunds", containing="insufficient funds"):
        client.update_hit_type_of_hit(HITId=hit_id, HITTypeId=dear)
    hands.accept(hit_id)
    with refused("RequestError", "InvalidHITState", f"An assignment of the HIT {hit_id} has been accepted."):
        client.update_hit_type_of_hit(HITId=hit_id, HITTypeId=dear)
    assert requester.balance()[1] == "0.24"


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_hit_is_there_while_it_gets_another_type(crowd: Crowd, client: Any, requester: Requester) -> None:
    hit_id, kind = requester.hit()["HITId"], requester.hit_type()
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

    def is_waited_for() -> bool:
        with crowd.database.read() as tx:
            return second.done() or bool(tx.exec_driver_sql(waiting).scalar_one())

    with ThreadPoolExecutor(1) as pool:
        with crowd.database.write() as tx:
            tx.execute(update(schema.hits).values(hit_type_id=kind))
            second = pool.submit(client.update_expiration_for_hit, HITId=hit_id, ExpireAt=0)
            wait_until(is_waited_for, 60)
        second.result()
    hit = client.get_hit(HITId=hit_id)["HIT"]
    assert (hit["HITTypeId"], hit["HITStatus"]) == (kind, "Reviewable")


def test_a_file_is_asked_for_as_of_the_dead_operation_it_was(
    client: Any, requester: Requester, hands: Workers
) -> None:
    assignment_id = hands.do(requester.hit()["HITId"])
    text = "There is no file for the question photo: FileUploadAnswer is no longer supported."
    with refused("ParameterValidationError", None, text):
        client.get_file_upload_url(AssignmentId=assignment_id, QuestionIdentifier="photo")


def test_who_has_done_nothing_for_six_months_gets_no_bonus(
    crowd: Crowd, client: Any, requester: Requester, hands: Workers
) -> None:
    bonus = {"WorkerId": "AWORKER1", "BonusAmount": "1.00", "Reason": "Well done"}
    assignment_id = hands.do(requester.hit()["HITId"])
    crowd.advance(183 * 86_400 - 3600)
    client.send_bonus(AssignmentId=assignment_id, UniqueRequestToken="a", **bonus)
    crowd.advance(2 * 3600)
    # The reply may have been lost: to hear that the worker is gone would look as if nothing had been paid.
    with refused("RequestError", "DuplicateCall", containing="was already processed"):
        client.send_bonus(AssignmentId=assignment_id, UniqueRequestToken="a", **bonus)
    text = "Worker AWORKER1 has not completed an assignment for you in the last six months."
    with refused("RequestError", "DoesNotMeetRequirements", text):
        client.send_bonus(AssignmentId=assignment_id, UniqueRequestToken="b", **bonus)
    hands.do(requester.hit()["HITId"])
    client.send_bonus(AssignmentId=assignment_id, **bonus)


def test_a_sandbox_always_has_the_same_balance(tmp_path: Any) -> None:
    with Crowd(tmp_path, extra=("--sandbox",)) as crowd:
        client = crowd.client()
        client.create_hit(
            Title="t", Description="d", Reward="9000.00", MaxAssignments=9, LifetimeInSeconds=60,
            AssignmentDurationInSeconds=60, Question=html_question(),
        )  # fmt: skip
        assert client.get_account_balance()["AvailableBalance"] == "10000.00"
