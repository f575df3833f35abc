"""The pace of calls under a limit, on a clock of its own: 32 callers, and an endpoint with a token bucket."""

import heapq
import itertools

import pytest

from crowdops.providers.mturk.throttling import Pacer

CALLERS = 32


class Limited:
    """An endpoint that answers so many calls a second, and as many at once at first."""

    def __init__(self, limit: float) -> None:
        self._limit = self._tokens = limit
        self._last = 0.0

    def answers(self, now: float) -> bool:
        self._tokens = min(self._limit, self._tokens + (now - self._last) * self._limit)
        self._last = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Rush:
    """Makes so many calls as fast as the pacer lets it. `pause`: when this machine stands still."""

    def __init__(self, calls: int, limit: float, reply_seconds: float, pause: tuple[float, float]) -> None:
        self.now, self.sent, self.throttled = 0.0, 0, 0
        self._slept = 0.0
        pacer = Pacer(clock=lambda: self.now, sleep=self._sleep)
        endpoint, left, order = Limited(limit), calls - CALLERS, itertools.count()
        events = [(0.0, next(order), "ask") for _ in range(CALLERS)]
        while events:
            moment, _, kind = heapq.heappop(events)
            self.now = max(self.now, pause[1] if pause[0] <= moment < pause[1] else moment)
            if kind == "ask":
                self._slept = 0.0
                pacer.wait()
                heapq.heappush(events, (self.now + self._slept, next(order), "send"))
            elif kind == "send":
                self.sent += 1
                reply = "answer" if endpoint.answers(self.now) else "throttle"
                heapq.heappush(events, (self.now + reply_seconds, next(order), reply))
            elif kind == "throttle":
                self.throttled += 1
                pacer.throttled()
                heapq.heappush(events, (self.now, next(order), "ask"))
            else:
                pacer.answered()
                left -= 1
                if left >= 0:
                    heapq.heappush(events, (self.now, next(order), "ask"))
        self.rate = calls / self.now

    def _sleep(self, seconds: float) -> None:
        self._slept = seconds


@pytest.mark.parametrize(
    ("limit", "reply_seconds"), [(20, 0.004), (20, 0.05), (20, 0.15), (100, 0.004), (100, 0.05)]
)
def test_a_limit_is_nearly_reached_with_few_refusals(limit: float, reply_seconds: float) -> None:
    rush = Rush(1000, limit, reply_seconds, pause=(0, 0))
    assert rush.rate > 0.9 * limit
    assert rush.throttled / rush.sent < 0.05


@pytest.mark.parametrize("pause", [(0.1, 1.3), (10.0, 11.5)])
def test_a_pause_of_this_machine_does_not_slow_the_rest(pause: tuple[float, float]) -> None:
    rush = Rush(1000, 20, 0.01, pause)
    assert rush.rate > 15
    assert rush.throttled / rush.sent < 0.07


def test_without_a_limit_the_pace_is_no_brake() -> None:
    rush = Rush(1000, 1e9, 0.05, pause=(0, 0))
    assert rush.throttled == 0
    assert rush.now < 3.0
