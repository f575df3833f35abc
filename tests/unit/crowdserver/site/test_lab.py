"""The lab's name on the site, and the text that each worker agrees to before anything else."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from crowdops.providers.crowd_server.client import WorkerSession
from crowdserver.site import lab
from crowdserver.storage.people_tables import consents
from tests.support.crowds import Crowd
from tests.support.offers import invite, offer
from tests.unit.crowdserver.site.test_site import Browser
from tests.unit.crowdserver.site.test_visits import define


def test_a_worker_agrees_once_to_each_text_and_reads_whose_site_it_is(tmp_path: Path) -> None:
    text = tmp_path / "consent.txt"
    text.write_text("We keep <b>what</b>\nyou answer.\n")
    options = ("--site-name=Vision & Co", f"--consent-file={text}")
    with Crowd(tmp_path / "home", extra=options) as crowd:
        offered = offer(crowd.client(), 1)
        browser = Browser(crowd, worker_id="AADA")
        page = browser.open("/history")
        assert page.select_one(".written").text == "We keep <b>what</b>\nyou answer."
        form = page.find("form", id="consent")
        token = form.find("input", {"name": "form_token"})["value"]
        refused = browser.post(f"/groups/{offered.hit_type_id}/accept", 403, form_token=token)
        assert refused.h1.text == "Before you begin"
        assert "Before you begin" in browser.post("/consent", form_token=token, digest="another").text
        card = browser.press(form).select_one("[data-group]")
        assert card.h3.text == offered.title and "by Vision & Co" in card.text
        assert browser.open("/").title.text == "Work – Vision & Co"
        with crowd.database.read() as tx:
            (kept,) = tx.execute(select(consents)).all()
        assert (kept.worker_id, kept.digest) == ("AADA", hashlib.sha256(text.read_bytes()).hexdigest())

        participant = requests.Session()
        link = define(crowd, offered.hit_type_id)["url"]
        shown = participant.get(f"{link}?PROLIFIC_PID=5f3a0c", timeout=30).text
        assert "go back to your panel" in shown and "Before you begin" in shown
        simulated = WorkerSession(invite(crowd)["url"])
        simulated.sign_in()
        assert [group.title for group in simulated.work()] == [offered.title]
        simulated.close()

        text.write_text("We keep less.")
        crowd.stop()
        crowd.start()
        assert "We keep less." in browser.open("/").text
        browser.press(browser.open("/").find("form", action="/sign-out"), 403)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x" * 61, b"", "--site-name has at most 60 characters"),
        ("two\nlines", b"", "--site-name has at most 60 characters"),
        ("", b" \n", "has to be a text of 1 to 50,000 bytes"),
        ("", b"x" * 50_001, "has to be a text of 1 to 50,000 bytes"),
        ("", b"\xff", "is not UTF-8"),
        ("", None, "cannot be read: No such file or directory"),
    ],
)
def test_what_is_no_name_or_text_is_refused_in_words(
    tmp_path: Path, name: str, content: Any, words: str
) -> None:
    if content is not None:
        (tmp_path / "consent").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        lab.read(name, tmp_path / "consent")
