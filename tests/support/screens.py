"""What a terminal shows of a script's output, and what it must never show."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pyte
import wcwidth

from tests.support.forks import REPOSITORY

KEPT = REPOSITORY / "tests" / "scripts" / "screens"
KEEP = "KEEP_SCREENS"  # set it to write the screens anew
ROOM = 400  # columns of a screen on which a line that is too wide for its terminal is not broken
_LINES = 500
_DRAWN = re.compile(r"\r\x1b\[J([^\r\x1b\n]++)\r(?!\n)")
_PROGRESS = re.compile(r"━|──| answered · ")
_NORMAL = (
    (re.compile(r"\d{8}-\d{6}-[a-z0-9]{4}"), "20261122-114502-k3f9"),
    (re.compile(r"\d\d:\d\d(:\d\d)?,\s(in\s)?\d+\s(s|min|h|days)(\sago)?"), "12:00, in 9 min"),
    (re.compile(r"\$0\.\d\d"), "$0.99"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8730"),
    (re.compile(r"\b\d+\.\d s\b"), "9.9 s"),
    (re.compile(r"\b[0-9A-Z]{30}\b"), "3" * 30),
    (re.compile(r"\bprocess \d+|\b\d+ \(launch_run"), "process 99"),
    (re.compile(r"\b\d+ API\scalls"), "9 API calls"),
)


def lines(output: str) -> list[str]:
    """Return what is seen at the end of an output, every line of it, however wide."""
    screen = pyte.Screen(ROOM, _LINES)
    screen.set_mode(pyte.modes.LNM)
    pyte.Stream(screen).feed(output)
    seen = [line.rstrip() for line in screen.display]
    while seen and not seen[-1]:
        seen.pop()
    return seen


def assert_fits(output: str, columns: int) -> None:
    """Nothing is wider than the terminal, but what cannot be broken; progress shares a line with nothing."""
    *above, last = lines(output)
    for line in above:
        assert not _PROGRESS.search(line), f"progress beside something else: {line}"
    for line in (*above, last, *_DRAWN.findall(output)):
        # An address or a path without a blank is left whole, for whoever copies it.
        assert _width(line) <= columns or " " not in line.strip(), f"{_width(line)} of {columns}: {line}"


def _width(line: str) -> int:
    return wcwidth.width(line)


def keep(name: str, output: str, columns: int, height: int) -> None:
    """Compare what is seen with the screen that is kept under this name, but for ids, times and numbers."""
    path = KEPT / f"{columns}x{height}" / f"{name}.txt"
    seen = _normal("\n".join(lines(output)))
    if os.environ.get(KEEP):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{seen}\n", encoding="utf-8")
    assert _closed_up(seen) == _closed_up(_read(path)), f"{path}: {KEEP}=1 writes it anew"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _normal(text: str) -> str:
    for pattern, usual in _NORMAL:
        text = pattern.sub(usual, text)
    return text


def _closed_up(text: str) -> str:
    """Return a text without what depends on the width of ids and times."""
    return re.sub(r"-{2,}", "--", " ".join(text.split()))
