"""The worker site over real HTTP, page by page, as a browser without JavaScript sees it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from bs4 import BeautifulSoup

from tests.support.crowds import Crowd
from tests.support.offers import PAGE, ask_for_invitation, external_question, html_question, invite, offer
from tests.support.question_forms import EVERY_KIND
from tests.support.requesters import BOTH


class Browser:
    """One worker's browser: pages and their forms."""

    def __init__(self, crowd: Crowd, **wanted: str) -> None:
        self.crowd = crowd
        self.invitation = invite(crowd, **wanted)
        self.session = requests.Session()
        self.open(self.invitation["url"])

    def open(self, path: str, status: int = 200) -> BeautifulSoup:
        return self._page(self.session.get(urljoin(self.crowd.url, path), timeout=10), status)

    def post(self, path: str, status: int = 200, **data: str) -> BeautifulSoup:
        return self._page(self.session.post(urljoin(self.crowd.url, path), data=data, timeout=10), status)

    def press(self, form: Any, status: int = 200) -> BeautifulSoup:
        data = {field["name"]: field["value"] for field in form.select("input[name]")}
        return self.post(form["action"], status, **data)

    def card(self, title: str) -> Any:
        """The part of the list of work that shows this title as available, or None."""
        cards = self.open("/").select("[data-group]")
        return next((card for card in cards if card.h3.text == title), None)

    def accept(self, offered: Any, status: int = 200) -> BeautifulSoup:
        return self.press(self.card(offered.title).form, status)

    def token(self) -> str:
        return str(self.open("/").find("input", {"name": "form_token"})["value"])

    def _page(self, answer: requests.Response, status: int) -> BeautifulSoup:
        assert answer.status_code == status, answer.text
        self.url, self.headers = answer.url, answer.headers
        return BeautifulSoup(answer.text, "html.parser")


def frame_of(page: BeautifulSoup) -> str:
    return str(page.find("iframe")["src"])


def frame_parameters(page: BeautifulSoup) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(frame_of(page)).query).items()}


def submit(crowd: Crowd, status: int = 200, **data: str) -> str:
    """Submit as the sandboxed frame does, without a cookie; returns what the worker reads."""
    answer = requests.post(f"{crowd.url}/mturk/externalSubmit", data=data, timeout=10)
    assert answer.status_code == status, answer.text
    return BeautifulSoup(answer.text, "html.parser").get_text(" ", strip=True)


# Sign-in


