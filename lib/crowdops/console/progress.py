"""How far long work has come: one line at a terminal, lines in a log, nothing with --quiet."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TypeVar

from crowdops.console import layout, terminal
from crowdops.console.output import say
from crowdops.console.status_line import StatusLine
from crowdops.formats import durations

PLAIN_PROGRESS_SECONDS = 5.0
REFRESH_SECONDS = 0.1
STEADY_SECONDS = 3.0  # after which a pace tells how long the rest takes
LEAST_BAR, MOST_BAR = 8, 30  # columns
LEAST_NAME = 12
BETWEEN = " · "
FIRST_PARTS = 3  # of a line: what is done, out and planned

Item = TypeVar("Item")


class Progress:
    """Shows how much is done, and in a log the last state once more when it is closed. This one is quiet."""

    def update(self, done: int, note: str = "", *, left: str | None = None) -> None:
        """Show how much is done, and a note. `left` says at a terminal how long the rest takes, if known."""

    def close(self) -> None:
        pass


def progress(total: int | None, what: str, *, quiet: bool, noun: str = "") -> Progress:
    """Return a line with a bar when stderr is a terminal, else plain lines now and then, else nothing.

    Where no `total` is known it tells how many there were so far. `noun` is what is counted, in a line at a
    terminal: "answered".
    """
    if quiet:
        return Progress()
    if not terminal.obeys(terminal.STDERR):
        return _Lines(total, what)
    return _Count(what) if total is None else _Bar(total, what, noun)


def on_terminal(what: str, *, quiet: bool, total: int = 0, noun: str = "") -> Progress:
    """Return a line for work of which nothing is said in a log: nothing unless stderr is a terminal.

    Without a `total` it tells how many there were so far.
    """
    if quiet or not terminal.obeys(terminal.STDERR):
        return Progress()
    return _Bar(total, what, noun) if total else _Count(what)


def counted(items: Iterable[Item], what: str, *, quiet: bool, total: int = 0) -> Iterator[Item]:
    """Yield items, and show at a terminal how many there were so far."""
    with closing(on_terminal(what, quiet=quiet, total=total)) as line:
        for number, item in enumerate(items, start=1):
            line.update(number)
            yield item


class _Shown(Progress, ABC):
    """A line at a terminal, drawn at most every tenth of a second."""

    def __init__(self, what: str) -> None:
        self._what, self._note, self._done = what, "", 0
        self._left: str | None = None
        self._began, self._next = time.monotonic(), 0.0
        self._line = StatusLine(self._compose)

    def update(self, done: int, note: str = "", *, left: str | None = None) -> None:
        self._done, self._note, self._left = done, note, left
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + REFRESH_SECONDS
            self._line.draw()

    def close(self) -> None:
        self._line.close()

    @abstractmethod
    def _compose(self, columns: int) -> str:
        """Return what the line says in so many columns."""


class _Count(_Shown):
    """How many there were so far, or in words what is being done, and for how long."""

    def _compose(self, columns: int) -> str:
        parts = [self._what + (f" {self._done}" if self._done else ""), self._note]
        elapsed = time.monotonic() - self._began
        parts.append(durations.roughly(elapsed) if elapsed >= 1 else "")
        return BETWEEN.join(part for part in parts if part)


class _Bar(_Shown):
    """A name, a bar as far as there is room, and what there is to count; time left once that can be told."""

    def __init__(self, total: int, what: str, noun: str) -> None:
        super().__init__(what)
        self._total, self._noun = total, noun
        self._first: int | None = None  # how many were done when this began

    def update(self, done: int, note: str = "", *, left: str | None = None) -> None:
        if self._first is None:
            self._first = done
        super().update(done, note, left=left)

    def _compose(self, columns: int) -> str:
        counts = f"{self._done} of {self._total}" + (f" {self._noun}" if self._noun else "")
        notes, left = [note for note in self._note.split(BETWEEN) if note], self._time_left()
        parts = _fitting([counts, *notes], left, columns - LEAST_NAME - 2)
        facts = BETWEEN.join(parts)
        room = columns - layout.width(facts) - 2
        name = layout.shorten(self._what, max(room, 1))
        bar = min(room - layout.width(name) - 2, MOST_BAR)
        return f"{name}  {self._bar(bar)}  {facts}" if bar >= LEAST_BAR else f"{name}  {facts}"

    def _bar(self, columns: int) -> str:
        full, empty = "━─" if (sys.stderr.encoding or "").lower().startswith("utf") else "#-"
        filled = columns * min(self._done, self._total) // max(1, self._total)
        return full * filled + empty * (columns - filled)

    def _time_left(self) -> str:
        if self._left is not None:
            return self._left
        elapsed, since = time.monotonic() - self._began, self._done - (self._first or 0)
        if since <= 0 or elapsed < STEADY_SECONDS or self._done >= self._total:
            return ""
        return f"{durations.roughly(elapsed / since * (self._total - self._done))} left"


def _fitting(parts: Sequence[str], last: str, columns: int) -> list[str]:
    """Return the first of these parts and as many others as fit, with the last one rather than the fourth."""
    chosen, room = [], columns - layout.width(parts[0])
    for part in [*parts[1:FIRST_PARTS], last, *parts[FIRST_PARTS:]]:
        cost = layout.width(BETWEEN + part)
        if part and cost <= room:
            chosen.append(part)
            room -= cost
    return [parts[0], *(part for part in [*parts[1:], last] if part in chosen)]


class _Lines(Progress):
    """One line when something changed, at most every few seconds, and always the last state."""

    def __init__(self, total: int | None, what: str) -> None:
        self._total, self._what = "" if total is None else f"/{total}", what
        self._shown = self._latest = ""
        self._next = 0.0

    def update(self, done: int, note: str = "", *, left: str | None = None) -> None:
        self._latest = f"{self._what}: {done}{self._total}" + (f" · {note}" if note else "")
        if self._latest != self._shown and time.monotonic() >= self._next:
            self._show()

    def close(self) -> None:
        if self._latest != self._shown:
            self._show()

    def _show(self) -> None:
        say(self._latest)
        self._shown, self._next = self._latest, time.monotonic() + PLAIN_PROGRESS_SECONDS
