"""What is taken of a submission, and what it costs to refuse one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from bs4 import BeautifulSoup
from flask import Request
from werkzeug.test import EnvironBuilder

from crowdserver.site import submissions
from crowdserver.site.submissions import MOST_BYTES, MOST_FIELDS
from tests.support.crowds import Crowd
from tests.support.offers import offer
from tests.support.requesters import BOTH, Workers

KEPT = "Nothing was recorded, and the task is still yours. Go back, shorten what you can, and submit again"
FORM = "application/x-www-form-urlencoded"


def send(crowd: Crowd, status: int, body: Any = None, **parts: Any) -> str:
    """Submit what no form of a page of ours would; returns what the worker reads."""
    url, headers = f"{crowd.url}/mturk/externalSubmit", {"Content-Type": FORM} if body else {}
    answer = requests.post(url, body, headers=headers, timeout=30, **parts)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    return BeautifulSoup(answer.text, "html.parser").get_text(" ", strip=True)


def parts(**fields: str) -> dict[str, Any]:
    """Fields in a form that could hold files."""
    return {"files": [(name, (None, value)) for name, value in fields.items()]}


def body(assignment_id: str, length: int) -> str:
    """A form of a length that names an assignment and has an answer."""
    start = f"assignmentId={assignment_id}&essay="
    return start + "x" * (length - len(start))


@BOTH
def test_an_answer_may_be_as_long_as_the_limit_and_no_longer(crowd: Crowd, hands: Workers) -> None:
    offered = offer(crowd.client(), 1)
    task = hands.accept(offered.hits[0])
    text = send(crowd, 413, body(task, 8 << 20))
    assert "The page sent 8192 kB, more than this site takes: 512 kB of one task, and no files." in text
    assert KEPT in text
    assert KEPT in send(crowd, 413, body(task, MOST_BYTES + 1))
    assert KEPT in send(crowd, 413, **parts(assignmentId=task, essay="x" * MOST_BYTES))
    assert offered.submissions() == []
    send(crowd, 200, body(task, MOST_BYTES))
    assert len(offered.answers()[0][0][1]) > MOST_BYTES - 100


@pytest.mark.parametrize("as_parts", [False, True])
def test_a_task_has_as_many_fields_as_the_limit_and_no_more(
    crowd: Crowd, hands: Workers, as_parts: bool
) -> None:
    offered = offer(crowd.client(), 1)
    task = hands.accept(offered.hits[0])
    names = {f"n{number}": "1" for number in range(MOST_FIELDS)}

    def submit(status: int, fields: dict[str, str]) -> str:
        if as_parts:
            return send(crowd, status, **parts(**fields))
        return send(crowd, status, urlencode(fields))

    text = submit(413, {"assignmentId": task, **names})
    assert "The page sent more fields than this site takes: 2,000 of one task." in text and KEPT in text
    assert offered.submissions() == []
    del names["n0"]
    submit(200, {"assignmentId": task, **names})
    assert len(offered.answers()[0]) == MOST_FIELDS - 1


@pytest.mark.parametrize("as_parts", [False, True])
def test_whose_a_long_body_is_is_asked_before_it_is_parsed(
    crowd: Crowd, hands: Workers, as_parts: bool
) -> None:
    offered = offer(crowd.client(), 1)
    many = {f"n{number}": "1" * 9 for number in range(MOST_FIELDS)}

    def submit(status: int, **fields: str) -> str:
        if as_parts:
            return send(crowd, status, **parts(**many, **fields))
        return send(crowd, status, urlencode({**many, **fields}))

    # Each has too many fields, which nobody has counted yet.
    assert "There is no such assignment." in submit(404, assignmentId="3GUESSED")
    assert "There is no such assignment." in submit(404)
    assert "This was only a preview" in submit(400, assignmentId="ASSIGNMENT_ID_NOT_AVAILABLE")
    task = hands.accept(offered.hits[0])
    assert "more fields than this site takes" in submit(413, assignmentId=task)
    hands.submit(task)
    assert "You have submitted this assignment already." in submit(409, assignmentId=task)


@pytest.mark.parametrize("as_parts", [False, True])
def test_an_answer_may_look_like_what_names_the_assignment(
    crowd: Crowd, hands: Workers, as_parts: bool
) -> None:
    offered = offer(crowd.client(), 1)
    task = hands.accept(offered.hits[0])
    words = 'name="assignmentId"\r\n\r\nnobody\r\n&assignmentId=nobody&'
    fields = {"first": words, "essay": "x" * 20_000, "assignmentId": task}
    if as_parts:
        send(crowd, 200, **parts(**fields))
    else:
        send(crowd, 200, urlencode(fields))
    assert [name for name, _ in offered.answers()[0]] == ["first", "essay"]


@pytest.mark.parametrize(
    "line", [b"Content-Disposition: form-data; name=assignmentId\r\n", b"a=1&", b"&assignmentId="]
)
def test_to_look_for_an_assignment_takes_no_longer_for_a_body_that_is_made_for_it(line: bytes) -> None:
    form_type = FORM if b"&" in line else "multipart/form-data; boundary=X"
    data = line * (MOST_BYTES // len(line))
    request = Request(EnvironBuilder(method="POST", data=data, content_type=form_type).get_environ())
    assert len(submissions.claims(request)) <= 5


def test_a_short_body_is_not_looked_through() -> None:
    builder = EnvironBuilder(method="POST", data=b"assignmentId=3A&a=1", content_type=FORM)
    assert submissions.claims(Request(builder.get_environ())) == []
