"""What workers accepted and did not submit, as the requester is told it."""

import json
from typing import Any

import pytest
import requests

from tests.support.crowds import Crowd
from tests.support.offers import ask
from tests.support.requesters import BOTH, Requester, Workers


def returns_of(crowd: Crowd, *hit_ids: str) -> Any:
    body = json.dumps({"hit_ids": hit_ids}).encode()
    answer = ask(f"{crowd.url}/returns", crowd.credentials, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@BOTH
def test_returned_and_abandoned_work_is_counted_by_hit(
    crowd: Crowd, requester: Requester, hands: Workers
) -> None:
    hit_type = requester.hit_type(AssignmentDurationInSeconds=60)
    first, second = (requester.hit(hit_type)["HITId"] for _ in range(2))
    nothing = {"returned": 0, "abandoned": 0, "workers": 0, "last_accept": None}
    assert returns_of(crowd, first, second) == returns_of(crowd) == nothing
    hands.give_back(hands.accept(first, "AWORKER1"), "AWORKER1")
    hands.give_back(hands.accept(first, "AWORKER1"), "AWORKER1")
    hands.accept(first, "AWORKER2")
    hands.accept(second, "AWORKER1")
    assert returns_of(crowd, first)["returned"] == 2  # what is being worked on does not count
    crowd.advance(61)
    found = returns_of(crowd, first)
    assert (found["returned"], found["abandoned"], found["workers"]) == (2, 1, 2)
    assert found["last_accept"] > 0
    hands.do(first, "AWORKER3")
    found = returns_of(crowd, first, second, "3UNKNOWN")
    assert (found["returned"], found["abandoned"], found["workers"]) == (2, 2, 2)


def test_it_needs_the_requesters_signature(crowd: Crowd) -> None:
    unsigned = requests.post(f"{crowd.url}/returns", json={"hit_ids": []}, timeout=10)
    assert (unsigned.status_code, unsigned.json()["__type"]) == (400, "MissingAuthenticationTokenException")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"hit_ids": "x"}', b'{"hit_ids": [1]}', b"\xff"])
def test_what_is_no_list_of_hits_is_refused(crowd: Crowd, body: bytes) -> None:
    answer = ask(f"{crowd.url}/returns", crowd.credentials, body)
    assert (answer.status_code, answer.json()) == (
        400,
        {"message": "Send a JSON object with hit_ids, a list of texts."},
    )
    many = json.dumps({"hit_ids": ["x"] * 1001}).encode()
    assert ask(f"{crowd.url}/returns", crowd.credentials, many).status_code == 400
