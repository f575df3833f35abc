"""Bad input through boto3, with its own checks switched off: every constraint answers with its text."""

from typing import Any

import pytest
import requests

from tests.support.crowds import Crowd
from tests.support.offers import html_question, sign
from tests.support.refusals import refused
from tests.support.requesters import Requester

_ID = "3" + "A" * 29
_TYPE = {"Title": "t", "Description": "d", "Reward": "0.10", "AssignmentDurationInSeconds": 60}


@pytest.fixture
def careless(crowd: Crowd) -> Any:
    """A client that sends whatever it is given."""
    return crowd.client(parameter_validation=False)


@pytest.mark.parametrize(
    ("operation", "parameters", "problem"),
    [
        (
            "get_hit",
            {"HITId": "dud-lower!"},
            "Value 'dud-lower!' at 'hITId' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ^[A-Z0-9]+$",
        ),
        (
            "get_hit",
            {"HITId": "A" * 65},
            f"Value '{'A' * 65}' at 'hITId' failed to satisfy constraint: "
            "Member must have length less than or equal to 64",
        ),
        (
            "get_hit",
            {},
            "Value null at 'hITId' failed to satisfy constraint: Member must not be null",
        ),
        (
            "reject_assignment",
            {"AssignmentId": _ID},
            "Value null at 'requesterFeedback' failed to satisfy constraint: Member must not be null",
        ),
        (
            "create_hit_type",
            {**_TYPE, "Reward": "1.234"},
            "Value '1.234' at 'reward' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: ^[0-9]+(\.)?[0-9]{0,2}$",
        ),
        (
            "create_hit_type",
            {**_TYPE, "Reward": "1.5\n"},
            "Value '1.5\n' at 'reward' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: ^[0-9]+(\.)?[0-9]{0,2}$",
        ),
        (
            "create_additional_assignments_for_hit",
            {"HITId": _ID, "NumberOfAdditionalAssignments": 1, "UniqueRequestToken": "t" * 65},
            f"Value '{'t' * 65}' at 'uniqueRequestToken' failed to satisfy constraint: "
            "Member must have length less than or equal to 64",
        ),
        (
            "list_assignments_for_hit",
            {"HITId": _ID, "AssignmentStatuses": ["Approved", "Bogus"]},
            "Value 'Bogus' at 'assignmentStatuses.2.member' failed to satisfy constraint: "
            "Member must satisfy enum value set: [Submitted, Approved, Rejected]",
        ),
        (
            "create_hit_type",
            {**_TYPE, "QualificationRequirements": [{"QualificationTypeId": "X", "Comparator": "Near"}]},
            "Value 'Near' at 'qualificationRequirements.1.member.comparator' failed to satisfy constraint: "
            "Member must satisfy enum value set: [LessThan, LessThanOrEqualTo, GreaterThan, "
            "GreaterThanOrEqualTo, EqualTo, NotEqualTo, Exists, DoesNotExist, In, NotIn]",
        ),
    ],
)
def test_a_broken_constraint_is_named(
    careless: Any, operation: str, parameters: dict[str, Any], problem: str
) -> None:
    with refused("ValidationException", None, f"1 validation error detected: {problem}"):
        getattr(careless, operation)(**parameters)


def test_all_broken_constraints_are_named_at_once(careless: Any) -> None:
    text = (
        "2 validation errors detected: Value 'x' at 'assignmentId' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: ^[A-Z0-9]+$; "
        "Value null at 'requesterFeedback' failed to satisfy constraint: Member must not be null"
    )
    with refused("ValidationException", None, text):
        careless.reject_assignment(AssignmentId="x")


@pytest.mark.parametrize(
    ("name", "value", "low", "high"),
    [
        ("LifetimeInSeconds", 29, 30, 31_536_000),
        ("LifetimeInSeconds", 31_536_001, 30, 31_536_000),
        ("AssignmentDurationInSeconds", 29, 30, 31_536_000),
        ("AutoApprovalDelayInSeconds", -1, 0, 2_592_000),
        ("AutoApprovalDelayInSeconds", 2_592_001, 0, 2_592_000),
        ("MaxAssignments", 0, 1, 1_000_000_000),
        ("MaxAssignments", 1_000_000_001, 1, 1_000_000_000),
    ],
)
def test_a_number_out_of_range_is_refused(client: Any, name: str, value: int, low: int, high: int) -> None:
    hit = {**_TYPE, "LifetimeInSeconds": 60, "Question": html_question(), name: value}
    text = f"The value {value} is invalid for {name}. Valid values range from {low} to {high}."
    with refused("ParameterValidationError", None, text):
        client.create_hit(**hit)
    assert client.list_hits()["HITs"] == []


