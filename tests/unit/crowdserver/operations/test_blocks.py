"""Blocks: a blocked worker sees no work and takes none, and is told so kindly."""

from typing import Any

import pytest

from crowdserver.worker import groups
from crowdserver.worker.refusals import Refused
from tests.support.crowds import Crowd
from tests.support.offers import invite, offer
from tests.support.refusals import refused
from tests.support.requesters import BOTH, Requester, Workers
from tests.unit.crowdserver.site.test_site import Browser, frame_parameters, submit

_KIND = "The requester does not offer you new work any more."


def _blocks(client: Any) -> list[tuple[str, str]]:
    pages = client.get_paginator("list_worker_blocks").paginate(PaginationConfig={"PageSize": 2})
    return [(one["WorkerId"], one["Reason"]) for page in pages for one in page["WorkerBlocks"]]


@BOTH
def test_blocks_are_made_listed_and_ended(crowd: Crowd, client: Any) -> None:
    assert _blocks(client) == []
    for worker_id in ("ATHREE", "AONE", "ATWO", "AFOUR"):
        invite(crowd, worker_id=worker_id)
    for worker_id in ("ATHREE", "AONE", "ATWO"):
        client.create_worker_block(WorkerId=worker_id, Reason=f"About {worker_id}")
    client.create_worker_block(WorkerId="AONE", Reason="Once more")
    assert _blocks(client) == [("AONE", "Once more"), ("ATHREE", "About ATHREE"), ("ATWO", "About ATWO")]
    client.delete_worker_block(WorkerId="AONE", Reason="Forgiven")
    for unblocked in ("AONE", "AFOUR"):
        client.delete_worker_block(WorkerId=unblocked)
    assert _blocks(client) == [("ATHREE", "About ATHREE"), ("ATWO", "About ATWO")]


def test_only_workers_whom_somebody_knows_are_blocked(
    client: Any, requester: Requester, hands: Workers
) -> None:
    hands.accept(requester.hit()["HITId"], "AKNOWN")
    client.create_worker_block(WorkerId="AKNOWN", Reason="Known by a task")
    with refused(
        "ParameterValidationError", None, 'The value "ANOBODY" is not valid for the parameter WorkerId.'
    ):
        client.create_worker_block(WorkerId="ANOBODY", Reason="Never seen")
    with refused("ParameterValidationError", None, "WorkerId is invalid."):
        client.delete_worker_block(WorkerId="ANOBODY")
    with refused("ParameterValidationError", None, 'The value "" is not valid for the parameter Reason.'):
        client.create_worker_block(WorkerId="AKNOWN", Reason="")
    assert _blocks(client) == [("AKNOWN", "Known by a task")]


@BOTH
def test_a_blocked_worker_takes_nothing_and_finishes_what_is_in_hand(
    client: Any, requester: Requester, hands: Workers
) -> None:
    kind = requester.hit_type()
    hits = [requester.hit(kind, MaxAssignments=2)["HITId"] for _ in range(3)]
    to_submit, to_return = hands.accept(hits[0], "ABAD"), hands.accept(hits[1], "ABAD")
    hands.accept(hits[0], "AGOOD")
    client.create_worker_block(WorkerId="ABAD", Reason="Random answers")
    with hands.crowd.opened.reading() as (tx, now):
        assert groups.available(tx, now, "ABAD") == []
        assert [group.hits_left for group in groups.available(tx, now, "AGOOD")] == [2]
        with pytest.raises(Refused, match=_KIND) as refusal:
            groups.preview(tx, now, "ABAD", kind)
        assert refusal.value.code == "blocked"
    for take in (lambda: hands.accept(hits[2], "ABAD"), lambda: hands.accept_next(kind, "ABAD")):
        with pytest.raises(Refused, match=_KIND) as refusal:
            take()
        assert refusal.value.code == "blocked"
    hands.submit(to_submit)
    hands.give_back(to_return, "ABAD")
    assert requester.counters(hits[2]) == ("Assignable", 2, 0, 0)
    client.delete_worker_block(WorkerId="ABAD")
    assert hands.accept_next(kind, "ABAD").hit.hit_id == hits[1]


def test_a_blocked_worker_is_told_so_without_the_requesters_reason(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 3)
    blocked, other = Browser(crowd, worker_id="ABLOCKED"), Browser(crowd)
    accepted = blocked.accept(offered)
    offered.client.create_worker_block(WorkerId="ABLOCKED", Reason="Secret reason")
    page = blocked.open("/")
    assert _KIND in page.get_text()
    assert page.select("[data-group]") == []
    assert page.select("[data-assignment]") != []
    preview = blocked.open(f"/groups/{offered.hit_type_id}", 403)
    assert _KIND in preview.get_text()
    blocked.post(f"/groups/{offered.hit_type_id}/accept", 403, form_token=blocked.token())
    assert "Secret reason" not in page.get_text() + preview.get_text()
    assert "Your work was submitted" in submit(
        crowd, assignmentId=frame_parameters(accepted)["assignmentId"], label="cat"
    )
    assert other.card(offered.title) is not None
    assert _KIND not in other.open("/").get_text()