def test_the_link_sets_a_cookie_that_neither_scripts_nor_other_sites_can_use(crowd: Crowd) -> None:
    answer = requests.get(invite(crowd)["url"], allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_a_wrong_link_gets_a_kind_page_and_no_cookie(crowd: Crowd) -> None:
    answer = requests.get(f"{crowd.url}/sign-in/guessed", timeout=10)
    assert answer.status_code == 403
    assert "ask the person who invited you" in answer.text
    assert "Set-Cookie" not in answer.headers


@BOTH
def test_a_newer_link_ends_the_older_one_and_its_session(crowd: Crowd) -> None:
    old, bystander = Browser(crowd, worker_id="AMOVED"), Browser(crowd)
    new = Browser(crowd, worker_id="AMOVED")
    old.open("/", 403)
    old.open(old.invitation["url"], 403)
    new.open("/")
    bystander.open("/")


def test_without_a_session_nothing_is_shown(crowd: Crowd) -> None:
    offered = offer(crowd.client())
    task = frame_parameters(Browser(crowd).accept(offered))["assignmentId"]
    for path in ("/", f"/groups/{offered.hit_type_id}", f"/tasks/{task}", f"/tasks/{task}/state"):
        answer = requests.get(crowd.url + path, timeout=10)
        assert answer.status_code == 403
        assert offered.title not in answer.text


def test_a_forged_cookie_is_no_session(crowd: Crowd) -> None:
    ((name, genuine),) = Browser(crowd).session.cookies.items()
    other = Browser(crowd).session.cookies[name]
    forged = genuine[:-1] + ("A" if genuine[-1] != "A" else "B")
    for cookie, status in (
        (genuine, 200),
        (other, 200),
        (forged, 403),
        ("guess", 403),
        ("\xff\xed\xa0", 403),
    ):
        answer = requests.get(crowd.url, headers={"Cookie": f"{name}={cookie}".encode("latin-1")}, timeout=10)
        assert answer.status_code == status


def test_signing_out_ends_the_session_of_this_browser(crowd: Crowd) -> None:
    browser, other = Browser(crowd, name="Ada"), Browser(crowd, name="Ben")
    browser.press(browser.open("/").find("form", action="/sign-out"), 403)
    browser.open("/", 403)
    assert "Ben" in other.open("/").text


# Invitations


def test_an_invitation_needs_the_requesters_signature(crowd: Crowd) -> None:
    unsigned = requests.post(f"{crowd.url}/invites", json={}, timeout=10)
    assert (unsigned.status_code, unsigned.json()["__type"]) == (400, "MissingAuthenticationTokenException")
    key_id, secret = crowd.credentials
    wrong = ask_for_invitation(crowd.url, (key_id, secret[::-1]))
    assert (wrong.status_code, wrong.json()["__type"]) == (400, "InvalidSignatureException")
    assert requests.get(f"{crowd.url}/invites", timeout=10).status_code == 405


@BOTH
def test_of_many_invitations_at_once_for_one_worker_the_last_one_counts(crowd: Crowd) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: invite(crowd, worker_id="APOPULAR"), range(16)))
    links = [requests.get(one["url"], timeout=10).status_code for one in made]
    assert sorted(links) == [200] + [403] * 15


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"no json", "Send a JSON object with at most a name, a worker_id and attributes."),
        (b"[]", "Send a JSON object with at most a name, a worker_id and attributes."),
        (b'{"nome": "Ada"}', "Send a JSON object with at most a name, a worker_id and attributes."),
        (b'{"name": 7}', "A name and a worker_id are text."),
        (
            b'{"worker_id": "me"}',
            "'me' is no worker id: give A and then 1 to 63 capital letters A-Z or digits.",
        ),
    ],
)
def test_a_bad_invitation_is_refused_in_words(crowd: Crowd, body: bytes, message: str) -> None:
    answer = ask_for_invitation(crowd.url, crowd.credentials, body)
    assert (answer.status_code, answer.json()) == (400, {"message": message})


# The list of work


def test_the_list_shows_each_kind_of_work_with_its_terms(crowd: Crowd) -> None:
    first = offer(crowd.client(), 3, Reward="1.50", AssignmentDurationInSeconds=5400)
    second = offer(crowd.client(), 2)
    browser = Browser(crowd)
    text = browser.card(first.title).get_text(" ", strip=True)
    assert "$1.50 each 1 hour 30 minutes allowed 3 left Preview Accept" in text
    assert "$0.25 each 30 minutes allowed 2 left" in browser.card(second.title).get_text(" ", strip=True)


def test_the_list_says_why_a_worker_may_not_accept(crowd: Crowd) -> None:
    requirement = {
        "QualificationTypeId": "00000000000000000040",
        "Comparator": "GreaterThanOrEqualTo",
        "IntegerValues": [100],
        "ActionsGuarded": "Accept",
    }
    offered = offer(crowd.client(), QualificationRequirements=[requirement])
    browser = Browser(crowd)
    card = browser.card(offered.title)
    why = "You cannot take this: your number of approved assignments must be at least 100."
    assert card.find(class_="why").text == why
    assert card.form is None
    preview = browser.open(card.a["href"])
    assert preview.find(class_="why").text == why
    refused = browser.post(f"/groups/{offered.hit_type_id}/accept", 403, form_token=browser.token())
    assert "your number of approved assignments must be at least 100" in refused.text


def test_what_is_accepted_moves_from_the_list_to_the_work_in_progress(crowd: Crowd) -> None:
    offered, other = offer(crowd.client(), 1), offer(crowd.client(), 1)
    browser = Browser(crowd)
    browser.accept(offered)
    page = browser.open("/")
    progress = [card.h3.text for card in page.select("[data-assignment]")]
    assert progress == [offered.title]
    assert browser.card(offered.title) is None
    assert browser.card(other.title) is not None