@pytest.mark.parametrize(
    ("name", "length", "most"),
    [
        ("Title", 129, 128),
        ("Description", 2001, 2000),
        ("Keywords", 1001, 1000),
        ("RequesterAnnotation", 256, 255),
    ],
)
def test_a_text_that_is_too_long_is_refused(client: Any, name: str, length: int, most: int) -> None:
    hit = {**_TYPE, "LifetimeInSeconds": 60, "Question": html_question()}
    with refused(
        "ParameterValidationError",
        None,
        f"The value of {name} has {length} characters. The greatest length is {most}.",
    ):
        client.create_hit(**{**hit, name: "x" * length})
    client.create_hit(**{**hit, name: "x" * most})


@pytest.mark.parametrize("reward", ["0", "0.00", "10000000.01", "99999999999999999999"])
def test_a_reward_that_nobody_can_pay_is_refused(client: Any, reward: str) -> None:
    with refused(
        "ParameterValidationError", None, f'The value "{reward}" is not valid for the parameter Reward.'
    ):
        client.create_hit_type(**{**_TYPE, "Reward": reward})


def test_a_blank_title_is_refused(client: Any) -> None:
    with refused("ParameterValidationError", None, 'The value " " is not valid for the parameter Title.'):
        client.create_hit_type(**{**_TYPE, "Title": " "})


@pytest.mark.parametrize("text", ["a\x00b", "a\x0bb", "a\x1fb", "a\ud800b"])
def test_control_characters_are_refused(careless: Any, text: str) -> None:
    with refused(
        "ParameterValidationError", None, "A text contains control characters, which are not allowed."
    ):
        careless.approve_assignment(AssignmentId=_ID, RequesterFeedback=text)


def test_feedback_that_is_too_long_is_refused(client: Any) -> None:
    text = "The value of RequesterFeedback has 1025 characters. The greatest length is 1024."
    for call in (client.approve_assignment, client.reject_assignment):
        with refused("ParameterValidationError", None, text):
            call(AssignmentId=_ID, RequesterFeedback="x" * 1025)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"HITId": 5}, "NUMBER_VALUE can not be converted to a String"),
        ({"HITId": ["3A"]}, "START_ARRAY can not be converted to a String"),
        ({"HITId": {"a": 1}}, "START_OBJECT can not be converted to a String"),
        ({"HITId": True}, "TRUE_VALUE can not be converted to a String"),
    ],
)
def test_a_value_of_another_type_is_refused(careless: Any, parameters: dict[str, Any], text: str) -> None:
    with refused("SerializationException", None, text):
        careless.get_hit(**parameters)


def test_numbers_of_another_type_are_refused(careless: Any) -> None:
    for value, found in (("60", "STRING_VALUE"), (60.5, "DECIMAL_VALUE"), (True, "TRUE_VALUE")):
        with refused("SerializationException", None, f"{found} can not be converted to a Long"):
            careless.create_hit_type(**{**_TYPE, "AssignmentDurationInSeconds": value})
    with refused("SerializationException", None, "STRING_VALUE can not be converted to a Boolean"):
        careless.approve_assignment(AssignmentId=_ID, OverrideRejection="yes")


_XML = (
    "There was an error parsing the XML question or answer data in your request.  "
    "Please make sure the data is well-formed and validates against the appropriate schema. Details: "
)


def test_a_question_over_the_limit_is_refused(requester: Requester) -> None:
    kind = requester.hit_type()
    room = 65_535 - len(html_question("").encode())
    requester.hit(kind, Question=html_question("<p>" + "x" * (room - 3)))
    # A letter of two bytes more: it is bytes that count.
    with refused("ParameterValidationError", None, f"{_XML}the question has 65536 bytes, 65535 are allowed"):
        requester.hit(kind, Question=html_question("<p>" + "x" * (room - 4) + "ü"))


