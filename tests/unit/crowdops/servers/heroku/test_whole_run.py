"""A whole run with its task server at Heroku: a worker in a browser does it, and nothing is left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import FrameLocator, Page, expect

from tests.support.browsers import chromium
from tests.support.crowds import Crowd
from tests.support.heroku.running import eventually
from tests.support.heroku_servers import HerokuWorld
from tests.support.offers import invite
from tests.support.scripts import Script


@pytest.fixture
def crowd(heroku: HerokuWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crowd]:
    """A crowd server whose key lies in the home."""
    with Crowd() as running:
        keys = heroku.home / "crowd" / "credentials"
        keys.parent.mkdir(parents=True, mode=0o700)
        shutil.copy2(running.credentials_file, keys)
        monkeypatch.setenv("AWS_ENDPOINT_URL_MTURK", running.url)
        monkeypatch.setenv("CROWDOPS_POLL_INTERVAL", "0.3")
        yield running


def launch_run(heroku: HerokuWorld, **parts: str) -> Script:
    return heroku.start("mturk/launch_run", str(heroku.write_task(**parts)), "--yes", "--json")


def frame(page: Page) -> FrameLocator:
    return page.frame_locator("#frame")


def accept(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("[data-group]").get_by_role("link", name="Preview").click()
    page.get_by_role("button", name="Accept").click()


@pytest.mark.browser
def test_a_worker_does_both_units_and_is_told_to_finish_one_first(heroku: HerokuWorld, crowd: Crowd) -> None:
    launch = launch_run(heroku, task="allowed_concurrent = 1")
    eventually(lambda: len(crowd.client().list_hits()["HITs"]) == 2, seconds=30)
    with chromium() as browser:
        context = browser.new_context()
        context.set_default_timeout(10_000)
        first, second = context.new_page(), context.new_page()
        link = invite(crowd, name="Ada Lovelace")["url"]
        first.goto(link)
        accept(first, crowd.url)
        expect(frame(first).get_by_text("message ")).to_be_visible()
        accept(second, crowd.url)
        expect(frame(second).get_by_text("finish")).not_to_have_count(0)
        expect(frame(second).get_by_text("message ")).to_have_count(0)
        for page, label in ((first, "one"), (second, "two")):
            frame(page).locator("input[name=label]").fill(label)
            frame(page).get_by_role("button", name="Submit").click()
            expect(frame(page).get_by_role("heading", name="Your work was submitted")).to_be_visible()
            if page is first:  # after the second one the run ends, and its app goes at any moment
                eventually(lambda: all(app["active"] == 0 for app in health(heroku)))
                second.reload()
        context.close()
    assert launch.end() == 0, launch.said
    found = launch.document()
    assert (found["state"], found["finished"], found["assignments"]) == ("finished", 2, 2)
    assert heroku.apps() == []
    assert heroku.status() == {"servers": [], "foreign_apps": 0}


def health(heroku: HerokuWorld) -> list[dict[str, int]]:
    """What the task servers that there are say."""
    urls = [app["web_url"] for app in heroku.emulator.get("/apps")]
    return [requests.get(f"{url.rstrip('/')}/health", timeout=5).json() for url in urls]


def test_a_run_whose_deploy_fails_creates_no_hit_and_leaves_no_app(heroku: HerokuWorld, crowd: Crowd) -> None:
    heroku.emulator.order("build-failure")
    launch = launch_run(heroku)
    assert launch.end() == 1
    assert "This build was ordered to fail" in launch.said
    assert crowd.client().list_hits()["HITs"] == []
    assert heroku.apps() == []
