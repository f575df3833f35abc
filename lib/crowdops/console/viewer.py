"""Something shown outside of the terminal's lines: a file in a browser, or else a text in a pager."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import webbrowser
from pathlib import Path

import click

from crowdops.console import output


def show(page: Path, text: str) -> str:
    """Show a page in the browser of $BROWSER or of this desktop; without any, a text in $PAGER.

    Returns in words where it is shown.
    """
    if os.environ.get("BROWSER"):
        if webbrowser.open(page.as_uri()):
            return f"It is open in the browser: {page}"
    elif _has_desktop() and _opened_by_desktop(page):
        return f"It is open in the browser: {page}"
    click.echo_via_pager(output.lines(text) + "\n")
    return f"The page for a browser: {page}"


def _has_desktop() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and bool(
        shutil.which("xdg-open")
    )


def _opened_by_desktop(page: Path) -> bool:
    """Let the desktop open a file; what it says of that is nobody's business here."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        opened = subprocess.run(
            ["xdg-open", str(page)], check=False, timeout=10, capture_output=True, stdin=subprocess.DEVNULL
        )
        return opened.returncode == 0
    return False
