"""A server that fails says so in its caller's form, and its log names no secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from crowdserver.api import Conditions
from crowdserver.app import create_app
from crowdserver.protocol.credentials import Credentials
from crowdserver.storage.database import Database
from crowdserver.storage.group_commit import NotCommitted
from crowdserver.storage.transactions import Crowd
from crowdserver.storage.turns import Turns
from tests.support.offers import sign

KEY_PAIR = Credentials("CROWDTEST", "secret")
TARGET = "MTurkRequesterServiceV20170117.GetAccountBalance"


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    """A server's state, of which a part can be broken."""
    database = Database(f"sqlite:///{tmp_path / 'crowd.db'}")
    database.prepare(Decimal("100"))
    yield Crowd(database, KEY_PAIR)
    database.close()


@pytest.fixture
def browser(crowd: Crowd) -> FlaskClient:
    return create_app(crowd, Conditions()).test_client()


def call(browser: FlaskClient, body: bytes = b"{}") -> Any:
    headers = sign("http://localhost/", body, ("CROWDTEST", "secret"), {"X-Amz-Target": TARGET})
    return browser.post("/", data=body, headers=headers)


def break_(crowd: Crowd, table: str) -> None:
    with crowd.database.write() as tx:
        tx.execute(text(f"ALTER TABLE {table} RENAME TO gone"))


def test_clients_of_the_api_are_told_in_its_own_form(crowd: Crowd, browser: FlaskClient) -> None:
    assert call(browser).status_code == 200
    break_(crowd, "account")
    answer = call(browser)
    assert answer.status_code == 500
    assert answer.content_type == "application/x-amz-json-1.1"
    assert answer.headers["x-amzn-RequestId"]
    assert json.loads(answer.data)["__type"] == "ServiceFault"


def test_a_body_that_is_too_large_is_refused_in_the_same_form(browser: FlaskClient) -> None:
    answer = call(browser, b"x" * (9 * 2**20))
    assert (answer.status_code, answer.content_type) == (413, "application/x-amz-json-1.1")
    assert json.loads(answer.data)["__type"] == "RequestEntityTooLargeException"


@pytest.mark.parametrize(
    "path,length,status",
    [
        ("/", 1 << 20, 413),
        ("/invites", 1 << 20, 413),
        ("/returns", 128 << 10, 413),
        ("/keys", 16 << 10, 413),
        ("/groups/3A/accept", 16 << 10, 413),
        ("/tasks/3A/next", 16 << 10, 413),
        ("/mturk/externalSubmit", 512 << 10, 413),
        ("/nowhere", 16 << 10, 404),
    ],
)
def test_each_address_has_a_limit_for_what_is_sent_to_it(
    browser: FlaskClient, path: str, length: int, status: int
) -> None:
    too_long = browser.post(path, data={"form_token": "x" * length})
    assert too_long.status_code == status, too_long.text
    is_call = path in ("/", "/invites", "/keys", "/returns")
    assert ("RequestEntityTooLargeException" in too_long.text) == is_call
    assert browser.post(path, data={"form_token": "x" * (length - 100)}).status_code != 413


def test_workers_are_told_in_words_and_the_log_has_no_link(
    crowd: Crowd, browser: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    break_(crowd, "workers")
    answer = browser.get("/sign-in/the-secret-of-a-link")
    assert answer.status_code == 503
    assert "The site cannot reach its data at this moment." in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "site.signin.sign_in failed" in caplog.text
    assert "the-secret-of-a-link" not in caplog.text


@pytest.mark.parametrize(
    "method,path,status,words",
    [
        ("GET", "/nowhere", 404, "There is no such page."),
        ("GET", "/invites", 405, "This address cannot be used in that way."),
        ("PUT", "/", 405, "This address cannot be used in that way."),
        ("GET", "/%ff%00", 404, "There is no such page."),
    ],
)
def test_an_address_that_is_none_is_answered_with_a_page(
    browser: FlaskClient, method: str, path: str, status: int, words: str
) -> None:
    answer = browser.open(path, method=method)
    assert answer.status_code == status and words in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_server_that_cannot_keep_up_asks_for_another_try(
    crowd: Crowd, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd.database, "_connection_turns", Turns(0, 0.01))
    answer = browser.get("/sign-in/a-link")
    assert answer.status_code == 503
    assert "Please try again in a minute." in answer.text


def test_a_request_that_others_have_failed_is_asked_for_another_try(
    crowd: Crowd, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crowdserver.storage.group_commit._Group.commit", Mock(side_effect=NotCommitted))
    answer = browser.get("/sign-in/a-link")
    assert answer.status_code == 503
    assert "Please try again in a minute." in answer.text


def test_a_signature_that_nobody_can_have_made_is_refused_as_a_wrong_one(browser: FlaskClient) -> None:
    headers = sign("http://localhost/", b"{}", ("CROWDTEST", "secret"), {"X-Amz-Target": TARGET})
    authorization = headers["Authorization"].rpartition("=")[0]
    not_ascii = {**headers, "Authorization": f"{authorization}=é"}
    answers = [
        browser.post("/", data=b"{}", headers=not_ascii),
        browser.post("/", data=b"{}", headers=headers, environ_overrides={"HTTP_HOST": "[::1"}),
        browser.post("/", data=b"{}", headers=headers, environ_overrides={"QUERY_STRING": "\xff"}),
    ]
    for answer in answers:
        assert answer.status_code == 400
        assert json.loads(answer.data)["__type"] == "InvalidSignatureException"


@pytest.mark.parametrize("path", ["/invites", "/returns"])
@pytest.mark.parametrize(
    "body", [b"[" * 15_000, b'{"name": ' + b"[" * 5000 + b"]" * 5000 + b"}", b"9" * 5000]
)
def test_json_beside_the_api_that_cannot_be_read_is_refused_in_words(
    browser: FlaskClient, path: str, body: bytes
) -> None:
    headers = sign(f"http://localhost{path}", body, ("CROWDTEST", "secret"), {})
    answer = browser.post(path, data=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json and answer.json["message"].startswith("Send a JSON object with")


def test_texts_that_no_database_takes_are_no_hits(browser: FlaskClient) -> None:
    body = rb'{"hit_ids": ["\ud800", "\u0000", "3"]}'
    headers = sign("http://localhost/returns", body, ("CROWDTEST", "secret"), {})
    answer = browser.post("/returns", data=body, headers=headers)
    assert (answer.status_code, answer.json and answer.json["returned"]) == (200, 0)
