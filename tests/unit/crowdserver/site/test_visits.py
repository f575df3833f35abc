"""A panel's participants: in by the link, a share of one run one after the other, and out with a code."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import select, text

from crowdserver.storage import clock, people_tables
from crowdserver.worker import panels
from tests.support.crowds import Crowd
from tests.support.offers import ask
from tests.support.processes import wait_until
from tests.support.requesters import BOTH, Requester

RUN = "crowdops:1:20261122-114502-k3f9:"
OTHER_RUN = "crowdops:1:20261122-114502-k3f8:"
DEFINED = {
    "name": "prolific",
    "annotation": RUN,
    "units": 2,
    "seconds": 600,
    "participant": "PROLIFIC_PID",
    "complete_code": "DONE1",
    "none_code": "",
    "back": "https://panel.invalid/complete?cc={code}",
}


def define(crowd: Crowd, hit_type_id: str, **other: Any) -> Any:
    body = json.dumps({**DEFINED, "hit_type_id": hit_type_id, **other}).encode()
    answer = ask(f"{crowd.url}/panels", crowd.credentials, body)
    return answer.json() if answer.ok else answer.json()["message"]


class Participant:
    """A participant's browser, which follows no address to the panel."""

    def __init__(self, crowd: Crowd, link: str, pid: str = "5f3a0c") -> None:
        self.crowd, self.link, self.pid = crowd, link, pid
        self.session = requests.Session()

    def enter(self, **parameters: str | list[str]) -> str:
        given = {"PROLIFIC_PID": self.pid, "STUDY_ID": "s1", "SESSION_ID": "x1", **parameters}
        self.page = self.session.get(self.link, params=given, timeout=30)
        return self.page.text

    def press(self, path: str) -> str:
        token = re.search(r'name="form_token" value="([^"]+)"', self.page.text)
        assert token
        self.page = self.session.post(f"{self.crowd.url}{path}", data={"form_token": token[1]}, timeout=30)
        return self.page.text

    @property
    def assignment_id(self) -> str:
        assert "/tasks/" in self.page.url, self.page.text
        return self.page.url.rpartition("/")[2]

    def submit(self) -> None:
        data = {"assignmentId": self.assignment_id, "label": "cat"}
        assert self.session.post(f"{self.crowd.url}/mturk/externalSubmit", data=data, timeout=30).ok

    def submit_and_go_on(self) -> str:
        self.submit()
        return self.press(f"/tasks/{self.assignment_id}/next")


def hits_of(requester: Requester, number: int, annotation: str = RUN, **more: Any) -> str:
    hit_type = requester.hit_type(**more)
    for index in range(number):
        requester.hit(hit_type, RequesterAnnotation=f"{annotation}{index}")
    return hit_type


@BOTH
def test_a_participant_does_the_share_and_goes_back_with_the_code(crowd: Crowd, requester: Requester) -> None:
    hit_type = hits_of(requester, 3)
    requester.hit(hit_type, RequesterAnnotation=f"{OTHER_RUN}0")  # of another run, with the same type
    panel = define(crowd, hit_type)
    assert define(crowd, hit_type) == panel
    ada = Participant(crowd, panel["url"])
    assert "<b>0</b> of <b>2</b> done" in ada.enter() and "DONE1" not in ada.page.text
    assert "Task 1 of 2" in ada.press("/visit")
    first = ada.assignment_id
    assert "not submitted yet" in ada.press(f"/tasks/{first}/next")  # not so soon
    ada.enter()
    ada.press("/visit")
    assert ada.assignment_id == first  # the same visit, and the same unit
    assert "Task 2 of 2" in ada.submit_and_go_on()
    assert "Your panel pays you." in ada.session.get(f"{crowd.url}/help", timeout=30).text
    end = ada.submit_and_go_on()
    assert '<meta http-equiv="refresh" content="0; url=https://panel.invalid/complete?cc=DONE1">' in end
    assert '<b id="code">DONE1</b>' in ada.enter()
    # One unit is left, and none of the other run's: the second participant goes back with the other code.
    ben = Participant(crowd, panel["url"], "ben")
    ben.enter()
    ben.press("/visit")
    end = ben.submit_and_go_on()
    assert "You have done 1 of 2." in end and f"cc={panel['none_code']}" in end and "DONE1" not in end
    cleo = Participant(crowd, panel["url"], "cleo")
    cleo.enter()
    assert "There is no task for you" in cleo.press("/visit")
    with crowd.database.read() as tx:
        names = set(tx.execute(select(people_tables.workers.c.name)).scalars())
        told = json.loads(tx.execute(select(people_tables.visits.c.parameters)).scalars().first() or "{}")
    assert names == {"prolific 5f3a0c", "prolific ben", "prolific cleo"}
    assert told["STUDY_ID"] == "s1" and told["SESSION_ID"] == "x1"


def test_what_is_in_hand_ends_with_the_visit(crowd: Crowd, requester: Requester) -> None:
    hit_type = hits_of(requester, 1, AssignmentDurationInSeconds=3600)
    panel = define(crowd, hit_type, seconds=60, back="")
    ada = Participant(crowd, panel["url"])
    ada.enter()
    ada.press("/visit")
    crowd.advance(61)
    ada.enter()
    assert panel["none_code"] in ada.page.text and "Copy it" in ada.page.text
    ben = Participant(crowd, panel["url"], "ben")
    ben.enter()
    assert "Task 1 of 2" in ben.press("/visit")


