"""Pages that must show themselves and do nothing else, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Dialog, Page

# What a browser might take for more than text, wherever it stands. It sets window.hit where it succeeds.
HOSTILE = (
    "\"'><script>window.hit = 1</script><img src=x onerror='window.hit = 1'><svg onload='window.hit = 1'>"
    "</style></title></textarea><meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>"
    "<base href='http://127.0.0.1:9/'><a href='javascript:window.hit = 1'>{{ 7 * 7 }}</a><!--]]>\x00\u202e"
)
_ALIVE = (
    "script, img, iframe, object, embed, form, input, base, a[href]:not([href^='#']), [onerror], [onload]"
)


class StillPage:
    """A page of a file, and what it did beyond showing itself."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self._path = path
        self._deeds: list[str] = []
        page.on("console", lambda message: self._deeds.append(message.text))
        page.on("pageerror", lambda error: self._deeds.append(str(error)))
        page.on("dialog", self._dismiss)
        page.on("request", lambda request: self._deeds.append(request.url))
        page.goto(path.as_uri())

    def _dismiss(self, dialog: Dialog) -> None:
        """Note a dialog, and close it: until then the page would wait, and the test with it."""
        self._deeds.append(dialog.message)
        dialog.dismiss()

    @property
    def width(self) -> int:
        """Return how wide the page is, in CSS pixels."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def has_kept_still(self) -> bool:
        """Return whether it asked for nothing but itself, complained of nothing, and holds nothing alive."""
        assert self._deeds == [self._path.as_uri()], self._deeds
        assert self.page.evaluate("window.hit") is None
        assert self.page.locator(_ALIVE).count() == 0
        return True


@contextmanager
def still_page(
    browser: Browser, path: Path, *, width: int = 1280, scheme: Literal["light", "dark"] = "light"
) -> Iterator[StillPage]:
    """Open a file in a profile of its own."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    context.set_default_timeout(30_000)
    yield StillPage(context.new_page(), path)
    context.close()
