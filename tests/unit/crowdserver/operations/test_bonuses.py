"""Bonuses: paid once a token, to the assignment's own worker, out of what is available."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from crowdserver.storage import account
from tests.support.crowds import Crowd
from tests.support.offers import offer
from tests.support.refusals import read, refused
from tests.support.requesters import BOTH, Requester, Workers
from tests.unit.crowdserver.site.test_site import Browser, frame_parameters, submit
from tests.unit.crowdserver.storage.test_account import _NO_FUNDS

_DAY = 86_400


def _send(
    client: Any, assignment_id: str, amount: str = "0.50", worker_id: str = "AONE", **members: Any
) -> Any:
    given = {"Reason": "Very good work", **members}
    return client.send_bonus(AssignmentId=assignment_id, WorkerId=worker_id, BonusAmount=amount, **given)


def _paid(client: Any, **wanted: Any) -> list[tuple[str, str, str]]:
    """Worker, amount and reason of each bonus, page after page."""
    pages = client.get_paginator("list_bonus_payments").paginate(**wanted, PaginationConfig={"PageSize": 2})
    return [
        (one["WorkerId"], one["BonusAmount"], one["Reason"])
        for page in pages
        for one in page["BonusPayments"]
    ]


@pytest.fixture
def done(requester: Requester, hands: Workers) -> tuple[str, str, str]:
    """A HIT, and the submitted assignments of AONE and ATWO for it."""
    hit_id = requester.hit(requester.hit_type(Reward="1.00"), MaxAssignments=3)["HITId"]
    return hit_id, hands.do(hit_id, "AONE"), hands.do(hit_id, "ATWO")


@pytest.mark.parametrize(
    ("amount", "fee"), [(1, 1), (2, 1), (7, 1), (8, 2), (12, 2), (13, 3), (100, 20), (12_345, 2_469)]
)
def test_the_fee_of_a_bonus_is_a_fifth_and_at_least_a_cent(amount: int, fee: int) -> None:
    assert account.bonus_fee(amount) == fee


@BOTH
def test_a_bonus_and_its_fee_are_paid_at_once(
    client: Any, requester: Requester, done: tuple[str, str, str]
) -> None:
    _, one, two = done
    assert requester.balance() == ("9996.40", "3.60")
    _send(client, one, "0.50")
    assert requester.balance() == ("9995.80", "3.60")
    client.approve_assignment(AssignmentId=one)
    client.reject_assignment(AssignmentId=two, RequesterFeedback="no")
    assert requester.balance() == ("9997.00", "1.20")
    _send(client, one, "0.01")
    _send(client, two, "2", "ATWO")
    assert requester.balance() == ("9994.58", "1.20")


@BOTH
def test_payments_are_listed_by_assignment_and_by_hit(
    client: Any, requester: Requester, hands: Workers, done: tuple[str, str, str]
) -> None:
    hit_id, one, two = done
    other_hit = requester.hit()["HITId"]
    other = hands.do(other_hit, "AONE")
    for number in (1, 2, 3):
        _send(client, one, f"0.1{number}", Reason=f"Reason {number}")
    _send(client, two, "5", "ATWO")
    _send(client, other, "6.")
    ones = [("AONE", f"0.1{number}", f"Reason {number}") for number in (1, 2, 3)]
    assert _paid(client, AssignmentId=one) == ones
    assert _paid(client, HITId=hit_id) == [*ones, ("ATWO", "5.00", "Very good work")]
    assert _paid(client, HITId=hit_id, AssignmentId=two) == [("ATWO", "5.00", "Very good work")]
    assert _paid(client, HITId=other_hit) == [("AONE", "6.00", "Very good work")]
    (payment,) = client.list_bonus_payments(AssignmentId=two)["BonusPayments"]
    assert payment["AssignmentId"] == two
    assert abs(payment["GrantTime"] - datetime.now(UTC)) < timedelta(minutes=1)


def test_payments_are_listed_for_something_that_exists(
    client: Any, done: tuple[str, str, str], requester: Requester
) -> None:
    other_hit = requester.hit()["HITId"]
    with refused("ParameterValidationError", None, "Give a HITId or an AssignmentId."):
        client.list_bonus_payments()
    with refused("RequestError", "HITDoesNotExist", "Hit 3NONE does not exist."):
        client.list_bonus_payments(HITId="3NONE")
    with refused("RequestError", "AssignmentDoesNotExist", "Assignment 3NONE does not exist."):
        client.list_bonus_payments(AssignmentId="3NONE")
    text = f"Assignment {done[1]} is not one of HIT {other_hit}."
    with refused("ParameterValidationError", None, text):
        client.list_bonus_payments(HITId=other_hit, AssignmentId=done[1])
    assert client.list_bonus_payments(HITId=other_hit)["NumResults"] == 0


@BOTH
def test_a_token_pays_once_a_day(crowd: Crowd, client: Any, done: tuple[str, str, str]) -> None:
    _, one, two = done
    request_id = _send(client, one, UniqueRequestToken="first")["ResponseMetadata"]["RequestId"]
    _send(client, one, "0.60", UniqueRequestToken="second")
    text = f"A request with this UniqueRequestToken was already processed. Request ID: {request_id}"
    for again in (lambda: _send(client, one, UniqueRequestToken="first"),
                  lambda: _send(client, two, "9", "ATWO", UniqueRequestToken="first")):  # fmt: skip
        with refused("RequestError", "DuplicateCall", text):
            again()
    crowd.advance(_DAY - 60)
    with refused("RequestError", "DuplicateCall", text):
        _send(client, one, UniqueRequestToken="first")
    crowd.advance(120)
    _send(client, one, UniqueRequestToken="first")
    assert [amount for _, amount, _ in _paid(client, AssignmentId=one)] == ["0.50", "0.60", "0.50"]
    assert _paid(client, AssignmentId=two) == []


@BOTH
def test_of_many_requests_with_one_token_at_once_one_pays(
    client: Any, requester: Requester, done: tuple[str, str, str]
) -> None:
    def pay(token: str) -> str:
        try:
            _send(client, done[1], UniqueRequestToken=token)
        except ClientError as error:
            return str(read(error).turk_code)
        return "paid"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(pay, ["a", "b"] * 16))
    assert (results.count("paid"), results.count("DuplicateCall")) == (2, 30)
    assert len(_paid(client, AssignmentId=done[1])) == 2
    assert requester.balance() == ("9995.20", "3.60")


@BOTH
def test_bonuses_side_by_side_never_spend_money_twice(
    client: Any, requester: Requester, done: tuple[str, str, str]
) -> None:
    _send(client, done[1], "8325.00")

    def pay(_: int) -> str:
        try:
            _send(client, done[1], "1.00")
        except ClientError as error:
            return str(read(error).turk_code)
        return "paid"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(pay, range(16)))
    assert (results.count("paid"), results.count("InsufficientFunds")) == (5, 11)
    assert requester.balance() == ("0.40", "3.60")


@BOTH
def test_a_bonus_that_fails_pays_nothing_and_burns_no_token(
    client: Any, requester: Requester, done: tuple[str, str, str]
) -> None:
    for amount in ("8330.34", "9999999.99"):
        with refused("RequestError", "InsufficientFunds", _NO_FUNDS):
            _send(client, done[1], amount, UniqueRequestToken="one")
    assert _paid(client, AssignmentId=done[1]) == []
    assert requester.balance() == ("9996.40", "3.60")
    _send(client, done[1], "8330.33", UniqueRequestToken="one")
    assert requester.balance() == ("0.00", "3.60")


@BOTH
def test_a_bonus_is_for_the_worker_of_a_submitted_assignment(
    client: Any, requester: Requester, hands: Workers, done: tuple[str, str, str]
) -> None:
    hit_id, one, _ = done
    in_hand = hands.accept(hit_id, "ATHREE")
    for unknown in (in_hand, "3NONE"):
        with refused("RequestError", "AssignmentDoesNotExist", f"Assignment {unknown} does not exist."):
            _send(client, unknown, worker_id="ATHREE")
    hands.give_back(in_hand, "ATHREE")
    with refused("RequestError", "AssignmentDoesNotExist", f"Assignment {in_hand} does not exist."):
        _send(client, in_hand, worker_id="ATHREE")
    text = f"Worker ATWO did not submit assignment {one}."
    with refused("ParameterValidationError", None, text):
        _send(client, one, worker_id="ATWO")
    assert _paid(client, HITId=hit_id) == []
    assert requester.balance() == ("9996.40", "3.60")


@BOTH
def test_a_bonus_outlives_its_hit(client: Any, requester: Requester, hands: Workers) -> None:
    hit_id = requester.hit()["HITId"]
    assignment_id = hands.do(hit_id, "AONE")
    _send(client, assignment_id, "0.10")
    client.approve_assignment(AssignmentId=assignment_id)
    client.delete_hit(HITId=hit_id)
    _send(client, assignment_id, "0.20")
    for wanted in ({"AssignmentId": assignment_id}, {"HITId": hit_id}):
        assert [amount for _, amount, _ in _paid(client, **wanted)] == ["0.10", "0.20"]


@pytest.mark.parametrize("amount", ["1.234", "-1", "1,50", "1e2", ""])
def test_an_amount_that_is_no_money_breaks_a_constraint(
    client: Any, done: tuple[str, str, str], amount: str
) -> None:
    text = (
        f"1 validation error detected: Value '{amount}' at 'bonusAmount' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: ^[0-9]+(\.)?[0-9]{0,2}$"
    )
    with refused("ValidationException", None, text):
        _send(client, done[1], amount)
    assert _paid(client, AssignmentId=done[1]) == []


@pytest.mark.parametrize(
    ("amount", "reason", "text"),
    [
        ("0", "Good", 'The value "0" is not valid for the parameter BonusAmount.'),
        ("0.00", "Good", 'The value "0.00" is not valid for the parameter BonusAmount.'),
        ("9" * 40, "Good", f'The value "{"9" * 40}" is not valid for the parameter BonusAmount.'),
        ("1", " ", 'The value " " is not valid for the parameter Reason.'),
        ("1", "r" * 4097, "The value of Reason has 4097 characters. The greatest length is 4096."),
    ],
)
def test_a_bonus_of_nothing_or_for_nothing_is_refused(
    client: Any, done: tuple[str, str, str], amount: str, reason: str, text: str
) -> None:
    with refused("ParameterValidationError", None, text):
        _send(client, done[1], amount, Reason=reason)
    assert _paid(client, AssignmentId=done[1]) == []


def test_a_worker_reads_of_the_bonuses(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    lucky, other = Browser(crowd, worker_id="ALUCKY"), Browser(crowd, worker_id="AOTHER")
    assert lucky.open("/history").select("[data-bonus]") == []
    for browser in (lucky, other):
        submit(crowd, assignmentId=frame_parameters(browser.accept(offered))["assignmentId"], label="cat")
    assignments = {one["WorkerId"]: one["AssignmentId"] for one in offered.submissions()}
    _send(offered.client, assignments["ALUCKY"], "0.30", "ALUCKY", Reason="<b>Sharp</b> eyes")
    _send(offered.client, assignments["ALUCKY"], "1.00", "ALUCKY", Reason="Quick too")
    page = lucky.open("/history")
    rows = [
        [cell.get_text(" ", strip=True) for cell in row.find_all("td")] for row in page.select("[data-bonus]")
    ]
    assert [(row[0], row[2]) for row in rows] == [
        (f"{offered.title} “Quick too”", "$1.00"),
        (f"{offered.title} “<b>Sharp</b> eyes”", "$0.30"),
    ]
    assert "$1.30 in bonuses" in page.get_text()
    assert "in bonuses" not in other.open("/history").get_text()
