"""The pace of API calls: one limiter that all threads share and that is told of each throttle.

No request rate is published for MTurk, so the rate is found. It starts gently and doubles while nothing
is refused; a throttle sets it to a little under what was really answered. From there it climbs until the next
throttle, and then creeps, so that few calls are refused; after a calm it climbs again.
botocore's adaptive mode does the same more timidly: against 100 requests/s it reached about half.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

START_RATE = 50.0  # calls a second
FLOOR_RATE = 5.0
CEILING_RATE = 2000.0
DOUBLING_SECONDS = 0.25
WINDOW_SECONDS = 1.0  # over which answered calls are counted
FIRST_CUT, LATER_CUT = 0.65, 0.96  # the first count still holds the endpoint's initial burst
DEEPEST_CUT = 0.8
CREEP_PER_SECOND = 0.01
CLIMB_PER_SECOND = 0.1
CALM_SECONDS = 30.0  # so long without a throttle means that the rate is too low


class Pacer:
    """Says when a call may start. Thread-safe."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._rate = START_RATE
        self._next = self._changed = clock()
        self._last_cut: float | None = None
        self._cuts = 0
        self._answered: deque[float] = deque(maxlen=int(CEILING_RATE))

    def wait(self) -> None:
        """Sleep until the caller's turn."""
        with self._lock:
            now = self._clock()
            self._grow(now)
            turn = max(self._next, now)
            self._next = turn + 1 / self._rate
        if turn > now:
            self._sleep(turn - now)

    def answered(self) -> None:
        """Note that a call was answered, with whatever but a throttle."""
        with self._lock:
            self._answered.append(self._clock())

    def throttled(self) -> None:
        """Note that a call was refused for its rate, and lower the rate."""
        with self._lock:
            now = self._clock()
            if self._last_cut is not None and now - self._last_cut < WINDOW_SECONDS:
                return  # calls that were under way when the rate was cut
            recent = sum(1 for moment in self._answered if now - moment <= WINDOW_SECONDS) / WINDOW_SECONDS
            if self._last_cut is None:
                rate = min(self._rate, recent) * FIRST_CUT
            else:  # a pause of our own machine makes the count too low
                rate = max(min(self._rate, recent), self._rate * DEEPEST_CUT) * LATER_CUT
            self._rate = max(FLOOR_RATE, rate)
            self._next = max(self._next, now + 1 / self._rate)
            self._last_cut = self._changed = now
            self._cuts += 1

    def _grow(self, now: float) -> None:
        elapsed = now - self._changed
        if self._last_cut is None:
            factor = 2 ** (elapsed / DOUBLING_SECONDS) if elapsed < 10 else CEILING_RATE
        else:
            # Quickly after a first cut, and after any that turns out to have been too deep.
            near = self._cuts > 1 and now - self._last_cut < CALM_SECONDS
            factor = 1 + (CREEP_PER_SECOND if near else CLIMB_PER_SECOND) * min(elapsed, CALM_SECONDS)
        self._rate = min(CEILING_RATE, self._rate * factor)
        self._changed = now