@BOTH
def test_work_whose_time_is_over_goes_back_to_the_list(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2, AssignmentDurationInSeconds=60)
    browser = Browser(crowd)
    page = browser.accept(offered)
    assert re.search(r"\((1 minute|59 seconds) left\)", page.find(id="deadline").text)
    crowd.advance(61)
    assert "2 left" in browser.card(offered.title).text
    assert browser.open("/").select("[data-assignment]") == []
    assert "The time for this assignment is over" in browser.open(browser_task(page), 410).text


def browser_task(page: BeautifulSoup) -> str:
    return str(page.find(id="working")["action"]).removesuffix("/return")


@BOTH
def test_earnings_show_what_was_approved_and_rejected_and_why(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 3, Reward="0.40")
    browser = Browser(crowd)
    tasks = [frame_parameters(browser.accept(offered))["assignmentId"] for _ in range(3)]
    for task in tasks:
        submit(crowd, assignmentId=task, label="cat")
    offered.client.approve_assignment(AssignmentId=tasks[0])
    offered.client.reject_assignment(AssignmentId=tasks[1], RequesterFeedback="<i>That</i> was a dog.")
    page = browser.open("/history")
    facts = page.find("h1", string="Your earnings").find_next("ul").get_text(" ", strip=True)
    assert facts == "$0.40 earned (1 approved) $0.40 waiting for review (1 submitted) 1 rejected"
    assert "“<i>That</i> was a dog.”" in page.find("table").text
    assert len(page.find("tbody").find_all("tr")) == 3


# Preview, accept, work


def test_a_preview_shows_a_unit_and_takes_nothing(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    browser = Browser(crowd)
    page = browser.open(browser.card(offered.title).a["href"])
    assert frame_parameters(page) == {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "hitId": offered.hits[0]}
    inside = browser.open(frame_of(page))
    assert "Picture number 1" in inside.text
    assert inside.find("input", {"name": "assignmentId"})["value"] == "ASSIGNMENT_ID_NOT_AVAILABLE"
    assert "2 left" in browser.card(offered.title).text


def test_the_links_that_clients_print_lead_to_the_work(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 1)
    browser = Browser(crowd)
    hit = crowd.client().get_hit(HITId=offered.hits[0])["HIT"]
    for name in (hit["HITGroupId"], hit["HITTypeId"]):
        preview = "/mturk/preview?groupId="
        links = (f"{preview}{name}", f"/projects/{name}/tasks?ref=w", f"{preview}//x")
        for link in links[:2]:
            assert browser.open(link).h1.text == offered.title
    assert browser.open(links[2], 410) and browser.url.startswith(crowd.url)


def test_a_preview_of_a_question_form_has_no_button_and_what_is_sent_all_the_same_is_not_taken(
    crowd: Crowd,
) -> None:
    offered = offer(crowd.client(), 1, question=EVERY_KIND)
    browser = Browser(crowd)
    shown = browser.open(frame_of(browser.open(f"/groups/{offered.hit_type_id}")))
    assert shown.find("button") is None
    assert shown.find(string=re.compile("You can answer when you have accepted the work"))
    assert browser.headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'self'; img-src"
    )
    browser.press(shown.form, 400)
    assert offered.submissions() == []


def test_accepting_a_preview_takes_the_unit_that_was_shown(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 3)
    browser, other = Browser(crowd), Browser(crowd)
    preview = browser.open(f"/groups/{offered.hit_type_id}")
    other.accept(offered)
    form = preview.find("form", action=f"/groups/{offered.hit_type_id}/accept")
    taken_by_other = browser.press(form)
    assert frame_parameters(taken_by_other)["hitId"] == offered.hits[1]
    preview = browser.open(f"/groups/{offered.hit_type_id}")
    form = preview.find("form", action=f"/groups/{offered.hit_type_id}/accept")
    assert frame_parameters(browser.press(form))["hitId"] == offered.hits[2]


