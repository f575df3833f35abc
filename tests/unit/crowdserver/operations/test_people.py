"""The crowd's people and the account's keys over HTTP, on either database."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from crowdserver.operations import people
from tests.support.crowds import Crowd
from tests.support.offers import ask
from tests.support.requesters import BOTH, Requester, Workers


def post(crowd: Crowd, path: str, body: Any, pair: tuple[str, str] | None = None) -> tuple[int, Any]:
    answer = ask(f"{crowd.url}/{path}", pair or crowd.credentials, json.dumps(body).encode())
    return answer.status_code, answer.json()


@BOTH
def test_people_are_listed_with_what_they_earned_in_a_period_and_removed(
    crowd: Crowd, requester: Requester, hands: Workers
) -> None:
    names = [{"name": "Ada", "worker_id": "AADA"}, {"worker_id": "ABEN"}]
    assert post(crowd, "invites", {"workers": names})[0] == 200
    hit_type = requester.hit_type(Reward="0.30")
    done, held = (requester.hit(hit_type)["HITId"] for _ in range(2))
    assignment_id = hands.do(done, "AADA")
    hands.accept(held, "AADA")
    requester.client.approve_assignment(AssignmentId=assignment_id)
    ever = {"since": 0.0, "until": 1e11, "after": ""}
    status, page = post(crowd, "workers", ever)
    ada, ben = page["workers"]
    assert (status, page["next"], ada["rewards"], ada["in_hand"], ada["done"]) == (200, None, "0.30", 1, 1)
    assert (ben["rewards"], ben["bonuses"], ben["last_seen"]) == ("0.00", "0.00", None)
    nothing = post(crowd, "workers", {**ever, "until": 1.0})[1]["workers"][0]
    assert (nothing["rewards"], nothing["done"]) == ("0.00", 1)
    assert [
        each["worker_id"] for each in post(crowd, "workers", {**ever, "after": "AADA"})[1]["workers"]
    ] == ["ABEN"]
    answer = {"removed": ["AADA"], "already": [], "unknown": ["x\u0000"], "returned": 1}
    assert post(crowd, "removals", {"worker_ids": ["AADA", "x\u0000"]}) == (200, answer)
    assert requester.counters(held)[1:] == (1, 0, 0)
    assert post(crowd, "workers", ever)[1]["workers"][0]["removed_at"] > 0


@BOTH
def test_a_named_key_may_all_but_make_and_revoke_keys(crowd: Crowd) -> None:
    status, made = post(crowd, "keys", {"new": "ada"})
    pair = (made["new"]["access_key_id"], made["new"]["secret_access_key"])
    assert (status, made["new"]["name"], len(pair[1])) == (200, "ada", 43)
    assert post(crowd, "workers", {"since": 0.0, "until": 1.0, "after": ""}, pair)[0] == 200
    assert post(crowd, "keys", {}, pair) == (
        403,
        {"message": "The key ada may not do this, only the first key."},
    )
    assert post(crowd, "keys", {"new": "ada"})[0] == post(crowd, "keys", {"revoke": "first"})[0] == 400
    assert pair[1] not in json.dumps(post(crowd, "keys", {"revoke": "ada"}))
    assert post(crowd, "keys", {}, pair)[1]["__type"] == "UnrecognizedClientException"


@BOTH
def test_a_name_that_two_want_at_once_is_one_key(crowd: Crowd) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(crowd, "keys", {"new": "ada"}), range(8)))
    assert sorted(status for status, _ in answers) == [200] + [400] * 7
    assert len(post(crowd, "keys", {})[1]["keys"]) == 1
    assert all("was used before" in answer["message"] for status, answer in answers if status == 400)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("workers", {"since": 0, "until": 1.0, "after": ""}),
        ("workers", {"since": 0.0, "until": 1.0, "after": "\u0000"}),
        ("workers", []),
        ("removals", {"worker_ids": "AADA"}),
        ("removals", {"worker_ids": ["AADA"] * 1001}),
        ("keys", {"new": "a b"}),
        ("keys", {"new": "a", "revoke": "b"}),
        ("keys", [1]),
        ("invites", {"workers": [[]]}),
        ("invites", {"workers": [], "link_seconds": 1}),
        ("invites", {"workers": [], "taken": "maybe"}),
        ("invites", {"workers": [{"worker_id": "APANELX"}]}),
        ("invites", {"workers": [{"worker_id": "AX"}, {"worker_id": "AX", "name": "Ada"}]}),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(crowd: Crowd, path: str, body: Any) -> None:
    status, answer = post(crowd, path, body)
    assert status == 400 and answer["message"]


def test_pages_end(crowd: Crowd) -> None:
    workers = [{"worker_id": f"A{number:04d}"} for number in range(people.PAGE_SIZE)]
    post(crowd, "invites", {"workers": workers})
    ever = {"since": 0.0, "until": 1.0, "after": ""}
    first = post(crowd, "workers", ever)[1]
    assert (len(first["workers"]), first["next"]) == (people.PAGE_SIZE, "A0999")
    assert post(crowd, "workers", {**ever, "after": "A0999"})[1] == {"workers": [], "next": None}