def test_participants_are_nobody_else_and_get_no_other_work(crowd: Crowd, requester: Requester) -> None:
    hit_type = hits_of(requester, 1)
    other = hits_of(requester, 1, OTHER_RUN, Title="Other")
    panel = define(crowd, hit_type)
    link = json.loads(
        ask(f"{crowd.url}/invites", crowd.credentials, b'{"name": "Ada", "worker_id": "AADA"}').text
    )
    stranger = Participant(crowd, panel["url"], "AADA")
    stranger.enter()
    with crowd.database.read() as tx:
        ids = set(tx.execute(select(people_tables.workers.c.id)).scalars())
        mine = tx.execute(select(people_tables.visits.c.worker_id)).scalar_one()
    assert ids == {"AADA", mine} and mine.startswith("APANEL")
    assert "You came for the tasks of your panel" in stranger.press(f"/groups/{other}/accept")
    for path in ("history", "history.csv"):  # whoever knows an id can come as its participant
        assert stranger.session.get(f"{crowd.url}/{path}", timeout=30).status_code == 403
    # Whoever is signed in stays so, and an invitation for a participant is none.
    ada = Participant(crowd, panel["url"], "eve")
    ada.session.get(link["url"], timeout=30)
    assert "Somebody else is signed in with this browser." in ada.enter()
    with crowd.database.read() as tx:  # and no visit begins meanwhile
        assert tx.execute(select(people_tables.visits.c.worker_id)).scalars().all() == [mine]
    refused = ask(f"{crowd.url}/invites", crowd.credentials, json.dumps({"worker_id": mine}).encode())
    assert refused.status_code == 400 and "comes by a panel's link" in refused.json()["message"]
    removed = ask(f"{crowd.url}/removals", crowd.credentials, json.dumps({"worker_ids": [mine]}).encode())
    assert removed.json()["removed"] == [mine]
    assert stranger.session.get(f"{crowd.url}/visit", timeout=30).status_code == 403
    assert "does not offer you work any more" in stranger.enter()


@BOTH
def test_a_link_leads_to_its_own_run_whatever_was_done_meanwhile(crowd: Crowd, requester: Requester) -> None:
    hit_type = hits_of(requester, 1)
    requester.hit(hit_type, RequesterAnnotation=f"{OTHER_RUN}0")
    links = [
        define(crowd, hit_type, annotation=annotation, units=1, complete_code=code)["url"]
        for annotation, code in ((RUN, "FIRST"), (OTHER_RUN, "SECOND"))
    ]
    ada = Participant(crowd, links[0])
    ada.enter()
    ada.press("/visit")
    held = ada.assignment_id
    ada.link = links[1]
    ada.enter()
    ada.press("/visit")
    assert ada.assignment_id != held  # the other run's own unit
    assert '<b id="code">SECOND</b>' in ada.submit_and_go_on()
    ada.link = links[0]
    assert "<b>0</b> of <b>1</b> done" in ada.enter()
    ada.press("/visit")
    assert ada.assignment_id == held
    assert "The task was returned." in ada.press(f"/tasks/{held}/return")
    ada.press("/visit")
    assert '<b id="code">FIRST</b>' in ada.submit_and_go_on()
    ada.link = links[1]
    assert '<b id="code">SECOND</b>' in ada.enter()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_two_clicks_at_once_take_one_unit(crowd: Crowd, requester: Requester) -> None:
    ada = Participant(crowd, define(crowd, hits_of(requester, 2))["url"])
    ada.enter()
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    def is_waited_for() -> bool:
        with crowd.database.read() as other:  # a transaction would see what its first look saw
            return second.done() or bool(other.execute(waiting).scalar_one())

    with ThreadPoolExecutor(1) as pool, crowd.database.write() as tx:
        worker_id = tx.execute(select(people_tables.visits.c.worker_id)).scalar_one()
        first = panels.go_on(tx, clock.now(tx), worker_id)
        second = pool.submit(ada.press, "/visit")
        wait_until(is_waited_for, 60)
        tx.commit()
        second.result()
    assert first and ada.assignment_id == first.assignment_id


@pytest.mark.parametrize("pid", ["", "{{%PROLIFIC_PID%}}", "x" * 65, "a\x00b", "ä", "..."])
def test_a_link_without_a_participant_and_one_that_is_none_are_refused(
    crowd: Crowd, requester: Requester, pid: str
) -> None:
    panel = define(crowd, hits_of(requester, 1))
    page = Participant(crowd, panel["url"], pid)
    assert "The link does not say who you are: PROLIFIC_PID lacks" in page.enter()
    assert "is there twice" in page.enter(PROLIFIC_PID=["ada", "ben"])
    wrong = Participant(crowd, panel["url"][:-1] + ("a" if panel["url"][-1] != "a" else "b"))
    wrong.enter()
    assert wrong.page.status_code == 403
    frame = requests.get(panel["url"], headers={"Sec-Fetch-Dest": "iframe"}, timeout=30)
    assert frame.status_code == 403


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"units": 0}, "units is a number from 1 to 100."),
        ({"annotation": "run:1:"}, "annotation is not like"),
        ({"back": "javascript:x"}, "back is not like"),
        ({"name": "a b"}, "name is not like"),
        ({"hit_type_id": ["x"]}, "There is no such HIT type."),
        ({"more": 1}, "Send a JSON object with"),
    ],
)
def test_what_is_no_panel_is_refused(
    crowd: Crowd, requester: Requester, wrong: dict[str, Any], message: str
) -> None:
    assert message in define(crowd, **{"hit_type_id": requester.hit_type(), **wrong})
