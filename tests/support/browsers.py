"""A real Chromium for tests. Where there is none they skip and say why; in CI that is a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

_PROGRAMS = ("chromium-headless-shell", "chromium")  # without a window it takes half the time
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


expect.set_options(timeout=30_000)  # its own 5 s are less than a busy machine may need for a page


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium, or whatever CROWDOPS_BROWSER names."""
    path = os.environ.get("CROWDOPS_BROWSER") or next(filter(None, map(shutil.which, _PROGRAMS)), "")
    if not os.access(path, os.X_OK):
        what = f"no browser at {path}" if path else "no Chromium"
        _do_without(f"there is {what}; install Debian's {_PROGRAMS[0]} or set CROWDOPS_BROWSER")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield browser
        browser.close()


def _do_without(reason: str) -> None:
    if os.environ.get("CI") == "true" or os.environ.get("CROWDOPS_REQUIRE_BROWSER") == "1":
        pytest.fail(f"browser tests are required here, and {reason}")
    pytest.skip(reason)
