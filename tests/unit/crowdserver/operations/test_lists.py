"""Lists page by page: complete, in order, and with tokens that nobody can make up."""

from typing import Any

import pytest

from tests.support.crowds import Crowd
from tests.support.refusals import refused
from tests.support.requesters import BOTH, Requester, Workers


def _pages(client: Any, operation: str, **parameters: Any) -> list[dict[str, Any]]:
    return list(client.get_paginator(operation).paginate(**parameters))


@BOTH
def test_hits_come_newest_first_and_end_with_an_empty_page(client: Any, requester: Requester) -> None:
    kind = requester.hit_type()
    made = [requester.hit(kind)["HITId"] for _ in range(5)]
    pages = _pages(client, "list_hits", PaginationConfig={"PageSize": 2})
    assert [hit["HITId"] for page in pages for hit in page["HITs"]] == made[::-1]
    assert [page["NumResults"] for page in pages] == [2, 2, 1, 0]
    assert ["NextToken" in page for page in pages] == [True, True, True, False]


def test_a_page_has_ten_results_unless_told(client: Any, requester: Requester) -> None:
    kind = requester.hit_type()
    for _ in range(12):
        requester.hit(kind)
    assert len(client.list_hits()["HITs"]) == 10
    assert len(client.list_hits(MaxResults=100)["HITs"]) == 12


def test_an_empty_list_is_there_and_has_no_token(client: Any, requester: Requester) -> None:
    hit_id = requester.hit()["HITId"]
    for page, key in [
        (client.list_reviewable_hits(), "HITs"),
        (client.list_reviewable_hits(Status="Reviewing"), "HITs"),
        (client.list_assignments_for_hit(HITId=hit_id), "Assignments"),
    ]:
        assert (page["NumResults"], page[key], "NextToken" in page) == (0, [], False)


@BOTH
def test_hits_made_during_a_walk_do_not_disturb_it(client: Any, requester: Requester) -> None:
    kind = requester.hit_type()
    made = [requester.hit(kind)["HITId"] for _ in range(4)]
    first = client.list_hits(MaxResults=2)
    requester.hit(kind)
    second = client.list_hits(MaxResults=2, NextToken=first["NextToken"])
    assert [hit["HITId"] for hit in first["HITs"] + second["HITs"]] == made[::-1]


@BOTH
def test_reviewable_hits_are_told_from_reviewing_ones_and_by_type(
    client: Any, requester: Requester, hands: Workers
) -> None:
    one, two = requester.hit_type(), requester.hit_type()
    done, expired, reviewing, _open = (requester.hit(one)["HITId"] for _ in range(4))
    in_hand = requester.hit(one)["HITId"]
    other = requester.hit(two)["HITId"]
    for hit_id in (done, reviewing, other):
        hands.do(hit_id)
    hands.accept(in_hand)
    for hit_id in (expired, in_hand):
        client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)
    client.update_hit_review_status(HITId=reviewing)

    def listed(**parameters: Any) -> set[str]:
        return {hit["HITId"] for hit in client.list_reviewable_hits(**parameters)["HITs"]}

    assert listed() == {done, expired, other}
    assert listed(HITTypeId=one) == listed(HITTypeId=one, Status="Reviewable") == {done, expired}
    assert listed(HITTypeId=two) == {other}
    assert listed(Status="Reviewing") == listed(HITTypeId=one, Status="Reviewing") == {reviewing}
    assert listed(HITTypeId=two, Status="Reviewing") == set()
    pages = _pages(client, "list_reviewable_hits", PaginationConfig={"PageSize": 1})
    assert [page["NumResults"] for page in pages] == [1, 1, 1, 0]


@BOTH
def test_assignments_come_in_the_order_of_submission_and_by_status(
    client: Any, requester: Requester, hands: Workers
) -> None:
    hit_id = requester.hit(MaxAssignments=6)["HITId"]
    done = [hands.do(hit_id, f"A{number}") for number in range(5)]
    client.approve_assignment(AssignmentId=done[1])
    client.reject_assignment(AssignmentId=done[3], RequesterFeedback="no")

    def listed(*statuses: str) -> list[str]:
        pages = _pages(
            client,
            "list_assignments_for_hit",
            HITId=hit_id,
            **({"AssignmentStatuses": list(statuses)} if statuses else {}),
            PaginationConfig={"PageSize": 2},
        )
        return [assignment["AssignmentId"] for page in pages for assignment in page["Assignments"]]

    assert listed() == listed("Submitted", "Approved", "Rejected") == done
    assert listed("Submitted") == [done[0], done[2], done[4]]
    assert listed("Approved", "Rejected") == [done[1], done[3]]