def test_a_second_click_on_accept_shows_the_same_unit(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    browser = Browser(crowd)
    form = browser.open(f"/groups/{offered.hit_type_id}").find(
        "form", action=f"/groups/{offered.hit_type_id}/accept"
    )
    first, second = browser.press(form), browser.press(form)
    assert browser_task(first) == browser_task(second)
    assert "1 left" in browser.card(offered.title).text


def test_the_task_page_gives_the_frame_its_four_parameters(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    browser = Browser(crowd)
    page = browser.accept(offered)
    parameters = frame_parameters(page)
    assert list(parameters) == ["assignmentId", "hitId", "workerId", "turkSubmitTo"]
    assert parameters["hitId"] == offered.hits[0]
    assert parameters["workerId"] == browser.invitation["worker_id"]
    assert parameters["turkSubmitTo"] == crowd.url
    assert browser.url.endswith(f"/tasks/{parameters['assignmentId']}")


def test_the_frame_opens_by_its_link_alone_and_fills_the_assignment_id_in(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    page = Browser(crowd).accept(offered)
    inside = requests.get(urljoin(crowd.url, frame_of(page)), timeout=10)
    assert inside.status_code == 200
    field = BeautifulSoup(inside.text, "html.parser").find("input", {"name": "assignmentId"})
    assert field["value"] == frame_parameters(page)["assignmentId"]


def test_a_frames_link_cannot_be_made_up(crowd: Crowd) -> None:
    page = Browser(crowd).accept(offer(crowd.client(), 2))
    link = urlsplit(frame_of(page)).path
    for forged in (
        "/frame/guess",
        link[:-3] + "abc",
        "/frame/" + link.rpartition(".")[0].removeprefix("/frame/"),
    ):
        answer = requests.get(crowd.url + forged, timeout=10)
        assert answer.status_code == 404
        assert "This address was not made by this site" in answer.text


def test_the_frame_is_a_sandbox_in_the_page_and_in_its_own_header(crowd: Crowd) -> None:
    browser = Browser(crowd)
    page = browser.accept(offer(crowd.client(), 2))
    sandbox = " ".join(page.find("iframe")["sandbox"])
    browser.open(frame_of(page))
    policy = browser.headers["Content-Security-Policy"]
    assert "allow-scripts allow-forms" in sandbox
    assert policy.startswith("sandbox allow-scripts allow-forms")
    for rights in (sandbox, policy):
        assert "allow-same-origin" not in rights
        assert "allow-top-navigation" not in rights


def test_pages_allow_no_script_but_the_sites_own_and_no_other_site_around_them(crowd: Crowd) -> None:
    browser = Browser(crowd)
    offered = offer(crowd.client(), 2)
    for path in ("/", f"/groups/{offered.hit_type_id}"):
        browser.open(path)
        policy = browser.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert browser.headers["Cache-Control"] == "no-store"


def test_an_external_question_keeps_its_parameters_and_gets_four_more(crowd: Crowd) -> None:
    question = external_question("https://example.org/task?row=1&x=a%20b#top")
    browser = Browser(crowd)
    offered = offer(crowd.client(), 2, question=question)
    preview = browser.open(f"/groups/{offered.hit_type_id}")
    assert frame_of(preview) == (
        "https://example.org/task?row=1&x=a%20b&assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE"
        f"&hitId={offered.hits[0]}#top"
    )
    page = browser.accept(offered)
    task = browser_task(page).rpartition("/")[2]
    assert frame_of(page) == (
        f"https://example.org/task?row=1&x=a%20b&assignmentId={task}&hitId={offered.hits[0]}"
        f"&workerId={browser.invitation['worker_id']}"
        f"&turkSubmitTo=http%3A%2F%2F{urlsplit(crowd.url).hostname}%3A{urlsplit(crowd.url).port}#top"
    )
    assert page.find("iframe")["height"] == "600"


def test_a_page_elsewhere_keeps_its_origin_but_one_on_this_site_never_does(crowd: Crowd) -> None:
    elsewhere = offer(crowd.client(), 1, question=external_question("https://example.org/task"))
    disguised = offer(crowd.client(), 1, question=external_question(f"{crowd.url}/tasks/x"))
    browser = Browser(crowd)
    assert "allow-same-origin" in browser.accept(elsewhere).find("iframe")["sandbox"]
    assert "allow-same-origin" not in browser.accept(disguised).find("iframe")["sandbox"]


def test_nobody_opens_another_workers_task(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    owner, stranger = Browser(crowd), Browser(crowd)
    path = browser_task(owner.accept(offered))
    assert "This assignment belongs to another worker." in stranger.open(path, 403).text
    stranger.post(f"{path}/return", 403, form_token=stranger.token())
    owner.open(path)


# Submitting


def test_a_submission_keeps_the_order_of_the_forms_fields(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    browser = Browser(crowd)
    for number in (1, 2):
        parameters = frame_parameters(browser.accept(offered))
        text = submit(
            crowd, zebra="z", assignmentId=parameters["assignmentId"], apple=f"<b>{number}</b>", empty=""
        )
        assert text.startswith("Your work was submitted Your work was submitted Thank you.")
    assert offered.answers() == [
        [("zebra", "z"), ("apple", "<b>1</b>"), ("empty", "")],
        [("zebra", "z"), ("apple", "<b>2</b>"), ("empty", "")],
    ]
    assert {one["WorkerId"] for one in offered.submissions()} == {browser.invitation["worker_id"]}


def test_a_submission_may_name_its_worker_who_must_be_the_right_one(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    first, second = Browser(crowd), Browser(crowd)
    task = frame_parameters(first.accept(offered))["assignmentId"]
    refused = submit(crowd, 403, assignmentId=task, workerId=second.invitation["worker_id"], label="cat")
    assert "This assignment belongs to another worker." in refused
    assert offered.submissions() == []
    submit(crowd, assignmentId=task, workerId=first.invitation["worker_id"], label="cat")
    assert offered.answers() == [[("label", "cat")]]


def test_a_preview_cannot_be_submitted(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    text = submit(crowd, 400, assignmentId="ASSIGNMENT_ID_NOT_AVAILABLE", label="cat")
    assert "This was only a preview and nothing was sent. Accept the task first." in text
    assert offered.submissions() == []


def test_a_submission_counts_once(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    task = frame_parameters(Browser(crowd).accept(offered))["assignmentId"]
    submit(crowd, assignmentId=task, label="cat")
    assert "You have submitted this assignment already." in submit(crowd, 409, assignmentId=task, label="dog")
    assert offered.answers() == [[("label", "cat")]]


def test_unknown_missing_and_empty_submissions_are_refused_in_words(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    task = frame_parameters(Browser(crowd).accept(offered))["assignmentId"]
    assert "There is no such assignment." in submit(crowd, 404, assignmentId="3GUESSED", label="cat")
    assert "There is no such assignment." in submit(crowd, 404, label="cat")
    assert "The page sent no answer." in submit(crowd, 400, assignmentId=task)
    assert (
        requests.get(f"{crowd.url}/mturk/externalSubmit?assignmentId={task}&a=b", timeout=10).status_code
        == 405
    )
    assert offered.submissions() == []


def test_a_late_submission_is_refused(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2, AssignmentDurationInSeconds=60)
    browser = Browser(crowd)
    tasks = [frame_parameters(browser.accept(offered))["assignmentId"] for _ in range(2)]
    crowd.advance(50)
    submit(crowd, assignmentId=tasks[0], label="cat")
    crowd.advance(11)
    assert "The time for this assignment is over" in submit(crowd, 410, assignmentId=tasks[1], label="cat")
    assert offered.answers() == [[("label", "cat")]]


def send(crowd: Crowd, status: int, method: str = "POST", **parts: Any) -> str:
    """Send something to externalSubmit, whatever it is; returns what the worker reads."""
    answer = requests.request(method, f"{crowd.url}/mturk/externalSubmit", timeout=10, **parts)
    assert answer.status_code == status, answer.text
    return BeautifulSoup(answer.text, "html.parser").get_text(" ", strip=True)


@pytest.mark.parametrize("form", ["data", "files"])
def test_several_values_of_a_name_are_kept_in_both_kinds_of_form(crowd: Crowd, form: str) -> None:
    offered = offer(crowd.client(), 2)
    task = frame_parameters(Browser(crowd).accept(offered))["assignmentId"]
    sent = [("assignmentId", task), ("topics", "sport"), ("t[]", ""), ("topics", "art"), ("t[]", "x")]
    if form == "files":
        send(crowd, 200, files=[(name, (None, value)) for name, value in sent])
    else:
        send(crowd, 200, data=sent)
    assert offered.answers() == [[("topics", "sport|art"), ("t[]", "|x")]]


@pytest.mark.parametrize("content", [b"\x89PNG", b""])
def test_a_file_is_refused_by_name_and_the_task_can_be_submitted_without_it(
    crowd: Crowd, content: bytes
) -> None:
    offered = offer(crowd.client(), 2)
    task = frame_parameters(Browser(crowd).accept(offered))["assignmentId"]
    form = {"assignmentId": task, "note": "see there"}
    text = send(crowd, 415, data=form, files={"photo": ("<i>cat.png", content)})
    assert "This site takes no files, and the page sent one: photo (<i>cat.png)." in text
    assert "Nothing was recorded, and the task is still yours." in text
    assert "This site takes no files" in send(crowd, 415, data=form, files={"photo": ("", b"content")})
    assert offered.submissions() == []
    send(crowd, 200, data=form, files={"photo": ("", b"")})
    assert offered.answers() == [[("note", "see there"), ("photo", "")]]


def test_what_is_no_form_of_answers_is_refused_in_words(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    task = frame_parameters(Browser(crowd).accept(offered))["assignmentId"]
    plain = {"data": f"assignmentId={task}\r\nlabel=cat\r\n", "headers": {"Content-Type": "text/plain"}}
    assert "cannot read what the page sent (text/plain). Nothing was recorded." in send(crowd, 415, **plain)
    assert "(application/json)" in send(crowd, 415, json={"assignmentId": task, "label": "cat"})
    assert "(no form)" in send(crowd, 415)
    by_get = send(crowd, 405, "GET", params={"assignmentId": task, "label": "cat"})
    assert "The page sent its answers in its address. Nothing was recorded." in by_get
    assert offered.submissions() == []


def test_an_oversized_submission_is_refused_in_words(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    task = frame_parameters(Browser(crowd).accept(offered))["assignmentId"]
    assert "more than this site takes" in submit(crowd, 413, assignmentId=task, essay="x" * (9 * 2**20))
    assert offered.submissions() == []


@BOTH
def test_next_takes_one_unit_after_the_other_and_then_leads_to_the_list(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    browser = Browser(crowd)
    first = browser.accept(offered)
    early = browser.press(first.find(id="next"))
    assert "This task is not submitted yet." in early.text
    submit(crowd, assignmentId=frame_parameters(first)["assignmentId"], label="cat")
    second = browser.press(first.find(id="next"))
    assert frame_parameters(second)["hitId"] == offered.hits[1]
    again = browser.press(first.find(id="next"))
    assert browser_task(again) == browser_task(second)
    submit(crowd, assignmentId=frame_parameters(second)["assignmentId"], label="cat")
    assert "There is no more of that work for you right now." in browser.press(second.find(id="next")).text


def test_the_task_page_can_ask_whether_the_work_is_in(crowd: Crowd) -> None:
    browser = Browser(crowd)
    page = browser.accept(offer(crowd.client(), 2))
    state = crowd.url + page.find("iframe")["data-state"]
    assert browser.session.get(state, timeout=10).json() == {"state": "working"}
    submit(crowd, assignmentId=frame_parameters(page)["assignmentId"], label="cat")
    assert browser.session.get(state, timeout=10).json() == {"state": "ended"}


def test_a_frame_says_so_when_its_work_is_in_already(crowd: Crowd) -> None:
    page = Browser(crowd).accept(offer(crowd.client(), 2))
    submit(crowd, assignmentId=frame_parameters(page)["assignmentId"], label="cat")
    answer = requests.get(urljoin(crowd.url, frame_of(page)), timeout=10)
    assert answer.status_code == 409
    assert "You have submitted this assignment already." in answer.text


# Returning


@BOTH
def test_a_returned_unit_goes_to_another_worker(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 1)
    browser, other = Browser(crowd), Browser(crowd)
    page = browser.accept(offered)
    assert other.card(offered.title) is None
    assert "The task was returned." in browser.press(page.find(id="working")).text
    assert frame_parameters(other.accept(offered))["hitId"] == offered.hits[0]
    late = submit(crowd, 409, assignmentId=frame_parameters(page)["assignmentId"], label="cat")
    assert "You have returned this assignment." in late


# Strangers


def test_forms_that_this_site_did_not_make_change_nothing(crowd: Crowd) -> None:
    offered = offer(crowd.client(), 2)
    browser, other = Browser(crowd), Browser(crowd)
    path = browser_task(browser.accept(offered))
    for token in ("", "guess", other.token()):
        for action in (
            f"{path}/return",
            f"{path}/next",
            f"/groups/{offered.hit_type_id}/accept",
            "/sign-out",
        ):
            assert "Nothing was changed" in browser.post(action, 403, form_token=token).text
    assert [card["data-assignment"] for card in browser.open("/").select("[data-assignment]")] == [
        path.rpartition("/")[2]
    ]
    assert "1 left" in browser.card(offered.title).text


def test_a_requesters_words_are_text_on_every_page(crowd: Crowd) -> None:
    hostile = '<script>document.title="owned"</script>"\'&amp;'
    offered = offer(crowd.client(), 2, Title=hostile, Description=hostile, Keywords=hostile)
    browser = Browser(crowd, name="<b>Ada</b>")
    pages = [browser.open("/"), browser.open(f"/groups/{offered.hit_type_id}"), browser.accept(offered)]
    submit(crowd, assignmentId=frame_parameters(pages[-1])["assignmentId"], label=hostile)
    pages.append(browser.open("/"))
    for page in pages:
        assert hostile in page.text
        assert "<b>Ada</b>" in page.text
        assert [script.get("src") for script in page.find_all("script")] == ["/static/site.js"]
    assert offered.answers() == [[("label", hostile)]]


@BOTH
@pytest.mark.parametrize(
    "path", ["/groups/{}%00", "/groups/%00", "/groups/%F0%9F%90%88", "/groups/" + "A" * 65]
)
def test_an_address_that_nothing_has_is_a_kind_page_and_no_failure(crowd: Crowd, path: str) -> None:
    offered = offer(crowd.client())
    browser = Browser(crowd)
    path = path.format(offered.hit_type_id)
    assert "This work is no longer available." in browser.open(path, 410).text
    token = browser.token()
    assert "This work is no longer available." in browser.post(f"{path}/accept", 410, form_token=token).text
    strange = {"form_token": token, "hit_id": "\0"}
    assert "You have taken" not in browser.post(f"/groups/{offered.hit_type_id}/accept", **strange).text


@BOTH
def test_an_assignment_that_cannot_be_is_unknown(crowd: Crowd) -> None:
    offered = offer(crowd.client())
    browser = Browser(crowd)
    browser.accept(offered)
    token = browser.token()
    for assignment_id in ("%00", "%F0%9F%90%88", "no-such-id"):
        assert "There is no such assignment." in browser.open(f"/tasks/{assignment_id}", 404).text
        browser.post(f"/tasks/{assignment_id}/return", 404, form_token=token)
    assert "There is no such assignment." in submit(crowd, 404, assignmentId="\0", label="cat")
    assert offered.statuses() == ["Unassignable", "Assignable"]


def test_frames_are_as_high_as_the_requester_asks_or_as_the_window(crowd: Crowd) -> None:
    browser = Browser(crowd)
    tall = offer(crowd.client(), 1, question=html_question(PAGE.format(text="x"), 720))
    fitting = offer(crowd.client(), 1, question=html_question(PAGE.format(text="x"), 0))
    assert browser.accept(tall).find("iframe")["height"] == "720"
    frame = browser.accept(fitting).find("iframe")
    assert frame["class"] == ["fit"]
    assert not frame.has_attr("height")
