"""Sessions, links and what ends them, on the application itself; and what goes with every answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select

from crowdserver.api import Conditions
from crowdserver.app import create_app
from crowdserver.control.call_counts import CallCounts
from crowdserver.operations import workers
from crowdserver.protocol.credentials import Credentials
from crowdserver.protocol.public_address import PublicUrl, read_networks
from crowdserver.storage import clock, people_tables
from crowdserver.storage.database import Database
from crowdserver.storage.transactions import Crowd
from crowdserver.worker import sign_in_limits
from tests.support.offers import html_question, sign

DAY = 86_400
KEY_PAIR = Credentials("CROWDTEST", "secret")


class Site:
    """A crowd server's application, and browsers that use it."""

    def __init__(self, folder: Path, **options: Any) -> None:
        database = Database(f"sqlite:///{folder / 'crowd.db'}")
        database.prepare(Decimal(100))
        self.crowd = Crowd(database, KEY_PAIR)
        self.app = create_app(self.crowd, Conditions(calls=CallCounts()), **options)

    def link(self, worker_id: str, name: str | None = None) -> str:
        """Invite a worker, and return the path of the link."""
        invitation = self.crowd.write(lambda tx, now: workers.invite(tx, now, name, worker_id))
        return f"/sign-in/{invitation.token}"

    def browser(self, link: str | None = None) -> FlaskClient:
        """A browser, which has opened a link."""
        made = self.app.test_client()
        if link:
            assert made.get(link).status_code == 303
        return made

    def bearer(self, cookies: str) -> FlaskClient:
        """A browser that sends these cookies, and keeps none."""
        made = self.app.test_client(use_cookies=False)
        made.environ_base["HTTP_COOKIE"] = cookies
        return made

    def advance(self, seconds: float) -> None:
        with self.crowd.database.write() as tx:
            clock.advance(tx, seconds)

    def count(self, table: Any) -> int:
        with self.crowd.database.read() as tx:
            return int(tx.execute(select(func.count()).select_from(table)).scalar_one())

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        body = json.dumps(members).encode()
        target = {"X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}"}
        headers = sign("http://localhost/", body, tuple(KEY_PAIR), target)
        answer = self.app.test_client().post("/", data=body, headers=headers)
        assert answer.status_code == 200, answer.data
        return dict(json.loads(answer.data))

    def offer(self) -> str:
        """Create a HIT with a page of its own, and return its type."""
        hit = self.call(
            "CreateHIT",
            Title="Label",
            Description="Label.",
            Reward="0.10",
            AssignmentDurationInSeconds=600,
            LifetimeInSeconds=100 * DAY,
            Question=html_question(),
        )
        return str(hit["HIT"]["HITTypeId"])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.crowd.database.close()


def is_signed_in(browser: FlaskClient, name: str) -> bool:
    answer = browser.get("/")
    return answer.status_code == 200 and name in answer.text


def form_token(page: str) -> str:
    return str(BeautifulSoup(page, "html.parser").find("input", {"name": "form_token"})["value"])


def cookie(browser: FlaskClient, link: str) -> str:
    """What a browser is given that opens a link: the name and the value of its cookie."""
    return browser.get(link).headers["Set-Cookie"].partition(";")[0]


# What ends a session


def test_signing_out_ends_the_session_for_whoever_has_a_copy_of_its_cookie(site: Site) -> None:
    here, elsewhere = site.browser(), site.browser()
    link = site.link("AADA", "Ada")
    thief = site.bearer(cookie(here, link))
    elsewhere.get(link)
    assert is_signed_in(thief, "Ada")
    here.post("/sign-out", data={"form_token": form_token(here.get("/").text)})
    assert thief.get("/").status_code == 403
    assert here.get("/").status_code == 403
    assert is_signed_in(elsewhere, "Ada")


def test_a_session_ends_after_thirty_days_and_a_link_after_ninety(site: Site) -> None:
    link = site.link("AADA", "Ada")
    browser = site.browser(link)
    site.advance(30 * DAY - 5)
    assert is_signed_in(browser, "Ada")
    site.advance(10)
    assert browser.get("/").status_code == 403
    browser = site.browser(link)
    site.advance(60 * DAY)
    answer = site.browser().get(link)
    assert answer.status_code == 403
    assert "its time is over or there is a newer one" in answer.text
    assert "Set-Cookie" not in answer.headers
    site.browser(site.link("ABEN"))
    assert site.count(people_tables.sessions) == 1  # what is over is deleted


