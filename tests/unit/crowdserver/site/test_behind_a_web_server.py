"""The crowd server behind a web server: all that it says of itself is the address outside."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest
import requests
from playwright.sync_api import Browser, expect

from crowdops.config.settings import Settings
from crowdops.providers.crowd_server.client import WorkerSession, invite
from crowdops.simulation import answers
from tests.support.crowds import Crowd
from tests.support.offers import ask_for_invitation, external_question, offer
from tests.support.pages import served
from tests.support.reverse_proxies import ReverseProxy

SERVED_ELSEWHERE = """<form method="post"><input type="hidden" name="assignmentId"><input name="a" value="1">
<button>Submit</button></form>
<script>const given = new URLSearchParams(location.search), form = document.forms[0];
form.assignmentId.value = given.get("assignmentId");
form.action = given.get("turkSubmitTo") + "/mturk/externalSubmit";</script>"""


class Front(NamedTuple):
    """A crowd server, and the address outside of the web server in front of it."""

    crowd: Crowd
    url: str

    def client(self) -> Any:
        """A requester's client that knows the address outside only."""
        key_id, secret = self.crowd.credentials
        options = {"aws_access_key_id": key_id, "aws_secret_access_key": secret}
        return boto3.client("mturk", region_name="us-east-1", endpoint_url=self.url, **options)

    def settings(self) -> Settings:
        """The settings of somebody who knows the address outside only."""
        return Settings("local", self.url, self.crowd.home.parent, 10.0, poll_interval=1, threads=4)


@pytest.fixture(
    scope="module",
    params=[{"keeps_path": True}, {"keeps_path": False, "keeps_host": True}, {"keeps_path": False}],
    ids=str,
)
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    home = tmp_path_factory.mktemp("home") / "crowd"
    with (
        ReverseProxy("/lab/crowd", **request.param) as proxy,
        Crowd(home, extra=("--public-url", f"{proxy.url}/")) as crowd,
    ):
        proxy.port = int(crowd.url.rpartition(":")[2])
        yield Front(crowd, proxy.url)


def test_requester_and_worker_meet_below_a_path(front: Front) -> None:
    offered = offer(front.client(), 2)
    invitation = invite(front.settings(), name="Ada")
    assert invitation.url.startswith(f"{front.url}/sign-in/")
    worker = WorkerSession(invitation.url, 10)
    worker.sign_in()
    for number in (1, 2):
        group = next(group for group in worker.work() if group.hit_type_id == offered.hit_type_id)
        task = worker.accept_next(group)
        assert worker.in_hand() == [task.assignment_id]
        assert f"turkSubmitTo={front.url.replace(':', '%3A').replace('/', '%2F')}" in task.frame_url
        form = worker.read(worker.resume(task.assignment_id))
        assert form.action == f"{front.url}/mturk/externalSubmit"
        worker.submit(form, answers.fill(form, random.Random(number)))
    worker.close()
    assert len(offered.answers()) == 2


def test_the_cookie_and_every_address_on_a_page_stay_below_the_path(front: Front) -> None:
    link = ask_for_invitation(front.url, front.crowd.credentials).json()["url"]
    answer = requests.get(link, allow_redirects=False, timeout=10)
    path = "/lab/crowd"
    assert (answer.headers["Location"], answer.status_code) == (f"{path}/", 303)
    assert f"Path={path};" in answer.headers["Set-Cookie"]
    page = requests.get(link, timeout=10)
    assert page.url == f"{front.url}/"
    for address in ('href="/', 'src="/', 'action="/'):
        assert page.text.count(address) == page.text.count(address + path.removeprefix("/") + "/") > 0
    assert requests.get(f"{front.url}/static/site.css", timeout=10).status_code == 200
    assert requests.get(f"{front.url}/health", timeout=10).json()["status"] == "ok"


def test_the_address_inside_still_answers(front: Front) -> None:
    assert front.crowd.client().get_account_balance()["AvailableBalance"]
    link = ask_for_invitation(front.crowd.url, front.crowd.credentials).json()["url"]
    assert link.startswith(f"{front.url}/sign-in/")


@pytest.mark.browser
@pytest.mark.parametrize("front", [{"keeps_path": False}], indirect=True, ids=str)
def test_a_real_browser_works_below_a_path(front: Front, browser: Browser) -> None:
    with served(SERVED_ELSEWHERE) as url:
        client = front.client()
        inside = offer(client, 1)
        elsewhere = offer(client, 1, question=external_question(f"{url}/unit/1"))
        context = browser.new_context()
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(invite(front.settings(), name="Grace").url)
        for offered in (inside, elsewhere):
            page.locator("[data-group]").filter(has_text=offered.title).get_by_role("button").click()
            frame = page.frame_locator("#frame")
            if offered is inside:
                frame.get_by_label("cat").check()
            frame.get_by_role("button", name="Submit").click()
            expect(frame.get_by_role("heading", name="Your work was submitted")).to_be_visible()
            page.get_by_role("button", name="Next task").click()
            expect(page.get_by_role("status")).to_contain_text("There is no more of that work")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Please sign in")).to_be_visible()
        context.close()
    assert (inside.answers(), elsewhere.answers()) == ([[("label", "cat"), ("why", "")]], [[("a", "1")]])


# Who is believed


FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "lab.example", "X-Forwarded-Prefix": "/crowd"}


def sign_in(crowd: Crowd, **headers: str) -> tuple[str, str, str]:
    """The link of an invitation, and where it leads with what cookie, all asked for with these headers."""
    call = ask_for_invitation(crowd.url, crowd.credentials).request
    call.headers.update(headers)
    link = requests.Session().send(call, timeout=10).json()["url"]
    own_link = f"{crowd.url}/sign-in/{link.rpartition('/')[2]}"
    answer = requests.get(own_link, headers=headers, allow_redirects=False, timeout=10)
    return link, answer.headers["Location"], answer.headers["Set-Cookie"]


def test_what_is_forwarded_by_nobody_in_particular_does_not_count(crowd: Crowd) -> None:
    link, location, cookie = sign_in(crowd, **FORWARDED)
    assert link.startswith(f"{crowd.url}/sign-in/")
    assert location == "/"
    assert "Path=/" in cookie
    assert "Secure" not in cookie


@pytest.mark.parametrize(
    ("setting", "counts"),
    [("--trusted-proxies=10.1.2.3,127.0.0.0/8", True), ("--trusted-proxies=10.0.0.0/8", False)],
)
def test_a_trusted_web_server_tells_the_address_outside(setting: str, counts: bool) -> None:
    with Crowd(extra=(setting,)) as crowd:
        link, location, cookie = sign_in(crowd, **FORWARDED)
    assert link.startswith("https://lab.example/crowd/sign-in/") is counts
    assert location == ("/crowd/" if counts else "/")
    assert (cookie.startswith("__Host-") and "Secure" in cookie) is counts


def test_the_setting_wins_over_whatever_is_forwarded() -> None:
    extra = ("--public-url=https://crowd.example", "--trusted-proxies=127.0.0.1")
    with Crowd(extra=extra, control=False) as crowd:
        link, location, cookie = sign_in(crowd, **FORWARDED)
    assert link.startswith("https://crowd.example/sign-in/")
    assert location == "/"
    assert "Path=/;" in cookie
    assert "Secure" in cookie
