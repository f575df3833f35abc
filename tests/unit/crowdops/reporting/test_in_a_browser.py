"""The report in a real browser: it asks for nothing, runs nothing, and can be read by everybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from crowdops.reporting import html
from tests.support.run_reports import make_report, with_texts
from tests.support.still_pages import HOSTILE, still_page

pytestmark = pytest.mark.browser


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A report of two runs."""
    path = tmp_path / "report.html"
    path.write_text(html.render(make_report(runs=2)), encoding="utf-8")
    return path


def accessible(found: AxeResults) -> None:
    assert found.violations_count == 0, found.generate_report()
    assert found.response["passes"]


@pytest.mark.parametrize("width", [1280, 360])
def test_a_report_is_accessible_and_asks_for_nothing(browser: Browser, path: Path, width: int) -> None:
    with still_page(browser, path, width=width) as still:
        assert still.has_kept_still() and still.width == width
        accessible(Axe().run(still.page))
        still.page.emulate_media(color_scheme="dark")
        assert still.page.evaluate("getComputedStyle(document.body).color") == "rgb(230, 237, 243)"
        colours = {"runOnly": ["wcag2aa"], "resultTypes": ["violations"]}
        accessible(Axe().run(still.page, options=colours))


def test_in_print_every_table_is_open_and_letters_are_dark(browser: Browser, path: Path) -> None:
    with still_page(browser, path, width=700, scheme="dark") as still:
        tables = still.page.locator("figure table")
        assert not all(table.is_visible() for table in tables.all())
        still.page.emulate_media(media="print")
        boxes = [table.bounding_box() for table in tables.all()]
        assert boxes and all(box and box["height"] > 20 for box in boxes)
        assert not still.page.locator("nav").is_visible()
        assert still.page.evaluate("getComputedStyle(document.body).color") == "rgb(29, 39, 51)"


def test_any_text_in_any_place_stays_text(browser: Browser, path: Path) -> None:
    page = html.render(with_texts(make_report(runs=2), lambda text: HOSTILE + text))
    path.write_text(page, encoding="utf-8")
    with still_page(browser, path, width=360) as still:
        assert still.has_kept_still() and still.width == 360
        shown = still.page.locator("h1").inner_text()
        assert shown.startswith("\"'><script>window.hit = 1</script><img") and "{{ 7 * 7 }}" in shown