def test_of_one_worker_the_ten_newest_sessions_live(site: Site) -> None:
    link, other = site.link("AADA", "Ada"), site.browser(site.link("ABEN", "Ben"))
    browsers = []
    for _ in range(12):
        browsers.append(site.browser(link))
        site.advance(1)
    assert [is_signed_in(browser, "Ada") for browser in browsers] == [False] * 2 + [True] * 10
    assert is_signed_in(other, "Ben")


def test_a_link_that_is_opened_again_keeps_the_session(site: Site) -> None:
    link = site.link("AADA", "Ada")
    browser = site.browser(link)
    answer = browser.get(link)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "Set-Cookie" not in answer.headers
    assert site.count(people_tables.sessions) == 1


# Somebody else's link


def test_over_another_workers_session_a_link_asks_first(site: Site) -> None:
    ada, ben = site.link("AADA", "Ada"), site.link("ABEN", "Ben <b>")
    browser = site.browser(ada)
    copied = site.browser(ada)
    page = browser.get(ben)
    assert (page.status_code, "Set-Cookie" in page.headers) == (200, False)
    assert "You are signed in as Ada (AADA)" in page.text
    assert "Sign in as Ben &lt;b&gt; (ABEN)" in page.text
    assert is_signed_in(browser, "Ada")

    for token in ("", "guess", form_token(copied.get("/").text)):
        assert browser.post(ben, data={"form_token": token}).status_code == 403
        assert is_signed_in(browser, "Ada")

    assert browser.post(ben, data={"form_token": form_token(page.text)}).status_code == 303
    assert is_signed_in(browser, "Ben")
    assert is_signed_in(copied, "Ada")
    assert site.count(people_tables.sessions) == 2


def test_a_link_that_has_ended_changes_nothing_for_who_is_signed_in(site: Site) -> None:
    ended = site.link("ABEN")
    site.link("ABEN")
    browser = site.browser(site.link("AADA", "Ada"))
    assert browser.get(ended).status_code == 403
    assert browser.post(ended, data={"form_token": form_token(browser.get("/").text)}).status_code == 403
    assert is_signed_in(browser, "Ada")


@pytest.mark.parametrize("destination", ["image", "iframe", "empty", "script"])
def test_a_link_that_a_page_opens_as_a_part_of_it_signs_nobody_in(site: Site, destination: str) -> None:
    link = site.link("AADA", "Ada")
    answer = site.browser().get(link, headers={"Sec-Fetch-Dest": destination})
    assert answer.status_code == 403
    assert "Open the sign-in link in a tab of its own." in answer.text
    assert "Set-Cookie" not in answer.headers
    opened = site.browser().get(link, headers={"Sec-Fetch-Dest": "document"})
    assert opened.status_code == 303


# The cookie