@BOTH
def test_a_token_of_another_list_is_refused(client: Any, requester: Requester, hands: Workers) -> None:
    hit_id, other = requester.hit()["HITId"], requester.hit()["HITId"]
    hands.do(hit_id)
    token = client.list_hits(MaxResults=1)["NextToken"]
    of_assignments = client.list_assignments_for_hit(HITId=hit_id)["NextToken"]
    calls: list[Any] = [
        lambda: client.list_reviewable_hits(NextToken=token),
        lambda: client.list_hits(NextToken=token[:-1] + "!"),
        lambda: client.list_hits(NextToken="made-up"),
        lambda: client.list_assignments_for_hit(HITId=other, NextToken=of_assignments),
        lambda: client.list_assignments_for_hit(
            HITId=hit_id, AssignmentStatuses=["Approved"], NextToken=of_assignments
        ),
    ]
    for call in calls:
        with refused("RequestError", "InvalidParameterValue", "The NextToken is not valid for this list."):
            call()


def test_a_list_can_stay_behind(crowd: Crowd, client: Any, requester: Requester, hands: Workers) -> None:
    crowd.control("lag", {"list_seconds": 15})
    old, new = requester.hit()["HITId"], requester.hit()["HITId"]
    hands.do(old)
    assert client.list_hits()["HITs"] == client.list_reviewable_hits()["HITs"] == []
    assert client.get_hit(HITId=new)["HIT"]["HITId"] == new
    crowd.advance(16)
    assert {hit["HITId"] for hit in client.list_hits()["HITs"]} == {old, new}
    assert [hit["HITId"] for hit in client.list_reviewable_hits()["HITs"]] == [old]


def test_the_counter_of_completed_work_can_stay_behind(
    crowd: Crowd, client: Any, requester: Requester, hands: Workers
) -> None:
    one, two = requester.hit()["HITId"], requester.hit()["HITId"]
    for hit_id in (one, two):
        client.approve_assignment(AssignmentId=hands.do(hit_id))
    crowd.advance(30)
    crowd.control("lag", {"counter_seconds": 60})
    assert requester.counters(one) == ("Reviewable", 0, 0, 0)
    assert [hit["NumberOfAssignmentsCompleted"] for hit in client.list_hits()["HITs"]] == [0, 0]
    crowd.advance(31)
    assert requester.counters(one) == ("Reviewable", 0, 0, 1)
    assert [hit["NumberOfAssignmentsCompleted"] for hit in client.list_hits()["HITs"]] == [1, 1]


@pytest.mark.parametrize("size", [0, 101])
def test_a_page_of_an_impossible_size_is_refused(crowd: Crowd, size: int) -> None:
    client = crowd.client(parameter_validation=False)
    rule = "greater than or equal to 1" if size == 0 else "less than or equal to 100"
    text = f"Value '{size}' at 'maxResults' failed to satisfy constraint: Member must have value {rule}"
    with refused("ValidationException", None, f"1 validation error detected: {text}"):
        client.list_hits(MaxResults=size)


@BOTH
def test_a_page_ends_early_where_answers_are_long(client: Any, requester: Requester, hands: Workers) -> None:
    hit_id = requester.hit(MaxAssignments=6)["HITId"]
    lengths = [900_000, 900_000, 900_000, 2_000_000, 10, 10]
    ids = [hands.do(hit_id, f"AWORKER{number}", label="x" * length) for number, length in enumerate(lengths)]
    pages = _pages(client, "list_assignments_for_hit", HITId=hit_id, PaginationConfig={"PageSize": 100})
    assert [item["AssignmentId"] for page in pages for item in page["Assignments"]] == ids
    assert [page["NumResults"] for page in pages] == [3, 1, 2, 0]
    few = _pages(client, "list_assignments_for_hit", HITId=hit_id, PaginationConfig={"PageSize": 2})
    assert [page["NumResults"] for page in few] == [2, 2, 2, 0]