def test_a_hit_needs_a_question(requester: Requester, client: Any) -> None:
    kind = requester.hit_type()
    with refused("ParameterValidationError", None, "A HIT needs a Question."):
        client.create_hit_with_hit_type(HITTypeId=kind, LifetimeInSeconds=60)
    with refused("RequestError", "HITLayoutDoesNotExist", f"HITLayout {_ID} does not exist."):
        client.create_hit_with_hit_type(HITTypeId=kind, LifetimeInSeconds=60, HITLayoutId=_ID)
    with refused("ParameterValidationError", None, f"{_XML}syntax error: line 1, column 0"):
        requester.hit(kind, Question="no XML")


@pytest.mark.parametrize(
    ("requirement", "text"),
    [
        (
            {"QualificationTypeId": "000000000000000000L0", "Comparator": "GreaterThan"},
            "The number of IntegerValues does not fit the Comparator GreaterThan of qualification"
            " 000000000000000000L0.",
        ),
        (
            {"QualificationTypeId": "X", "Comparator": "Exists", "IntegerValues": [1]},
            "The number of IntegerValues does not fit the Comparator Exists of qualification X.",
        ),
        (
            {"QualificationTypeId": "X", "Comparator": "In", "IntegerValues": list(range(16))},
            "The number of IntegerValues does not fit the Comparator In of qualification X.",
        ),
        (
            {
                "QualificationTypeId": "00000000000000000071",
                "Comparator": "EqualTo",
                "LocaleValues": [{"Country": "US"}, {"Country": "CA"}],
            },
            "The number of LocaleValues does not fit the Comparator EqualTo of qualification"
            " 00000000000000000071.",
        ),
        (
            {"QualificationTypeId": "00000000000000000071", "Comparator": "Exists"},
            'The value "Exists" is not valid for the parameter Comparator.',
        ),
        (
            {
                "QualificationTypeId": "X",
                "Comparator": "Exists",
                "RequiredToPreview": True,
                "ActionsGuarded": "Accept",
            },
            "RequiredToPreview and ActionsGuarded contradict each other; give ActionsGuarded only.",
        ),
    ],
)
def test_a_requirement_that_means_nothing_is_refused(
    client: Any, requirement: dict[str, Any], text: str
) -> None:
    with refused("ParameterValidationError", None, text):
        client.create_hit_type(**_TYPE, QualificationRequirements=[requirement])


def test_more_than_ten_requirements_are_refused(client: Any) -> None:
    requirement = {"QualificationTypeId": "000000000000000000L0", "Comparator": "Exists"}
    client.create_hit_type(**_TYPE, QualificationRequirements=[requirement] * 10)
    text = "A HIT type can have 10 QualificationRequirements at most, not 11."
    with refused("ParameterValidationError", None, text):
        client.create_hit_type(**_TYPE, QualificationRequirements=[requirement] * 11)


def test_an_operation_that_is_not_there_is_unknown(crowd: Crowd) -> None:
    answer = call(crowd, "RegisterHITType", "{}")  # of the API before this one
    target = "MTurkRequesterServiceV20170117.RegisterHITType"
    assert answer.json() == {
        "__type": "UnknownOperationException",
        "message": f"{target!r} is not an operation of this crowd server.",
    }


@pytest.mark.parametrize("moment", ["1" * 310, "-" + "1" * 310, "1e300", "253402300800", "NaN", "true"])
def test_what_is_no_moment_is_refused(crowd: Crowd, moment: str) -> None:
    answer = call(crowd, "UpdateExpirationForHIT", f'{{"HITId": "{_ID}", "ExpireAt": {moment}}}')
    assert answer.status_code == 400
    assert "can not be converted to a Timestamp" in answer.json()["message"]


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 3000 + "1" + "}" * 3000])
def test_what_is_nested_too_deep_is_refused(crowd: Crowd, body: str) -> None:
    answer = call(crowd, "GetHIT", body)
    assert answer.status_code == 400
    assert answer.json() == {
        "__type": "SerializationException",
        "message": "The body of the request is nested too deep.",
    }


def call(crowd: Crowd, operation: str, body: str) -> requests.Response:
    """Send a call as it is written here."""
    target = {"X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}"}
    headers = sign(f"{crowd.url}/", body.encode(), crowd.credentials, target)
    return requests.post(f"{crowd.url}/", data=body.encode(), headers=headers, timeout=10)
