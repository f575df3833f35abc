"""The pace of API calls: one limiter that all threads share and that is told of each throttle.

No request rate is published for MTurk, so the rate is found. An endpoint that is not known is asked gently
at first, and ever faster while nothing is refused; a known one at the pace that it bore, and above it if it
never refused: that pace was set by our threads and the replies, and is no limit. A throttle sets the rate to
a little under what was really answered. From there it creeps, so that few calls are refused, and climbs the
faster the longer none is. It grows only while it holds calls up: what nobody asks for proves nothing.
botocore's adaptive mode does the same more timidly: against 100 requests/s it reached about half.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from crowdops.registry import Pace

START_RATE = 50.0  # calls a second
FLOOR_RATE = 5.0
CEILING_RATE = 2000.0
DOUBLING_SECONDS = 0.25
HEADROOM = 2.0  # over the pace of an endpoint that never refused
FEW_ANSWERS = 5  # by which a known pace is not yet refuted
WINDOW_SECONDS = 1.0  # after which the calls that were under way at a cut are back
BURST_SECONDS = 1.0  # as many calls an endpoint answers at once after a rest, by its steady rate
LONG_SECONDS = 10.0  # the longest time over which calls are counted
LATE_SECONDS = 0.02  # by which a sleeper may wake late, and the next ones catch up
CUT = 0.96
DEEPEST_CUT = 0.8  # where few calls were refused
CREEP_PER_SECOND = 0.01
EASE_SECONDS = 2.5  # at work without a throttle, after which it grows twice as fast
MOST_CALM_SECONDS = 20.0
KNOWN_CALM_SECONDS = 2.5  # a known limit begins with: its pace may have been noted right after a cut
_MOST_COUNTED = int(CEILING_RATE * LONG_SECONDS)


class Pacer:
    """Says when a call may start. Thread-safe. `known`: what the endpoint bore before."""

    def __init__(
        self,
        known: Pace | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._known, self._clock, self._sleep = known, clock, sleep
        self._lock, self._turnstile = threading.Lock(), threading.Lock()
        begin = known.rate * (1 if known.is_limit else HEADROOM) if known else START_RATE
        self._rate = min(CEILING_RATE, max(FLOOR_RATE, begin))
        self._has_limit = known is not None and known.is_limit
        self._next = self._asked = clock()
        self._last_cut, self._calm = -math.inf, KNOWN_CALM_SECONDS
        # Since when answers count, and how many seconds' worth were saved up by then: from a cut on, or from
        # the first answer after a rest.
        self._since: float | None = None
        self._burst = BURST_SECONDS
        self._answered: deque[float] = deque(maxlen=_MOST_COUNTED)
        self._refused: deque[float] = deque(maxlen=_MOST_COUNTED)
        self._second, self._in_second, self._most_in_second = clock(), 0, 0.0

    @property
    def pace(self) -> Pace | None:
        """What the endpoint bears, by what is known by now; None if that is nothing."""
        if self._has_limit:
            return Pace(self._rate, is_limit=True)
        if self._most_in_second > (self._known.rate if self._known else START_RATE):
            return Pace(self._most_in_second, is_limit=False)
        return self._known

    def wait(self) -> None:
        """Sleep until the caller's turn. One waits for it, and the others behind him."""
        with self._turnstile:
            if seconds := self._take_turn():
                self._sleep(seconds)

    def _take_turn(self) -> float:
        """Return how long it is until the next turn."""
        with self._lock:
            now = self._clock()
            if self._next > now:
                self._grow(now - self._asked)
            elif now - self._asked > WINDOW_SECONDS:
                self._since, self._burst, self._calm = None, BURST_SECONDS, 0.0
            self._asked, turn = now, max(self._next, now - LATE_SECONDS)
            self._next = turn + 1 / self._rate
            return max(0.0, turn - now)

    def answered(self) -> None:
        """Note that a call was answered, with whatever but a throttle."""
        with self._lock:
            now = self._clock()
            self._answered.append(now)
            self._since = now if self._since is None else self._since
            self._in_second += 1
            if (seconds := now - self._second) >= 1:
                self._most_in_second = max(self._most_in_second, self._in_second / seconds)
                self._second, self._in_second = now, 0

    def throttled(self) -> None:
        """Note that a call was refused for its rate, and lower the rate."""
        with self._lock:
            now = self._clock()
            self._refused.append(now)
            if now - self._last_cut < WINDOW_SECONDS:
                return  # calls that were under way when the rate was cut
            self._rate = max(FLOOR_RATE, min(self._rate, self._borne(now)) * CUT)
            self._next = now + 1 / self._rate
            self._last_cut, self._calm, self._has_limit = now, 0.0, True
            self._since, self._burst = now, 0.0  # nothing is saved up now

    def _borne(self, now: float) -> float:
        """Return the rate that was answered steadily, without the burst that an endpoint saves up in a rest.

        What a pause of our own machine or a rest hides is not taken for a limit, unless much was refused.
        """
        since, burst = now if self._since is None else self._since, self._burst
        if now - since > LONG_SECONDS:
            since, burst = now - LONG_SECONDS, 0.0
        answered = _count(self._answered, since)
        steady = answered / max(burst + now - since, LATE_SECONDS)
        if self._last_cut == -math.inf:
            is_refuted = self._known is None or answered >= FEW_ANSWERS
            return steady if is_refuted else self._rate * DEEPEST_CUT  # others may have had the burst
        lately = _count(self._answered, now - WINDOW_SECONDS)
        share = lately / (lately + _count(self._refused, now - WINDOW_SECONDS))
        return max(steady, self._rate * min(share, DEEPEST_CUT))

    def _grow(self, seconds: float) -> None:
        """Raise the rate for so many seconds in which it held calls up."""
        seconds = min(seconds, WINDOW_SECONDS)
        if self._has_limit:
            self._calm = min(self._calm + seconds, MOST_CALM_SECONDS)
            factor = 1 + CREEP_PER_SECOND * 2 ** (self._calm / EASE_SECONDS) * seconds
        else:
            factor = 2 ** (seconds / DOUBLING_SECONDS)
        self._rate = min(CEILING_RATE, self._rate * factor)


def _count(moments: Iterable[float], since: float) -> int:
    return sum(1 for moment in moments if moment >= since)
