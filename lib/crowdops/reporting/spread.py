"""How numbers are spread: their quartiles, and bars to draw."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

MOST_BARS = 20
TAIL = 0.95  # the bars are of equal width up to this quantile; the last one takes what is above


class Spread(NamedTuple):
    """How numbers are spread. Quartiles are interpolated linearly, as numpy does by default."""

    number: int
    least: float
    lower_quartile: float
    median: float
    upper_quartile: float
    most: float


class Bar(NamedTuple):
    """How many numbers lie from `start` to below `end`; the last bar has its end with it."""

    start: float
    end: float
    number: int


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the quantile of numbers in order, of which there is one at least."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def median(values: Sequence[float]) -> float | None:
    """Return the median, or None of nothing."""
    return quantile(sorted(values), 0.5) if values else None


def spread(values: Sequence[float]) -> Spread | None:
    """Return how numbers are spread, or None if there are none."""
    if not values:
        return None
    ordered = array("d", sorted(values))
    return Spread(
        number=len(ordered),
        least=ordered[0],
        lower_quartile=quantile(ordered, 0.25),
        median=quantile(ordered, 0.5),
        upper_quartile=quantile(ordered, 0.75),
        most=ordered[-1],
    )


def bars(values: Sequence[float], most: int = MOST_BARS) -> list[Bar]:
    """Return numbers as at most so many bars, in order; none if there are no numbers."""
    if not values:
        return []
    ordered = sorted(values)
    start, end = ordered[0], quantile(ordered, TAIL)
    if end <= start:
        return [Bar(start, ordered[-1], len(ordered))]
    width = (end - start) / most
    limits = [start + width * number for number in range(1, most + 1)]
    drawn, before = [], 0
    for number, limit in enumerate(limits):
        is_last = number == most - 1
        upto = len(ordered) if is_last else bisect_left(ordered, limit)
        low = limits[number - 1] if number else start
        drawn.append(Bar(low, ordered[-1] if is_last else limit, upto - before))
        before = upto
    return drawn