def test_each_server_has_a_cookie_of_its_own(site: Site, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Site(tmp_path / "other")
    mine, theirs = (
        cookie(site.browser(), site.link("AADA")),
        cookie(other.browser(), other.link("ABEN", "Ben")),
    )
    assert mine.partition("=")[0] != theirs.partition("=")[0]
    both = f"{mine}; {theirs}"
    assert is_signed_in(site.bearer(both), "AADA")
    assert is_signed_in(other.bearer(both), "Ben")
    other.crowd.database.close()


@pytest.mark.parametrize("url", ["https://lab.example", "https://lab.example/crowd"])
def test_behind_tls_browsers_take_the_cookie_from_this_host_only(tmp_path: Path, url: str) -> None:
    site = Site(tmp_path, public=PublicUrl.read(url))
    link = site.link("AADA")
    given = site.browser().get(link).headers["Set-Cookie"]
    assert given.startswith("__Host-crowd_session_")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=2592000"} <= set(given.split("; "))
    assert "Domain" not in given
    sent = given.partition(";")[0]
    assert is_signed_in(site.bearer(sent), "AADA")
    assert site.bearer(sent.removeprefix("__Host-")).get("/").status_code == 403
    token = form_token(site.bearer(sent).get("/").text)
    ended = site.bearer(sent).post("/sign-out", data={"form_token": token})
    assert ended.headers["Set-Cookie"].startswith("__Host-crowd_session_")
    assert {"Secure", "Path=/", "Max-Age=0"} <= set(ended.headers["Set-Cookie"].split("; "))
    site.crowd.database.close()


def test_a_cookie_that_another_server_of_the_host_has_set_beside_it_does_not_count(site: Site) -> None:
    ada, ben = cookie(site.browser(), site.link("AADA", "Ada")), cookie(site.browser(), site.link("ABEN"))
    name = ada.partition("=")[0]
    for beside in (f"{name}=stale; {ada}", f"{ada}; {name}=", f"{ada}; {ada}", f"{name}=%ff\xff; {ada}"):
        assert is_signed_in(site.bearer(beside), "Ada")
    assert site.bearer(f"{ben}; {ada}").get("/").status_code == 403


def test_a_cookie_of_an_older_version_asks_for_the_link_again(site: Site) -> None:
    link = site.link("AADA", "Ada")
    browser = site.bearer('crowd_session=["AADA","0123456789abcdef"].signature')
    assert browser.get("/").status_code == 403
    assert browser.get(link).status_code == 303


# Guesses


def guess(browser: FlaskClient, times: int = 1, **request: Any) -> Any:
    for number in range(times):
        answer = browser.get(f"/sign-in/guess-{number}", **request)
    return answer


def from_(address: str) -> dict[str, Any]:
    return {"environ_overrides": {"REMOTE_ADDR": address}}


def begin_a_period(site: Site) -> None:
    """Go to the beginning of the next ten minutes in which guesses are counted."""
    site.advance(sign_in_limits.PERIOD_SECONDS - int(time.time()) % sign_in_limits.PERIOD_SECONDS)


def test_of_one_address_fifty_guesses_in_ten_minutes_are_looked_at(site: Site) -> None:
    begin_a_period(site)
    link = site.link("AADA", "Ada")
    signed_in, browser = site.browser(link), site.browser()
    assert guess(browser, 50).status_code == 403
    answer = browser.get(link)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "600")
    assert "Wait ten minutes" in answer.text
    assert is_signed_in(signed_in, "Ada")
    assert browser.get(link, **from_("10.0.0.7")).status_code == 303
    assert site.count(people_tables.failed_sign_ins) == 2
    site.advance(600)
    assert site.browser().get(link).status_code == 303


def test_guesses_from_everywhere_are_limited_and_so_is_what_is_kept_of_them(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_limits, "MOST_OF_ALL", 20)
    begin_a_period(site)
    browser = site.browser()
    addresses = [f"10.0.0.{number}" for number in range(30)]
    statuses = [guess(browser, **from_(address)).status_code for address in addresses]
    assert statuses == [403] * 20 + [429] * 10
    assert site.count(people_tables.failed_sign_ins) == 21
    site.advance(600)
    assert guess(browser).status_code == 403
    assert site.count(people_tables.failed_sign_ins) == 2


def test_a_network_of_ipv6_is_one_address(site: Site) -> None:
    browser = site.browser()
    for number in range(50):
        guess(browser, **from_(f"2001:db8:1:2::{number:x}"))
    assert guess(browser, **from_("2001:db8:1:2:ffff::1")).status_code == 429
    assert guess(browser, **from_("2001:db8:1:3::1")).status_code == 403


def test_behind_a_web_server_the_addresses_that_it_tells_count(tmp_path: Path) -> None:
    named = Site(tmp_path, public=PublicUrl.read("https://lab.example"), trusted=read_networks("127.0.0.1"))
    browser, forwarded = named.browser(), "X-Forwarded-For"
    assert guess(browser, 50, headers={forwarded: "9.9.9.9, 10.1.1.1"}).status_code == 403
    assert guess(browser, headers={forwarded: "8.8.8.8, 10.1.1.1"}).status_code == 429
    assert guess(browser, headers={forwarded: "10.1.1.1, 10.1.1.2"}).status_code == 403
    named.crowd.database.close()


