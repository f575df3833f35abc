"""Callers that share a pacer, and an endpoint with a limit, on a clock that no test has to wait for."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque

from crowdops.providers.mturk.throttling import Pacer
from crowdops.registry import Pace

CALLERS = 32


class Limited:
    """An endpoint that answers so many calls a second, and as many at once after a rest."""

    def __init__(self, limit: float) -> None:
        self.limit = self.tokens = limit
        self._last = 0.0

    def answers(self, now: float) -> bool:
        self.tokens = min(self.limit, self.tokens + (now - self._last) * self.limit)
        self._last = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Rush:
    """Callers that make calls as fast as the pacer lets them, each as soon as its last one is answered.

    `pause`: when this machine stands still.
    """

    def __init__(
        self,
        endpoint: Limited,
        reply_seconds: float,
        *,
        known: Pace | None = None,
        pause: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self.now, self.answered, self.throttled = 0.0, 0, 0
        self.under_way, self.all_under_way = 0, math.inf  # since when every caller waits for an answer
        self.pacer = Pacer(known, clock=lambda: self.now, sleep=self._sleep)
        self._endpoint, self._reply_seconds, self._pause = endpoint, reply_seconds, pause
        self._slept, self._is_at_the_turnstile, self._waiting = 0.0, False, deque(range(CALLERS))
        self._events: list[tuple[float, int, str]] = []
        self._order = itertools.count()

    @property
    def share_throttled(self) -> float:
        return self.throttled / (self.throttled + self.answered)

    def make(self, calls: int) -> Rush:
        """Go on until so many were answered in all."""
        while self.answered < calls:
            self._step()
        return self

    def go_on(self, until: float) -> Rush:
        """Go on until a moment."""
        while self.now < until:
            self._step()
        return self

    def _step(self) -> None:
        if self._waiting and not self._is_at_the_turnstile:
            self._waiting.popleft()
            self._slept = 0.0
            self.pacer.wait()
            self._is_at_the_turnstile = True
            self._push(self._slept, "send")
        moment, _, kind = heapq.heappop(self._events)
        begin, end = self._pause
        self.now = max(self.now, end if begin <= moment < end else moment)
        if kind == "send":
            self._is_at_the_turnstile = False
            self.under_way += 1
            if self.under_way == CALLERS:
                self.all_under_way = min(self.all_under_way, self.now)
            self._push(self._reply_seconds, "answer" if self._endpoint.answers(self.now) else "throttle")
            return
        self.under_way -= 1
        if kind == "answer":
            self.answered += 1
            self.pacer.answered()
        else:
            self.throttled += 1
            self.pacer.throttled()
        self._waiting.append(0)

    def _push(self, seconds: float, kind: str) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._order), kind))

    def _sleep(self, seconds: float) -> None:
        self._slept = seconds
