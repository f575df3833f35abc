"""This machine's clock, watched while a run is attended: that it is set is said, with the endpoint's time.

The run itself measures durations by a clock that nobody can set.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from crowdops.console import times
from crowdops.context import Context

SET_SECONDS = 5.0  # between two looks: a clock that is only adjusted runs fast or slow by less
SKEW = timedelta(minutes=5)  # that an endpoint bears between the date of a request and its own
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps


def seconds_apart() -> float:
    """Return how far the clock that people set is ahead of the one that nobody sets."""
    return time.time() - time.clock_gettime(_STEADY)


class ClockWatch:
    """Says once of each time that the clock is set."""

    def __init__(self, context: Context) -> None:
        self._context, self._apart = context, seconds_apart()

    def look(self) -> None:
        """Look whether the clock was set since the last look."""
        apart = seconds_apart()
        change, self._apart = apart - self._apart, apart
        if abs(change) < SET_SECONDS:
            return
        where = "back" if change < 0 else "ahead"
        there = self._context.provider.time_there
        by_endpoint = f"; by the endpoint's it is {times.iso(there)}" if there else ""
        remedy = " Set it right: timedatectl set-ntp true" if self.is_wrong else ""
        self._context.say(
            f"This machine's clock was set {where} by {abs(change):.0f} s, to {times.iso(datetime.now(UTC))}"
            f"{by_endpoint}. The run measures its times by neither.{remedy}"
        )

    @property
    def is_wrong(self) -> bool:
        """Whether the clock is so far from the endpoint's that this refuses what is signed by it."""
        there = self._context.provider.time_there
        return there is not None and abs(there - datetime.now(UTC)) > SKEW
