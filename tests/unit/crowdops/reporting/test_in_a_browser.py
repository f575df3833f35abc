"""The report in a real browser: it asks for nothing, runs nothing, and can be read by everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from crowdops.reporting import html
from tests.support.run_reports import make_report, with_texts

pytestmark = pytest.mark.browser

HOSTILE = (
    "\"'><script>window.hit = 1</script><img src=x onerror='window.hit = 1'><svg onload='window.hit = 1'>"
    "</style></title></textarea><meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>"
    "<base href='http://127.0.0.1:9/'><a href='javascript:window.hit = 1'>{{ 7 * 7 }}</a><!--]]>\x00\u202e"
)
ALIVE = "script, img, iframe, object, embed, form, input, base, a[href]:not([href^='#']), [onerror], [onload]"


class Seen:
    """A page, and what it did beyond showing itself."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.deeds: list[str] = []
        page.on("console", lambda message: self.deeds.append(message.text))
        page.on("pageerror", lambda error: self.deeds.append(str(error)))
        page.on("dialog", lambda dialog: self.deeds.append(dialog.message))
        page.on("request", lambda request: self.deeds.append(request.url))

    def width(self) -> int:
        """Return how wide the page is, in CSS pixels."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))


@contextmanager
def opened(browser: Browser, path: Path, *, width: int, scheme: str) -> Iterator[Seen]:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    context.set_default_timeout(30_000)
    seen = Seen(context.new_page())
    seen.page.goto(path.as_uri())
    yield seen
    context.close()


@pytest.mark.parametrize("width", [1280, 360])
def test_a_report_is_accessible_and_asks_for_nothing(browser: Browser, tmp_path: Path, width: int) -> None:
    path = tmp_path / "report.html"
    path.write_text(html.render(make_report(runs=2)), encoding="utf-8")
    with opened(browser, path, width=width, scheme="light") as seen:
        assert seen.deeds == [path.as_uri()]
        assert seen.width() == width
        accessible(Axe().run(seen.page))
        seen.page.emulate_media(color_scheme="dark")
        assert seen.page.evaluate("getComputedStyle(document.body).color") == "rgb(230, 237, 243)"
        accessible(Axe().run(seen.page, options={"runOnly": ["wcag2aa"]}))  # contrast is its rule


def accessible(found: AxeResults) -> None:
    assert found.violations_count == 0, found.generate_report()
    assert found.response["passes"]


def test_in_print_every_table_is_open(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html.render(make_report()), encoding="utf-8")
    with opened(browser, path, width=700, scheme="dark") as seen:
        tables = seen.page.locator("figure table")
        assert not all(table.is_visible() for table in tables.all())
        seen.page.emulate_media(media="print")
        assert all(table.bounding_box()["height"] > 20 for table in tables.all())
        assert not seen.page.locator("nav").is_visible()
        colour = seen.page.evaluate("getComputedStyle(document.body).color")
        assert colour == "rgb(29, 39, 51)"  # dark letters, however dark the screen is


def test_what_anybody_typed_stays_text_in_every_place(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(
        html.render(with_texts(make_report(runs=2), lambda text: HOSTILE + text)), encoding="utf-8"
    )
    with opened(browser, path, width=360, scheme="light") as seen:
        assert seen.page.locator(ALIVE).count() == 0
        assert seen.page.evaluate("window.hit") is None
        assert seen.deeds == [path.as_uri()]
        assert seen.width() == 360
        assert seen.page.locator("h1").inner_text().startswith("\"'><script>window.hit = 1</script><img")
        assert "{{ 7 * 7 }}" in seen.page.locator("h1").inner_text()
