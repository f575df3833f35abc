"""A worker of the site in a browser: accepts a HIT, and looks whether everybody can use what is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FrameLocator, Page

from tests.support.crowds import Crowd
from tests.support.offers import Offer, invite

Accept = Callable[..., tuple[Page, FrameLocator]]


@contextmanager
def visits(browser: Browser, crowd: Crowd) -> Iterator[Accept]:
    """Give what accepts a HIT as a new worker, in a browser profile of its own: the page and its frame."""
    contexts = []

    def accept(offered: Offer, **options: Any) -> tuple[Page, FrameLocator]:
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(30_000)
        page: Page = contexts[-1].new_page()
        page.goto(invite(crowd, name="Ada")["url"])
        card = page.locator("[data-group]").filter(has_text=offered.title)
        card.get_by_role("button", name="Accept").click()
        return page, page.frame_locator("#frame")

    yield accept
    for context in contexts:
        context.close()


def check_accessible(page: Page) -> None:
    """Fail if axe-core finds anything, in the page or in what its frame shows."""
    for frame in page.frames:
        found = Axe().run(frame)
        assert found.violations_count == 0, found.generate_report()
        assert found.response["passes"]
