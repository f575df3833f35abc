"""The logs of one app: the last 1,500 lines, as Logplex keeps them, and whoever follows them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

KEPT_LINES = 1500


class Line(NamedTuple):
    number: int
    moment: str
    source: str
    dyno: str
    text: str

    def __str__(self) -> str:
        return f"{self.moment} {self.source}[{self.dyno}]: {self.text}"


class Selection(NamedTuple):
    """What a log session asks for; an empty word asks for all."""

    source: str = ""
    dyno: str = ""
    lines: int = 100

    def takes(self, line: Line) -> bool:
        of_dyno = not self.dyno or line.dyno == self.dyno or line.dyno.split(".")[0] == self.dyno
        return of_dyno and (not self.source or line.source == self.source)


class LogBuffer:
    """A ring of lines that many threads write and read."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=KEPT_LINES)
        self._written = 0
        self._changed = threading.Condition()
        self._closed = False

    def add(self, source: str, dyno: str, text: str) -> None:
        moment = datetime.now(UTC).isoformat(timespec="microseconds")
        with self._changed:
            self._written += 1
            self._lines.append(Line(self._written, moment, source, dyno, text))
            self._changed.notify_all()

    def close(self) -> None:
        """End every follower: the app is gone."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def last(self, selection: Selection) -> list[Line]:
        with self._changed:
            taken = [line for line in self._lines if selection.takes(line)]
            return taken[-selection.lines :] if selection.lines else []

    def follow(self, selection: Selection) -> Iterator[Line | None]:
        """Yield the last lines, then each new one; None now and then, to see whether the reader is there."""
        with self._changed:
            backlog, seen = self.last(selection), self._written
        yield from backlog
        while not self._closed:
            with self._changed:
                if self._written == seen:
                    self._changed.wait(timeout=1)
                fresh = [line for line in self._lines if line.number > seen]
                seen = self._written
            yield from (line for line in fresh if selection.takes(line))
            if not fresh:
                yield None
