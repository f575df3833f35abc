"""How far long work has come: a bar at a terminal, lines in a log, nothing with --quiet."""

from __future__ import annotations

import sys
import time
from typing import Any

from crowdops.console.output import say

PLAIN_PROGRESS_SECONDS = 5.0


class Progress:
    """Shows how many units are done, and the last state once more when it is closed. This one is quiet."""

    def update(self, done: int, note: str = "") -> None:
        pass

    def close(self) -> None:
        pass


def progress(total: int, what: str, *, quiet: bool) -> Progress:
    """Return a bar when stderr is a terminal, else plain lines now and then, else nothing."""
    if quiet:
        return Progress()
    return _Bar(total, what) if sys.stderr.isatty() else _Lines(total, what)


class _Bar(Progress):
    def __init__(self, total: int, what: str) -> None:
        from tqdm import tqdm

        self._bar: Any = tqdm(total=total, desc=what, unit="unit", file=sys.stderr, dynamic_ncols=True)

    def update(self, done: int, note: str = "") -> None:
        self._bar.n = done
        self._bar.set_postfix_str(note, refresh=True)

    def close(self) -> None:
        self._bar.close()


class _Lines(Progress):
    """One line when something changed, at most every few seconds, and always the last state."""

    def __init__(self, total: int, what: str) -> None:
        self._total, self._what = total, what
        self._shown = self._latest = ""
        self._next = 0.0

    def update(self, done: int, note: str = "") -> None:
        self._latest = f"{self._what}: {done}/{self._total}" + (f" · {note}" if note else "")
        if self._latest != self._shown and time.monotonic() >= self._next:
            self._show()

    def close(self) -> None:
        if self._latest != self._shown:
            self._show()

    def _show(self) -> None:
        say(self._latest)
        self._shown, self._next = self._latest, time.monotonic() + PLAIN_PROGRESS_SECONDS
