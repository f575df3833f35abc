"""A whole run with its task server at Heroku: a worker in a browser does it, and nothing is left."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.support.crowds import Crowd
from tests.support.offers import invite
from tests.support.processes import wait_until
from tests.support.scripts import Script
from tests.support.servers import HerokuServers


def launch_run(heroku: HerokuServers, **parts: Any) -> Script:
    return heroku.start("mturk/launch_run", str(heroku.write_run(**parts)), "--yes", "--json")


def frame(page: Page) -> FrameLocator:
    return page.frame_locator("#frame")


def accept(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("[data-group]").get_by_role("link", name="Preview").click()
    page.get_by_role("button", name="Accept").click()


@pytest.mark.browser
def test_a_worker_does_both_units_and_is_told_to_finish_one_first(
    heroku: HerokuServers, crowd: Crowd, browser: Browser
) -> None:
    launch = launch_run(heroku, allowed_concurrent=1)
    wait_until(lambda: len(crowd.client().list_hits()["HITs"]) == 2, seconds=30)
    context = browser.new_context()
    context.set_default_timeout(30_000)
    first, second = context.new_page(), context.new_page()
    link = invite(crowd, name="Ada Lovelace")["url"]
    first.goto(link)
    accept(first, crowd.url)
    expect(frame(first).get_by_text("message ")).to_be_visible()
    accept(second, crowd.url)
    expect(frame(second).get_by_text("finish")).not_to_have_count(0)
    expect(frame(second).get_by_text("message ")).to_have_count(0)
    for page, label in ((first, "cat"), (second, "dog")):
        frame(page).get_by_label(label).check()
        frame(page).get_by_role("button", name="Submit").click()
        expect(frame(page).get_by_role("heading", name="Your work was submitted")).to_be_visible()
        if page is first:  # after the second one the run ends, and its app goes at any moment
            wait_until(lambda: all(app["active"] == 0 for app in health(heroku)))
            second.reload()
    context.close()
    assert launch.end() == 0, launch.said
    found = launch.document()
    assert (found["state"], found["finished"], found["assignments"]) == ("finished", 2, 2)
    assert heroku.apps() == []
    assert heroku.status() == {"servers": [], "foreign_apps": 0, "not_looked_at": []}


def health(heroku: HerokuServers) -> list[dict[str, int]]:
    """What the task servers that there are say."""
    urls = [app["web_url"] for app in heroku.emulator.get("/apps")]
    return [requests.get(f"{url.rstrip('/')}/health", timeout=5).json() for url in urls]


def test_a_run_whose_deploy_fails_creates_no_hit_and_leaves_no_app(
    heroku: HerokuServers, crowd: Crowd
) -> None:
    heroku.emulator.order("build-failure")
    launch = launch_run(heroku)
    assert launch.end() == 1
    assert "This build was ordered to fail" in launch.said
    assert crowd.client().list_hits()["HITs"] == []
    assert heroku.apps() == []
