"""HITs through boto3: made, read, extended, expired, reviewed, deleted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.crowds import Crowd
from tests.support.offers import external_question, html_question
from tests.support.refusals import refused
from tests.support.requesters import BOTH, Requester, Workers

LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)

_STATE = "This HIT is currently in the state '{}'.  This operation can be called with a status of: {}"


@BOTH
def test_equal_properties_share_one_hit_type(client: Any, requester: Requester) -> None:
    first = requester.hit_type(Title="Same", Reward="0.1", Keywords="a, b")
    assert requester.hit_type(Title="Same", Reward="0.10", Keywords="a, b") == first
    others = [
        requester.hit_type(Title="Same", Reward="0.11", Keywords="a, b"),
        requester.hit_type(Title="Same", Reward="0.10", Keywords="a,b"),
        requester.hit_type(Title="Same", Reward="0.10"),
        requester.hit_type(Title="Same", Reward="0.10", Keywords="a, b", AutoApprovalDelayInSeconds=60),
    ]
    assert len({first, *others}) == 5
    through_hit = client.create_hit(
        Title="Same",
        Description="Say what is in it",
        Reward="0.1",
        Keywords="a, b",
        AssignmentDurationInSeconds=600,
        LifetimeInSeconds=60,
        Question=html_question(),
    )["HIT"]
    assert through_hit["HITTypeId"] == first


@BOTH
def test_a_new_hit_shows_everything_it_was_made_with(client: Any) -> None:
    question = external_question("https://example.org/task?row=1&x=2")
    requirement = {
        "QualificationTypeId": "000000000000000000L0",
        "Comparator": "GreaterThan",
        "IntegerValues": [90],
    }
    made = client.create_hit(
        Title="Título",
        Description="Two\nlines",
        Keywords="cats, dogs",
        Reward="1.5",
        MaxAssignments=3,
        LifetimeInSeconds=3600,
        AssignmentDurationInSeconds=600,
        AutoApprovalDelayInSeconds=86400,
        RequesterAnnotation="run 7, row 12",
        Question=question,
        QualificationRequirements=[requirement],
    )
    hit = made["HIT"]
    assert {
        name: hit[name] for name in ("Title", "Description", "Keywords", "Reward", "RequesterAnnotation")
    } == {
        "Title": "Título",
        "Description": "Two\nlines",
        "Keywords": "cats, dogs",
        "Reward": "1.50",
        "RequesterAnnotation": "run 7, row 12",
    }
    assert hit["Question"] == question
    assert (hit["MaxAssignments"], hit["NumberOfAssignmentsAvailable"]) == (3, 3)
    assert (hit["NumberOfAssignmentsPending"], hit["NumberOfAssignmentsCompleted"]) == (0, 0)
    assert (hit["HITStatus"], hit["HITReviewStatus"]) == ("Assignable", "NotReviewed")
    assert (hit["AutoApprovalDelayInSeconds"], hit["AssignmentDurationInSeconds"]) == (86400, 600)
    assert hit["Expiration"] - hit["CreationTime"] == timedelta(seconds=3600)
    assert hit["QualificationRequirements"] == [
        {**requirement, "ActionsGuarded": "Accept", "RequiredToPreview": False}
    ]
    assert len({hit["HITId"], hit["HITTypeId"], hit["HITGroupId"]}) == 3
    assert len(hit["HITId"]) == 30 and hit["HITId"].startswith("3")
    assert client.get_hit(HITId=hit["HITId"])["HIT"] == hit
    assert made["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/x-amz-json-1.1"
    assert made["ResponseMetadata"]["RequestId"]


def test_what_was_not_given_is_absent_or_the_default(requester: Requester) -> None:
    hit = requester.hit()
    assert not {"Keywords", "RequesterAnnotation", "HITLayoutId"} & set(hit)
    assert (hit["MaxAssignments"], hit["AutoApprovalDelayInSeconds"]) == (1, 2592000)
    assert hit["QualificationRequirements"] == []


@BOTH
def test_unknown_ids_are_refused_by_every_operation(client: Any) -> None:
    unknown = "3" + "A" * 29
    calls: list[Any] = [
        lambda: client.get_hit(HITId=unknown),
        lambda: client.delete_hit(HITId=unknown),
        lambda: client.update_expiration_for_hit(HITId=unknown, ExpireAt=LONG_AGO),
        lambda: client.update_hit_review_status(HITId=unknown),
        lambda: client.list_assignments_for_hit(HITId=unknown),
        lambda: client.create_additional_assignments_for_hit(HITId=unknown, NumberOfAdditionalAssignments=1),
    ]
    for call in calls:
        with refused("RequestError", "HITDoesNotExist", f"Hit {unknown} does not exist."):
            call()
    with refused("RequestError", "HITTypeDoesNotExist", f"HITType {unknown} does not exist."):
        client.create_hit_with_hit_type(HITTypeId=unknown, LifetimeInSeconds=60, Question=html_question())


@BOTH
def test_the_counters_follow_the_work(requester: Requester, hands: Workers, client: Any) -> None:
    hit_id = requester.hit(MaxAssignments=2)["HITId"]
    other = requester.hit(MaxAssignments=2)["HITId"]
    assert requester.counters(hit_id) == ("Assignable", 2, 0, 0)
    first = hands.accept(hit_id, "AONE")
    assert requester.counters(hit_id) == ("Assignable", 1, 1, 0)
    second = hands.accept(hit_id, "ATWO")
    assert requester.counters(hit_id) == ("Unassignable", 0, 2, 0)
    hands.give_back(second, "ATWO")
    assert requester.counters(hit_id) == ("Assignable", 1, 1, 0)
    hands.submit(first)
    assert requester.counters(hit_id) == ("Assignable", 1, 0, 0)
    hands.do(hit_id, "ATWO")
    assert requester.counters(hit_id) == ("Reviewable", 0, 0, 0)
    client.approve_assignment(AssignmentId=first)
    assert requester.counters(hit_id) == ("Reviewable", 0, 0, 1)
    assert requester.counters(other) == ("Assignable", 2, 0, 0)


@BOTH
def test_an_expired_hit_with_work_in_hand_is_unassignable(
    requester: Requester, hands: Workers, client: Any
) -> None:
    hit_id = requester.hit(MaxAssignments=3)["HITId"]
    assignment_id = hands.accept(hit_id)
    client.update_expiration_for_hit(HITId=hit_id, ExpireAt=LONG_AGO)
    assert requester.counters(hit_id) == ("Unassignable", 2, 1, 0)
    with refused("RequestError", "InvalidHITState", _STATE.format("Unassignable", "Reviewing, Reviewable")):
        client.delete_hit(HITId=hit_id)
    hands.submit(assignment_id)
    assert requester.counters(hit_id) == ("Reviewable", 2, 0, 0)


@BOTH
def test_expiring_is_safe_to_repeat_and_shows_the_time_it_happened(client: Any, requester: Requester) -> None:
    hit = requester.hit()
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=LONG_AGO)
    expired = client.get_hit(HITId=hit["HITId"])["HIT"]
    assert hit["CreationTime"] <= expired["Expiration"] < hit["Expiration"]
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)
    assert client.get_hit(HITId=hit["HITId"])["HIT"] == expired


@BOTH
def test_a_later_expiration_extends_and_revives(client: Any, requester: Requester) -> None:
    hit = requester.hit(LifetimeInSeconds=3600)
    later = hit["Expiration"].replace(microsecond=0) + timedelta(seconds=7200)
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=later)
    assert client.get_hit(HITId=hit["HITId"])["HIT"]["Expiration"] == later
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=LONG_AGO)
    assert requester.counters(hit["HITId"])[0] == "Reviewable"
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=later + timedelta(seconds=1))
    assert requester.counters(hit["HITId"])[0] == "Assignable"


@BOTH
def test_the_same_expiration_twice_is_an_error_although_it_worked(client: Any, requester: Requester) -> None:
    hit_id = requester.hit()["HITId"]
    later = datetime(2035, 7, 14, 20, 26, 6, tzinfo=UTC)
    wanted = client.get_hit(HITId=hit_id)["HIT"]["Expiration"].replace(microsecond=0) + timedelta(days=1)
    client.update_expiration_for_hit(HITId=hit_id, ExpireAt=wanted)
    token = hit_id + wanted.astimezone(UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
    with refused(
        "RequestError", "DuplicateCall", f'The idempotency token "{token}" has already been processed.'
    ):
        client.update_expiration_for_hit(HITId=hit_id, ExpireAt=wanted)
    assert client.get_hit(HITId=hit_id)["HIT"]["Expiration"] == wanted < later


@pytest.mark.parametrize("seconds", [-1800, 11, 59, 31_536_100])
def test_an_expiration_out_of_range_is_refused(client: Any, requester: Requester, seconds: int) -> None:
    hit = requester.hit(LifetimeInSeconds=3600)
    # Half a second later than the whole second, so that the increment is the same however fast this runs.
    wanted = int(hit["Expiration"].timestamp()) + seconds
    increment = int(wanted - hit["Expiration"].timestamp())
    text = (
        f"The value {increment} is invalid for ExpirationIncrementInSeconds."
        " Valid values range from 60 to 31536000."
    )
    with refused("ParameterValidationError", None, text):
        client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=wanted)
    assert client.get_hit(HITId=hit["HITId"])["HIT"]["Expiration"] == hit["Expiration"]


def test_a_date_beyond_all_calendars_is_refused(client: Any, requester: Requester, crowd: Crowd) -> None:
    hit_id = requester.hit()["HITId"]
    with pytest.raises(client.exceptions.ClientError, match="is invalid for ExpirationIncrementInSeconds"):
        client.update_expiration_for_hit(HITId=hit_id, ExpireAt=datetime(9999, 12, 31, tzinfo=UTC))


@BOTH
def test_review_status_goes_forth_and_back(client: Any, requester: Requester, hands: Workers) -> None:
    hit_id = requester.hit()["HITId"]
    with refused("RequestError", "InvalidHITState", _STATE.format("Assignable", "Reviewable")):
        client.update_hit_review_status(HITId=hit_id)
    hands.do(hit_id)
    client.update_hit_review_status(HITId=hit_id)
    assert requester.counters(hit_id)[0] == "Reviewing"
    with refused("RequestError", "InvalidHITState", _STATE.format("Reviewing", "Reviewable")):
        client.update_hit_review_status(HITId=hit_id)
    client.update_hit_review_status(HITId=hit_id, Revert=True)
    assert requester.counters(hit_id)[0] == "Reviewable"
    with refused("RequestError", "InvalidHITState", _STATE.format("Reviewable", "Reviewing")):
        client.update_hit_review_status(HITId=hit_id, Revert=True)


@BOTH
def test_a_reviewing_hit_becomes_assignable_when_extended(
    client: Any, requester: Requester, hands: Workers
) -> None:
    hit_id = requester.hit(MaxAssignments=2)["HITId"]
    hands.do(hit_id)
    client.update_expiration_for_hit(HITId=hit_id, ExpireAt=LONG_AGO)
    client.update_hit_review_status(HITId=hit_id)
    client.update_expiration_for_hit(HITId=hit_id, ExpireAt=datetime.now(UTC) + timedelta(days=2))
    assert requester.counters(hit_id)[0] == "Assignable"
    hands.do(hit_id, "ATWO")
    assert requester.counters(hit_id)[0] == "Reviewable"


@BOTH
def test_delete_needs_all_work_reviewed(client: Any, requester: Requester, hands: Workers) -> None:
    hit_id, other = requester.hit()["HITId"], requester.hit()["HITId"]
    with refused("RequestError", "InvalidHITState", _STATE.format("Assignable", "Reviewing, Reviewable")):
        client.delete_hit(HITId=hit_id)
    assignment_id = hands.do(hit_id)
    with refused("RequestError", "InvalidHITState", _STATE.format("Reviewable", "Reviewing, Reviewable")):
        client.delete_hit(HITId=hit_id)
    client.approve_assignment(AssignmentId=assignment_id)
    client.delete_hit(HITId=hit_id)
    for call in (client.get_hit, client.list_assignments_for_hit):
        with refused("RequestError", "HITDoesNotExist", f"Hit {hit_id} does not exist."):
            call(HITId=hit_id)
    with refused("RequestError", "AssignmentDoesNotExist", f"Assignment {assignment_id} does not exist."):
        client.get_assignment(AssignmentId=assignment_id)
    with refused("RequestError", "InvalidHITState", _STATE.format("Disposed", "Reviewing, Reviewable")):
        client.delete_hit(HITId=hit_id)
    assert [hit["HITId"] for hit in client.list_hits()["HITs"]] == [other]


@BOTH
def test_additional_assignments_are_on_offer_at_once(
    client: Any, requester: Requester, hands: Workers
) -> None:
    hit_id = requester.hit()["HITId"]
    hands.do(hit_id)
    client.update_hit_review_status(HITId=hit_id)
    client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=2)
    assert requester.counters(hit_id) == ("Assignable", 2, 0, 0)
    assert client.get_hit(HITId=hit_id)["HIT"]["MaxAssignments"] == 3


@BOTH
def test_additional_assignments_do_not_revive_an_expired_hit(client: Any, requester: Requester) -> None:
    hit_id = requester.hit()["HITId"]
    client.update_expiration_for_hit(HITId=hit_id, ExpireAt=LONG_AGO)
    client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=2)
    assert requester.counters(hit_id) == ("Reviewable", 3, 0, 0)


def test_a_small_hit_never_grows_to_ten_assignments(client: Any, requester: Requester) -> None:
    small, big = requester.hit(MaxAssignments=8)["HITId"], requester.hit(MaxAssignments=10)["HITId"]
    client.create_additional_assignments_for_hit(HITId=small, NumberOfAdditionalAssignments=1)
    text = "A HIT created with fewer than 10 assignments cannot be extended to 10 or more."
    with refused("RequestError", "InvalidMaximumAssignmentsIncrease", text):
        client.create_additional_assignments_for_hit(HITId=small, NumberOfAdditionalAssignments=1)
    client.create_additional_assignments_for_hit(HITId=big, NumberOfAdditionalAssignments=1)
    assert client.get_hit(HITId=big)["HIT"]["MaxAssignments"] == 11
