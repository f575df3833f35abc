"""The control API: the clock, the faults, the call count, the limits on calls."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import requests
from botocore.exceptions import ConnectionClosedError

from tests.support.crowds import Crowd
from tests.support.refusals import refused
from tests.support.requesters import BOTH, Requester

_FAULT = "There was an error with this request. Try your call again."


@BOTH
def test_the_clock_moves_for_every_process(crowd: Crowd, requester: Requester) -> None:
    before = requester.hit()["CreationTime"]
    crowd.advance(86_400)
    for _ in range(8):
        moved = requester.hit()["CreationTime"] - before
        assert timedelta(seconds=86_400) <= moved < timedelta(seconds=86_430)
    assert crowd.control("clock")["now"] - time.time() == pytest.approx(86_400, abs=5)


@BOTH
def test_calls_are_counted_by_operation(crowd: Crowd, client: Any, requester: Requester) -> None:
    kind = requester.hit_type()
    for _ in range(3):
        hit_id = requester.hit(kind)["HITId"]
    client.get_hit(HITId=hit_id)
    for _ in range(2):
        with refused("RequestError", "HITDoesNotExist", "Hit 3A does not exist."):
            client.get_hit(HITId="3A")
    assert crowd.calls() == {
        "CreateHITType": {"ok": 1, "failed": 0},
        "CreateHITWithHITType": {"ok": 3, "failed": 0},
        "GetHIT": {"ok": 1, "failed": 2},
    }
    assert crowd.number_of_calls() == 7
    crowd.control("calls", method="DELETE")
    assert crowd.calls() == {}


def test_a_call_that_reads_is_counted_while_somebody_else_writes(crowd: Crowd, client: Any) -> None:
    with crowd.database.write():
        client.get_account_balance()
        with refused("RequestError", "HITDoesNotExist", "Hit 3A does not exist."):
            client.get_hit(HITId="3A")
    assert crowd.calls() == {
        "GetAccountBalance": {"ok": 1, "failed": 0},
        "GetHIT": {"ok": 0, "failed": 1},
    }


@BOTH
@pytest.mark.parametrize(
    ("kind", "code", "message", "status"),
    [
        ("throttle", "ThrottlingException", "Rate exceeded", 400),
        ("error-before", "ServiceFault", _FAULT, 500),
    ],
)
def test_a_fault_before_the_work_leaves_nothing_behind(
    crowd: Crowd, client: Any, requester: Requester, kind: str, code: str, message: str, status: int
) -> None:
    hit_type_id = requester.hit_type()
    crowd.control("faults", {"operation": "CreateHITWithHITType", "kind": kind, "count": 2})
    for _ in range(2):
        with refused(code, "ServiceUnavailable" if status == 500 else None, message, status):
            requester.hit(hit_type_id)
    assert client.list_hits()["HITs"] == []
    requester.hit(hit_type_id)
    assert crowd.calls()["CreateHITWithHITType"] == {"ok": 1, "failed": 2}


@BOTH
def test_an_error_after_the_work_leaves_a_hit_behind(crowd: Crowd, client: Any, requester: Requester) -> None:
    kind = requester.hit_type()
    crowd.control("faults", {"operation": "CreateHITWithHITType", "kind": "error-after", "count": 1})
    with refused("ServiceFault", "ServiceUnavailable", _FAULT, 500):
        requester.hit(kind, UniqueRequestToken="one")
    (hit,) = client.list_hits()["HITs"]
    text = f"A HIT was already created with this UniqueRequestToken. HITId: {hit['HITId']}"
    with refused("RequestError", "HitAlreadyExists", text):
        requester.hit(kind, UniqueRequestToken="one")
    assert crowd.calls()["CreateHITWithHITType"] == {"ok": 0, "failed": 2}


@BOTH
def test_a_connection_can_be_dropped_after_the_work(crowd: Crowd, client: Any, requester: Requester) -> None:
    kind = requester.hit_type()
    crowd.control("faults", {"operation": "*", "kind": "drop-after", "count": 1})
    with pytest.raises(ConnectionClosedError):
        requester.hit(kind)
    assert len(client.list_hits()["HITs"]) == 1
    assert crowd.calls()["CreateHITWithHITType"] == {"ok": 0, "failed": 1}


def test_boto3_that_resends_a_dropped_request_makes_a_second_hit(crowd: Crowd, requester: Requester) -> None:
    kind = requester.hit_type()
    crowd.control("faults", {"operation": "CreateHITWithHITType", "kind": "drop-after", "count": 1})
    stubborn = Requester(crowd.client(retries={"total_max_attempts": 2, "mode": "standard"}))
    stubborn.hit(kind)
    assert len(stubborn.client.list_hits()["HITs"]) == 2


def test_a_slow_answer_holds_nobody_else_up(crowd: Crowd, client: Any, requester: Requester) -> None:
    crowd.control("faults", {"operation": "GetAccountBalance", "kind": "slow", "count": 1, "seconds": 1.5})
    begun = time.monotonic()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(client.get_account_balance)
        while not slow.done():
            client.list_hits()
            listed = time.monotonic() - begun
            if listed > 0.2:
                break
        assert not slow.done()
        slow.result()
    assert time.monotonic() - begun >= 1.5


def test_a_fault_can_strike_by_chance_until_it_is_taken_back(crowd: Crowd, client: Any) -> None:
    crowd.control("faults", {"operation": "*", "kind": "throttle", "probability": 0})
    crowd.control("faults", {"operation": "ListHITs", "kind": "throttle", "probability": 1})
    client.get_account_balance()
    for _ in range(3):
        with refused("ThrottlingException", None, "Rate exceeded"):
            client.list_hits()
    crowd.control("faults", method="DELETE")
    assert client.list_hits()["HITs"] == []


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("clock", {"advance_seconds": -1}, "advance_seconds must be a number that is not negative"),
        ("clock", {"advance_seconds": "1"}, "advance_seconds must be a number that is not negative"),
        ("clock", [], "the body must be a JSON object"),
        (
            "faults",
            {"operation": "GetHITs", "kind": "slow", "count": 1},
            "operation is the name of an operation or *, not 'GetHITs'",
        ),
        (
            "faults",
            {"operation": "*", "kind": "fire", "count": 1},
            "kind is one of throttle, error-before, error-after, drop-after, slow, not 'fire'",
        ),
        ("faults", {"operation": "*", "kind": "slow"}, "give either count or probability"),
        ("lag", {"lists": 1}, "give one or both of list_seconds, counter_seconds"),
        ("wording", {"duplicate_token": "x"}, "duplicate_token is one of hit-id, plain"),
    ],
)
def test_a_wrong_order_is_refused(crowd: Crowd, path: str, body: Any, error: str) -> None:
    response = requests.post(f"{crowd.url}/_control/{path}", json=body, timeout=10)
    assert (response.status_code, response.json()) == (400, {"error": error})


def test_orders_must_call_themselves_json(crowd: Crowd) -> None:
    response = requests.post(f"{crowd.url}/_control/clock", data='{"advance_seconds": 1}', timeout=10)
    assert response.status_code == 415


def test_the_rate_limit_throttles_what_comes_too_fast() -> None:
    with Crowd(rate_limit=20) as crowd:
        client = crowd.client()
        begun = time.monotonic()
        good = 0
        for _ in range(80):
            try:
                client.get_account_balance()
                good += 1
            except client.exceptions.ClientError as error:
                assert error.response["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}
        allowed = 20 + 20 * (time.monotonic() - begun)
        assert 20 <= good <= allowed
        assert crowd.calls()["GetAccountBalance"] == {"ok": good, "failed": 80 - good}


def test_each_call_waits_for_itself_while_the_site_does_not() -> None:
    with Crowd(latency_ms=2000, control=False) as crowd:
        client = crowd.client()
        begun = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda _: client.get_account_balance(), range(16)))
        assert 2 <= time.monotonic() - begun < 16 * 2 / 2
        begun = time.monotonic()
        assert requests.get(f"{crowd.url}/health", timeout=10).json()["status"] == "ok"
        assert time.monotonic() - begun < 2
        # And without --control nobody can move the clock.
        for path in ("clock", "calls", "faults"):
            assert requests.get(f"{crowd.url}/_control/{path}", timeout=10).status_code == 404


HANDED_ON = [
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Prefix",
    "X-Real-IP",
    "X-Client-IP",
    "Via",
    "CF-Connecting-IP",
    "CF-Ray",
]


def test_the_control_api_answers_nothing_that_a_web_server_hands_on(crowd: Crowd) -> None:
    for header in HANDED_ON:
        answer = requests.get(f"{crowd.url}/_control/clock", headers={header: "127.0.0.1"}, timeout=10)
        assert answer.status_code == 403, header
        assert "only programs on this machine" in answer.json()["error"]
    moved = requests.post(
        f"{crowd.url}/_control/clock", json={"advance_seconds": 9}, headers={"Via": "1.1 x"}, timeout=10
    )
    assert moved.status_code == 403
    assert crowd.control("clock")["now"] - time.time() == pytest.approx(0, abs=5)


def test_the_control_api_answers_under_the_names_of_this_machine_only(crowd: Crowd) -> None:
    port = crowd.url.rpartition(":")[2]
    for host, status in (
        (f"127.0.0.1:{port}", 200),
        (f"localhost:{port}", 200),
        ("[::1]", 200),
        (f"rebound.example:{port}", 403),
        ("127.0.0.1.rebound.example", 403),
        ("localhost.", 403),
        ("[::1", 403),
        ("127.0.0.1@rebound.example", 403),
    ):
        answer = requests.get(f"{crowd.url}/_control/clock", headers={"Host": host}, timeout=10)
        assert answer.status_code == status, host
