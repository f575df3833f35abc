"""Workers write to the requester, who answers by NotifyWorkers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.crowds import Crowd
from tests.support.offers import ask, offer
from tests.support.requesters import BOTH
from tests.unit.crowdserver.site.test_site import Browser


def inbox(crowd: Crowd, **members: Any) -> list[dict[str, Any]]:
    body = json.dumps({"since": 0.0, "after": 0, **members}).encode()
    answer = ask(f"{crowd.url}/inbox", crowd.credentials, body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["next"] is None
    messages: list[dict[str, Any]] = answer.json()["messages"]
    return messages


def write(browser: Browser, text: str, status: int = 200, **fields: str) -> Any:
    return browser.post("/messages", status, form_token=browser.token(), text=text, **fields)


@BOTH
def test_what_a_worker_writes_reaches_the_requester_whose_answer_is_counted_as_new(
    crowd: Crowd, client: Any
) -> None:
    offered = offer(client, 1, Title="Label <b>pictures</b>")
    browser = Browser(crowd, name="Ada", worker_id="AADA")
    link = browser.accept(offered).find("a", string="Write to the requester")
    assert (link["target"], link["href"]) == ("_blank", f"/messages?hit={offered.hits[0]}#write")
    form = browser.open(link["href"]).select_one("main form")
    assert "About “Label <b>pictures</b>”" in form.text
    fields = {field["name"]: field["value"] for field in form.select("input")}
    for _ in range(2):  # as two clicks do
        page = browser.post("/messages", text="The picture\r\n is \x00\x1b[2Jmissing.\n", **fields)
    assert "Your message is with the requester." in page.text
    assert page.select_one("[data-written] .written").text == "The picture\n is [2Jmissing."
    write(browser, "And who are you?", hit="ANYTHING")
    first, second = inbox(crowd)
    assert (first["worker_id"], first["name"], first["hit_id"]) == ("AADA", "Ada", offered.hits[0])
    assert (first["title"], first["text"]) == (offered.title, "The picture\n is [2Jmissing.")
    assert (second["hit_id"], second["answered_at"]) == (None, None)
    assert inbox(crowd, since=first["sent_at"] + 3600) == []

    told = {"Subject": "Re", "MessageText": "Look again.", "WorkerIds": ["AADA", "ANOBODY"]}
    (failure,) = client.notify_workers(**told)["NotifyWorkersFailureStatuses"]
    assert failure["WorkerId"] == "ANOBODY"
    assert all(message["answered_at"] for message in inbox(crowd))
    assert "Messages (1 new)" in browser.open("/help").nav.text
    assert "Look again." in browser.open("/messages").text


def test_what_is_too_long_empty_or_too_much_is_refused_in_words_and_still_there(crowd: Crowd) -> None:
    browser = Browser(crowd)
    long = "漢" * 4_097
    page = write(browser, long, 422)
    assert "It has 4,097 characters, and at most 4,096 are taken." in page.find(id="problem").text
    assert page.textarea.text.strip() == long
    assert "Write what you want to say." in write(browser, " \r\n ", 422).text
    for number in range(10):
        write(browser, f"{number} {long[:4_000]}")
    assert "send it tomorrow" in write(browser, "One more", 422).text
    crowd.advance(86_500)
    write(browser, "One more")
    assert len(inbox(crowd)) == 11
    browser.post("/messages", 403, text="No token")


@pytest.mark.parametrize("body", [b"{}", b'{"since": 0.0, "after": -1}', b'{"since": 0.0, "after": "1"}'])
def test_what_is_no_question_for_messages_is_refused(crowd: Crowd, body: bytes) -> None:
    answer = ask(f"{crowd.url}/inbox", crowd.credentials, body)
    assert (answer.status_code, answer.json()["message"].startswith("Send a JSON object")) == (400, True)


def test_the_list_is_filtered_by_words_and_ordered_and_bears_what_is_wrong(crowd: Crowd) -> None:
    client = crowd.client()
    titles = {"Cats": ("0.10", 900), "Dogs": ("0.30", 600), "Birds": ("0.20", 300)}
    for title, (reward, seconds) in titles.items():
        offer(
            client,
            1,
            Title=title,
            Reward=reward,
            AssignmentDurationInSeconds=seconds,
            Keywords=f"the {title}",
        )
    browser = Browser(crowd)

    def shown(query: str) -> list[str]:
        return [card.h3.text for card in browser.open(f"/?{query}").select("[data-group]")]

    assert shown("") == ["Cats", "Dogs", "Birds"] == shown("order=age&words=") == shown("order=newest")[::-1]
    assert shown("order=reward") == ["Dogs", "Birds", "Cats"] == shown("order=reward&order=time")
    assert shown("order=time") == ["Birds", "Dogs", "Cats"]
    assert shown("words=THE+cat") == ["Cats"] == shown("words=cats&words=dogs")
    assert shown("words=%00%ff" + "x" * 9_000) == []
    assert "No work has all of these words." in browser.open("/?words=fish").text


def test_a_link_that_only_a_checker_looks_at_signs_nobody_in(crowd: Crowd) -> None:
    browser = Browser(crowd)
    browser.session.cookies.clear()
    looked = browser.session.head(browser.invitation["url"], timeout=30)
    assert (looked.status_code, "Set-Cookie" in looked.headers) == (403, False)
