"""Sweeps: a process is killed at every point that it has, and a table at the end counts them.

A point is an API call or a registry commit of a process, by its number, and whether the process dies before
or after it. A sweep goes on past the last point of its process, so that it is seen to have struck all of
them; without CROWDOPS_FULL_SWEEP=1 it takes only a sample.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pytest

FULL = os.environ.get("CROWDOPS_FULL_SWEEP") == "1"
Record = Callable[[str, object], None]
PROMISE = (
    "After each that did not fail: 0 HITs can be accepted, 0 units have two HITs,"
    " 0 submitted assignments are missing,",
    "0 servers of ours run, 0 foreign HITs and apps were touched, nothing was reviewed or paid twice.",
)


class Point(NamedTuple):
    """A moment at which a process is killed: its call or its commit of that number, before or after it."""

    what: str  # "call", "Heroku call" or "commit"
    when: str  # "before" or "after"
    number: int

    def __str__(self) -> str:
        return f"{self.when} {self.what} {self.number}"


def points(calls: int = 0, commits: int = 0, heroku: int = 0) -> list[Point]:
    """Return every point of a process that makes so many calls and commits, and of each kind one more."""
    counts = {"call": calls, "commit": commits, "Heroku call": heroku}
    return [
        Point(what, when, number)
        for what, count in counts.items()
        for number in range(1, count + 2 if count else 1)
        for when in ("before", "after")
    ]


def sweep(every: Sequence[Point], *chosen: str) -> pytest.MarkDecorator:
    """Give a test each of these points in the full sweep, else those named, such as "after call 4"."""
    taken = every if FULL else [point for point in every if str(point) in chosen]
    assert len(taken) >= len(chosen), f"{chosen} are not all among the points"
    return pytest.mark.parametrize("point", taken, ids=str)


def note(record: Record, name: str, point: Point, struck: bool) -> None:
    """Enter into the table what came of a point: the process was killed there, or it never came so far."""
    record("strike" if struck else "beyond", (name, point.what))


def count(record: Record, name: str) -> None:
    """Enter a point of a process of which a test names every one."""
    record("strike", (name, ""))


def strikes(stats: Mapping[str, Sequence[Any]], kind: str, outcome: str) -> Iterator[tuple[str, str]]:
    """Yield (name, what) of all strikes, or of all points beyond the end, in the tests with an outcome."""
    for report in stats.get(outcome, []):
        if getattr(report, "when", None) == "call":
            yield from (tuple(value) for name, value in report.user_properties if name == kind)


class Table:
    """All sweeps of a session, a row each: what was killed, how it was mended, and at how many points."""

    def __init__(self, stats: Mapping[str, Sequence[Any]]) -> None:
        self._good = Counter(strikes(stats, "strike", "passed"))
        self._bad = Counter(strikes(stats, "strike", "failed"))
        self._beyond = set(strikes(stats, "beyond", "passed"))

    @property
    def unfinished(self) -> list[str]:
        """The sweeps that struck even the last point that they tried: there may be more."""
        struck = self._good.keys() | self._bad.keys()
        return sorted(f"{name} ({what}s)" for name, what in struck - self._beyond if what)

    def lines(self) -> list[str]:
        """The table; empty if nothing was killed."""
        if not self._good and not self._bad:
            return []
        names = sorted({name for name, _ in (*self._good, *self._bad)})
        rows = [(name, self._count(self._good, name), self._count(self._bad, name)) for name in names]
        rows.append(("together", self._good.total(), self._bad.total()))
        width = max(len(name) for name in names)
        lines = [f"{'killed with -9, then mended by':<{width}}  points  failed"]
        lines += [f"{name:<{width}}  {good + bad:>6}  {bad:>6}" for name, good, bad in rows]
        if FULL:
            left = self.unfinished
            lines.append(f"Not swept to the end: {'; '.join(left)}" if left else "Each to its last point.")
        else:
            lines.append("A sample: make sweep takes every point.")
        return [*lines, *PROMISE]

    @staticmethod
    def _count(counter: Counter[tuple[str, str]], name: str) -> int:
        return sum(count for (each, _), count in counter.items() if each == name)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show which processes were killed, at how many points."""
    if lines := Table(terminalreporter.stats).lines():
        terminalreporter.write_sep("=", "kill -9")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """A full sweep that has left points out has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if FULL and reporter and Table(reporter.stats).unfinished:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return (yield)
