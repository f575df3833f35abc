"""Time on task: from the moment an assignment was accepted to that of its submission, breaks and all."""

from __future__ import annotations

from array import array
from datetime import timedelta
from typing import NamedTuple

from crowdops.registry import Assignment
from crowdops.reporting import spread
from crowdops.reporting.spread import Bar, Spread

LEAST = timedelta(seconds=1)  # the API tells whole seconds, and less than one counts as one


class Durations(NamedTuple):
    """Time on task of all that was submitted, in seconds. `untimed` assignments lack a moment: apart."""

    spread: Spread | None
    bars: list[Bar]
    untimed: int


class Times:
    """The times on task so far: a number each."""

    def __init__(self) -> None:
        self._seconds, self._untimed = array("d"), 0

    def add(self, time: timedelta | None) -> None:
        """Take an assignment's time in."""
        if time is None:
            self._untimed += 1
        else:
            self._seconds.append(time.total_seconds())

    def durations(self) -> Durations:
        """Return how the times are spread."""
        return Durations(spread.spread(self._seconds), spread.bars(self._seconds), self._untimed)


def time_on(assignment: Assignment) -> timedelta | None:
    """Return how long an assignment took, one second at least. None where moments lack or contradict."""
    accepted, submitted = assignment.accepted_at, assignment.submitted_at
    if accepted is None or submitted is None or submitted < accepted:
        return None
    return max(LEAST, submitted - accepted)
