"""The requester's account: held, paid, released, and never overdrawn."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from crowdserver.storage import account
from tests.support.crowds import Crowd
from tests.support.refusals import read, refused
from tests.support.requesters import BOTH, Requester, Workers

_NO_FUNDS = (
    "This Requester has insufficient funds in their account to complete this transaction. "
    "Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs."
)


@pytest.mark.parametrize(
    ("reward", "assignments", "masters", "fee"),
    [
        (1, 1, False, 1),
        (1, 10, False, 1),
        (2, 1, False, 1),
        (7, 9, False, 1),
        (8, 9, False, 2),
        (50, 9, False, 10),
        (50, 10, False, 20),
        (52, 1, False, 10),
        (53, 1, False, 11),
        (100, 1, True, 25),
        (100, 10, True, 45),
        # Rounded apart, 2.6 and 0.65 would give 4.
        (13, 1, True, 3),
    ],
)
def test_the_fee_is_added_up_and_rounded_once(reward: int, assignments: int, masters: bool, fee: int) -> None:
    assert account.fee(reward, assignments, masters) == fee


@BOTH
def test_money_is_held_for_every_assignment_and_paid_on_approval(
    client: Any, requester: Requester, hands: Workers
) -> None:
    assert requester.balance() == ("10000.00", "0.00")
    hit_id = requester.hit(requester.hit_type(Reward="0.50"), MaxAssignments=9)["HITId"]
    assert requester.balance() == ("9994.60", "5.40")
    requester.hit(requester.hit_type(Reward="0.50"), MaxAssignments=10)
    assert requester.balance() == ("9987.60", "12.40")
    one, two = hands.do(hit_id, "AONE"), hands.do(hit_id, "ATWO")
    client.approve_assignment(AssignmentId=one)
    assert requester.balance() == ("9987.60", "11.80")
    client.reject_assignment(AssignmentId=two, RequesterFeedback="no")
    assert requester.balance() == ("9988.20", "11.20")
    client.create_additional_assignments_for_hit(
        HITId=requester.hit(requester.hit_type(Reward="1.00"))["HITId"], NumberOfAdditionalAssignments=1
    )
    assert requester.balance() == ("9985.80", "13.60")


@BOTH
def test_what_is_not_taken_is_released_when_the_hit_expires(
    crowd: Crowd, client: Any, requester: Requester, hands: Workers
) -> None:
    hit_id = requester.hit(MaxAssignments=3, LifetimeInSeconds=3600)["HITId"]
    submitted = hands.do(hit_id, "AONE")
    in_hand = hands.accept(hit_id, "ATWO")
    client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)
    assert requester.balance() == ("9998.20", "1.80")
    hands.give_back(in_hand, "ATWO")
    assert requester.balance() == ("9999.40", "0.60")
    client.update_expiration_for_hit(HITId=hit_id, ExpireAt=datetime.now(UTC) + timedelta(days=1))
    assert requester.balance() == ("9998.20", "1.80")
    crowd.advance(2 * 86_400)
    assert requester.balance() == ("9999.40", "0.60")
    client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=4)
    assert requester.balance() == ("9999.40", "0.60")
    client.reject_assignment(AssignmentId=submitted, RequesterFeedback="no")
    client.delete_hit(HITId=hit_id)
    assert requester.balance() == ("10000.00", "0.00")


@BOTH
def test_nothing_is_made_without_the_money_for_it(client: Any, requester: Requester) -> None:
    kind = requester.hit_type(Reward="1000.00")
    hit_id = requester.hit(kind, MaxAssignments=8)["HITId"]
    calls: list[Any] = [
        lambda: requester.hit(kind),
        lambda: client.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=1),
        lambda: requester.hit(requester.hit_type(Reward="9999999.99"), MaxAssignments=1_000_000_000),
        lambda: requester.hit(requester.hit_type(Reward="0.01"), MaxAssignments=1_000_000_000),
    ]
    for call in calls:
        with refused("RequestError", "InsufficientFunds", _NO_FUNDS):
            call()
    assert requester.balance() == ("400.00", "9600.00")
    assert len(client.list_hits()["HITs"]) == 1


@BOTH
def test_taking_back_a_rejection_needs_money_again(client: Any, requester: Requester, hands: Workers) -> None:
    kind = requester.hit_type(Reward="4000.00")
    hit_id = requester.hit(kind)["HITId"]
    rejected = hands.do(hit_id)
    client.reject_assignment(AssignmentId=rejected, RequesterFeedback="no")
    others = [requester.hit(kind)["HITId"] for _ in range(2)]
    with refused("RequestError", "InsufficientFunds", _NO_FUNDS):
        client.approve_assignment(AssignmentId=rejected, OverrideRejection=True)
    assert client.get_assignment(AssignmentId=rejected)["Assignment"]["AssignmentStatus"] == "Rejected"
    client.update_expiration_for_hit(HITId=others[0], ExpireAt=0)
    client.approve_assignment(AssignmentId=rejected, OverrideRejection=True)
    assert requester.balance() == ("400.00", "4800.00")


@BOTH
def test_requests_side_by_side_never_spend_money_twice(client: Any, requester: Requester) -> None:
    kind = requester.hit_type(Reward="1000.00")

    def make(_: int) -> str:
        try:
            return requester.hit(kind)["HITStatus"]
        except ClientError as error:
            return read(error).turk_code or ""

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(make, range(32)))
    assert results.count("Assignable") == 8
    assert results.count("InsufficientFunds") == 24
    assert requester.balance() == ("400.00", "9600.00")


@BOTH
def test_approvals_side_by_side_pay_once(client: Any, requester: Requester, hands: Workers) -> None:
    hit_id = requester.hit(MaxAssignments=2)["HITId"]
    assignments = [hands.do(hit_id, "AONE"), hands.do(hit_id, "ATWO")]

    def review(number: int) -> str:
        assignment_id = assignments[number % 2]
        try:
            if number % 4 < 2:
                client.approve_assignment(AssignmentId=assignment_id)
            else:
                client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="no")
        except ClientError as error:
            return read(error).turk_code or ""
        return "done"

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(review, range(32)))
    assert results.count("done") == 2
    assert results.count("InvalidAssignmentState") == 30
    states = [
        client.get_assignment(AssignmentId=one)["Assignment"]["AssignmentStatus"] for one in assignments
    ]
    paid = 0.6 * states.count("Approved")
    assert requester.balance() == (f"{10000 - paid:.2f}", "0.00")
    assert requester.counters(hit_id) == ("Reviewable", 0, 0, 2)
