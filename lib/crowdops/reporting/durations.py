"""Time on task: from the moment an assignment was accepted to that of its submission, breaks and all."""

from __future__ import annotations

from typing import NamedTuple

from crowdops.registry import Assignment
from crowdops.reporting import spread
from crowdops.reporting.spread import Bar, Spread

LEAST = 1.0  # seconds: the API tells whole ones, and less than one counts as one


class Durations(NamedTuple):
    """Time on task of all that was submitted, in seconds. `untimed` assignments lack a moment: apart."""

    spread: Spread | None
    bars: list[Bar]
    untimed: int


def seconds_on(assignment: Assignment) -> float | None:
    """Return how long an assignment took, one second at least. None where moments lack or contradict."""
    accepted, submitted = assignment.accepted_at, assignment.submitted_at
    if accepted is None or submitted is None or submitted < accepted:
        return None
    return max(LEAST, (submitted - accepted).total_seconds())


def durations(values: list[float], untimed: int) -> Durations:
    """Return times on task, and how many there are without one."""
    return Durations(spread.spread(values), spread.bars(values), untimed)
