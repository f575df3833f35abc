"""Answers over time."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from datetime import UTC, datetime
from typing import NamedTuple

from crowdops.registry import Assignment

MOST_POINTS = 200


class Point(NamedTuple):
    """How many answers had come in by a moment, in all."""

    at: datetime
    answers: int


class Progress(NamedTuple):
    """Answers over time. `undated` came without a moment and stand in no point; `asked` are wanted in all.

    The points are at most MOST_POINTS, equally far apart, from the first answer to the last.
    """

    answers: int
    asked: int
    undated: int
    first: datetime | None
    last: datetime | None
    points: list[Point]


class Submissions:
    """The moments of submission so far: a number each."""

    def __init__(self) -> None:
        self._moments, self._undated = array("d"), 0

    def add(self, assignment: Assignment) -> None:
        """Take an assignment in."""
        if assignment.submitted_at is None:
            self._undated += 1
        else:
            self._moments.append(assignment.submitted_at.timestamp())

    def progress(self, asked: int) -> Progress:
        """Return the answers over time, of so many that were asked for."""
        ordered = array("d", sorted(self._moments))
        return Progress(
            answers=len(ordered) + self._undated,
            asked=asked,
            undated=self._undated,
            first=_moment(ordered[0]) if ordered else None,
            last=_moment(ordered[-1]) if ordered else None,
            points=_points(ordered),
        )


def _points(ordered: array[float]) -> list[Point]:
    if not ordered:
        return []
    first, last = ordered[0], ordered[-1]
    if first == last:
        return [Point(_moment(first), len(ordered))]
    step = (last - first) / (MOST_POINTS - 1)
    moments = [first + step * number for number in range(MOST_POINTS - 1)] + [last]
    return [Point(_moment(moment), bisect_right(ordered, moment)) for moment in moments]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
