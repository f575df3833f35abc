"""A worker's browser, on the worker site and on the task server of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.support.offers import invite
from tests.support.processes import wait_until
from tests.support.world import World

pytestmark = [pytest.mark.gated, pytest.mark.browser]


@pytest.fixture
def page(browser: Browser, world: World) -> Iterator[Page]:
    """The worker site, signed in."""
    context = browser.new_context()
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(invite(world.crowd, name="Ada Lovelace")["url"])
    yield page
    context.close()


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("#frame")


def accept(page: Page) -> None:
    """Accept the next unit from the list of work."""
    page.goto(page.url.partition("/tasks")[0])
    page.locator("[data-group]").get_by_role("button", name="Accept").click()
    page.wait_for_url("**/tasks/*")


def picture(page: Page) -> str:
    """Which unit the frame shows."""
    heading = inside(page).get_by_role("heading", name="message")
    expect(heading).to_be_visible()
    return heading.inner_text()


def submit(page: Page, choice: str) -> None:
    inside(page).get_by_label(choice).check()
    inside(page).get_by_role("button", name="Submit").click()
    expect(inside(page).get_by_role("heading", name="Your work was submitted")).to_be_visible()


def test_a_worker_does_a_unit_and_sees_at_the_cap_what_to_finish_first(world: World, page: Page) -> None:
    # The run looks seldom: what ends a lease here is the page's own report.
    launch = world.serve(units=2, allowed_concurrent=1, variables={"CROWDOPS_POLL_INTERVAL": "20"})
    world.wait_for_units("outstanding", 2)
    accept(page)
    first = page.url
    shown = picture(page)

    accept(page)
    second = page.url
    expect(inside(page).get_by_role("heading", name="First finish what you have open")).to_be_visible()
    expect(inside(page).get_by_text("you may have one unit open at a time")).to_be_visible()
    expect(inside(page).get_by_text(shown.replace("message", "Unit"))).to_be_visible()

    page.goto(first)
    submit(page, "cat")
    wait_until(lambda: world.health()["active"] == 0)
    page.goto(second)
    other = picture(page)
    submit(page, "dog")
    assert world.health()["served"] == 2
    launch.press()  # so that it looks now
    assert launch.end() == 0, launch.said
    assert world.server_processes() == []
    rows = world.json("mturk/download_results", "--run", launch.run_id)
    found = {row["input"]["text"]: row["answer"]["label"] for row in rows}
    assert found == {shown: "cat", other: "dog"}
    assert set(found) == {"message 0", "message 1"}


def test_a_worker_who_says_that_a_unit_is_returned_may_open_the_next(world: World, page: Page) -> None:
    launch = world.serve(units=2, allowed_concurrent=1, variables={"CROWDOPS_POLL_INTERVAL": "20"})
    world.wait_for_units("outstanding", 2)
    accept(page)
    assert picture(page) in ("message 0", "message 1")
    page.get_by_role("button", name="Return").click()
    accept(page)
    expect(inside(page).get_by_role("heading", name="First finish what you have open")).to_be_visible()
    inside(page).get_by_role("button", name="I have submitted or returned it").click()
    assert picture(page) in ("message 0", "message 1")
    launch.press()
    submit(page, "cat")
    launch.press()
    launch.end()
    assert world.server_processes() == []
