"""Request tokens: a repeated request is an error that tells what the first one did."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from tests.support.crowds import Crowd
from tests.support.offers import html_question
from tests.support.refusals import read, refused
from tests.support.requesters import BOTH, Requester

_DAY = 86_400


@BOTH
def test_a_reused_token_names_the_hit_it_made(client: Any, requester: Requester) -> None:
    kind = requester.hit_type()
    first = requester.hit(kind, UniqueRequestToken="one")["HITId"]
    requester.hit(kind, UniqueRequestToken="two")
    text = f"A HIT was already created with this UniqueRequestToken. HITId: {first}"
    with refused("RequestError", "HitAlreadyExists", text):
        requester.hit(kind, UniqueRequestToken="one")
    with refused("RequestError", "HitAlreadyExists", text):
        client.create_hit(
            Title="Another",
            Description="With other properties",
            Reward="0.02",
            AssignmentDurationInSeconds=60,
            LifetimeInSeconds=60,
            Question=html_question(),
            UniqueRequestToken="one",
        )
    assert re.findall("[A-Z0-9]{20,64}", text) == [first]
    assert len(client.list_hits()["HITs"]) == 2


@BOTH
def test_a_token_counts_for_a_day(crowd: Crowd, requester: Requester) -> None:
    kind = requester.hit_type()
    first = requester.hit(kind, UniqueRequestToken="one", LifetimeInSeconds=30 * _DAY)["HITId"]
    crowd.advance(_DAY - 60)
    with refused(
        "RequestError",
        "HitAlreadyExists",
        f"A HIT was already created with this UniqueRequestToken. HITId: {first}",
    ):
        requester.hit(kind, UniqueRequestToken="one")
    crowd.advance(120)
    second = requester.hit(kind, UniqueRequestToken="one")["HITId"]
    with refused(
        "RequestError",
        "HitAlreadyExists",
        f"A HIT was already created with this UniqueRequestToken. HITId: {second}",
    ):
        requester.hit(kind, UniqueRequestToken="one")


@BOTH
def test_a_failed_request_burns_no_token(client: Any, requester: Requester) -> None:
    kind = requester.hit_type(Reward="6000.00")
    requester.hit(kind, UniqueRequestToken="one")
    for _ in range(2):
        try:
            requester.hit(kind, UniqueRequestToken="two")
        except ClientError as error:
            assert read(error).turk_code == "InsufficientFunds"
    client.update_expiration_for_hit(HITId=client.list_hits()["HITs"][0]["HITId"], ExpireAt=0)
    requester.hit(kind, UniqueRequestToken="two")


@BOTH
def test_a_reused_token_for_assignments_names_the_request(client: Any, requester: Requester) -> None:
    hit_id = requester.hit()["HITId"]
    more = {"HITId": hit_id, "NumberOfAdditionalAssignments": 1, "UniqueRequestToken": "more"}
    request_id = client.create_additional_assignments_for_hit(**more)["ResponseMetadata"]["RequestId"]
    text = f"A request with this UniqueRequestToken was already processed. Request ID: {request_id}"
    with refused("RequestError", "DuplicateCall", text):
        client.create_additional_assignments_for_hit(**more)
    assert client.get_hit(HITId=hit_id)["HIT"]["MaxAssignments"] == 2


@BOTH
def test_whoever_repeats_a_call_is_told_so_whatever_has_changed_since(
    client: Any, requester: Requester
) -> None:
    quick = client.create_qualification_type(Name="Quick", Description="d", QualificationTypeStatus="Active")
    type_id = quick["QualificationType"]["QualificationTypeId"]
    needed = {"QualificationTypeId": type_id, "Comparator": "Exists"}
    hit = {
        "Title": "t", "Description": "d", "Reward": "0.02", "AssignmentDurationInSeconds": 60,
        "LifetimeInSeconds": 60, "Question": html_question(), "QualificationRequirements": [needed],
    }  # fmt: skip
    made = client.create_hit(UniqueRequestToken="one", **hit)["HIT"]
    of_type = requester.hit(made["HITTypeId"], UniqueRequestToken="two")["HITId"]
    more = {"HITId": of_type, "NumberOfAdditionalAssignments": 1, "UniqueRequestToken": "more"}
    client.create_additional_assignments_for_hit(**more)
    client.delete_qualification_type(QualificationTypeId=type_id)
    client.update_expiration_for_hit(HITId=of_type, ExpireAt=0)
    client.delete_hit(HITId=of_type)
    with refused("RequestError", "HitAlreadyExists", containing=made["HITId"]):
        client.create_hit(UniqueRequestToken="one", **hit)
    with refused("RequestError", "HitAlreadyExists", containing=of_type):
        requester.hit(made["HITTypeId"], UniqueRequestToken="two")
    with refused("RequestError", "DuplicateCall", containing="was already processed"):
        client.create_additional_assignments_for_hit(**more)
    with refused("RequestError", "QualificationTypeDoesNotExist", containing=type_id):
        client.create_hit(UniqueRequestToken="three", **hit)


def test_the_other_wording_names_only_the_token(crowd: Crowd, client: Any, requester: Requester) -> None:
    hit_id = requester.hit(UniqueRequestToken="one")["HITId"]
    more = {"HITId": hit_id, "NumberOfAdditionalAssignments": 1, "UniqueRequestToken": "more"}
    client.create_additional_assignments_for_hit(**more)
    crowd.control("wording", {"duplicate_token": "plain"})
    with refused(
        "RequestError", "HitAlreadyExists", 'The idempotency token "one" has already been processed.'
    ):
        requester.hit(UniqueRequestToken="one")
    with refused("RequestError", "DuplicateCall", 'The idempotency token "more" has already been processed.'):
        client.create_additional_assignments_for_hit(**more)


@BOTH
def test_of_many_requests_with_one_token_at_once_one_makes_a_hit(client: Any, requester: Requester) -> None:
    kind = requester.hit_type()

    def make(token: str) -> str:
        try:
            return requester.hit(kind, UniqueRequestToken=token)["HITId"]
        except ClientError as error:
            return read(error).message.rpartition(" ")[2]

    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(make, ["a", "b"] * 16))
    listed = {hit["HITId"] for hit in client.list_hits()["HITs"]}
    assert len(listed) == 2
    assert set(made) == listed
    assert len(set(made[::2])) == len(set(made[1::2])) == 1