def test_behind_a_web_server_that_is_not_named_nobody_locks_the_others_out(tmp_path: Path) -> None:
    site = Site(tmp_path, public=PublicUrl.read("https://lab.example"))
    link = site.link("AADA")
    assert guess(site.browser(), 60, headers={"X-Forwarded-For": "10.1.1.1"}).status_code == 403
    assert site.browser().get(link).status_code == 303
    assert site.count(people_tables.failed_sign_ins) == 1
    site.crowd.database.close()


# The links of frames


def frame_of(page: str) -> str:
    return str(BeautifulSoup(page, "html.parser").find("iframe")["src"]).partition("?")[0]


def preview(site: Site, browser: FlaskClient) -> str:
    """The link of the frame in a preview, which works."""
    hit_type = site.offer()
    link = frame_of(browser.get(f"/groups/{hit_type}").text)
    assert site.browser().get(link).status_code == 200
    return link


@pytest.mark.parametrize("end", ["sign out", "newer link", "a month"])
def test_a_frames_link_ends_with_the_session(site: Site, end: str) -> None:
    browser = site.browser(site.link("AADA"))
    links = [preview(site, browser)]
    hit_type = site.offer()
    token = form_token(browser.get("/").text)
    accepted = browser.post(f"/groups/{hit_type}/accept", data={"form_token": token}, follow_redirects=True)
    links.append(frame_of(accepted.text))
    assert site.browser().get(links[1]).status_code == 200
    if end == "sign out":
        browser.post("/sign-out", data={"form_token": token})
    elif end == "newer link":
        site.link("AADA")
    else:
        site.advance(30 * DAY)
    for link in links:
        answer = site.browser().get(link)
        assert answer.status_code == 403
        assert "You are not signed in any more." in answer.text
        assert "<form" not in answer.text


def test_a_previews_link_ends_when_its_worker_is_blocked(site: Site) -> None:
    browser = site.browser(site.link("AADA"))
    link = preview(site, browser)
    site.call("CreateWorkerBlock", WorkerId="AADA", Reason="spam")
    answer = site.browser().get(link)
    assert answer.status_code == 403
    assert "does not offer you new work any more" in answer.text


# What goes with every answer


def answers(app: Flask) -> Iterator[tuple[str, Any]]:
    """An answer of every address of the application by every method, and of what is none."""
    browser = app.test_client()
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for argument in rule.arguments:
            path = path.replace(f"<path:{argument}>", "site.css").replace(f"<{argument}>", "x")
        for method in ("GET", "POST", "DELETE", "OPTIONS", "HEAD"):
            yield f"{method} {path}", browser.open(path, method=method)
    yield "nothing", browser.get("/nothing")


def test_every_answer_says_what_a_browser_may_do_with_it(site: Site) -> None:
    seen = set()
    for name, answer in answers(site.app):
        assert answer.headers["X-Content-Type-Options"] == "nosniff", name
        assert answer.headers["Content-Security-Policy"].startswith(("default-src 'none'", "sandbox")), name
        seen.add(answer.status_code)
    assert {200, 403, 404, 405} <= seen
    browser = site.browser()
    signed_in = [browser.get(site.link("AADA")), browser.get("/"), browser.get(preview(site, browser))]
    signed_in.append(browser.post("/sign-out", data={"form_token": "x" * (9 * 2**20)}))
    assert [answer.status_code for answer in signed_in] == [303, 200, 200, 413]
    assert all(answer.headers["X-Content-Type-Options"] == "nosniff" for answer in signed_in)
    assert all("Content-Security-Policy" in answer.headers for answer in signed_in)


# Databases of before


def test_a_database_without_sessions_gets_them_and_its_links_still_work(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'crowd.db'}")
    database.prepare(Decimal(100))
    with database.write() as tx:
        people_tables.sessions.drop(tx)
        people_tables.failed_sign_ins.drop(tx)
        row = {"id": "AADA", "name": "Ada", "token_hash": workers.hash_of("old"), "invited_at": clock.now(tx)}
        tx.execute(insert(people_tables.workers).values(row))
    database.close()
    site = Site(tmp_path)
    assert is_signed_in(site.browser("/sign-in/old"), "Ada")
    site.crowd.database.close()
