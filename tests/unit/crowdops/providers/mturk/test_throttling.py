"""Pacing against simulated endpoints, on a clock that no test has to wait for."""

import heapq
import random

import pytest

from crowdops.providers.mturk.throttling import CEILING_RATE, FLOOR_RATE, Pacer

THREADS, LATENCY = 32, 0.05


class Endpoint:
    """Answers so many calls a second, from a bucket that holds one second's worth."""

    def __init__(self, limit: float) -> None:
        self.limit, self.tokens, self.at = limit, limit, 0.0
        self.answered = self.refused = 0

    def call(self, now: float) -> bool:
        self.tokens = min(self.limit, self.tokens + (now - self.at) * self.limit)
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            self.answered += 1
            return True
        self.refused += 1
        return False


class Simulation:
    """Threads that call an endpoint through one pacer: each its own next moment, in order of time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint, self.now = endpoint, 0.0
        self.slept = 0.0
        self.pacer = Pacer(clock=lambda: self.now, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept = seconds

    def run(self, seconds: float) -> None:
        """Let every thread call, get its answer a moment later, and call again."""
        ready = [(0.0, number, "ask") for number in range(THREADS)]
        heapq.heapify(ready)
        while ready[0][0] < seconds:
            self.now, number, step = heapq.heappop(ready)
            if step == "ask":
                self.slept = 0.0
                self.pacer.wait()
                heapq.heappush(ready, (self.now + self.slept, number, "send"))
            elif step == "send":
                answer = "answered" if self.endpoint.call(self.now) else "throttled"
                heapq.heappush(ready, (self.now + LATENCY, number, answer))
            else:
                getattr(self.pacer, step)()
                heapq.heappush(ready, (self.now, number, "ask"))


@pytest.mark.parametrize("limit", [20, 100])
def test_a_limit_is_reached_and_hardly_ever_passed(limit: int) -> None:
    endpoint = Endpoint(limit)
    Simulation(endpoint).run(60)
    assert endpoint.answered >= 0.9 * limit * 60
    assert endpoint.refused <= 0.05 * (endpoint.answered + endpoint.refused)


def test_without_a_limit_the_threads_are_soon_all_that_holds_it_up() -> None:
    first, both = Endpoint(1e9), Endpoint(1e9)
    Simulation(first).run(1)
    Simulation(both).run(3)
    assert both.answered - first.answered >= 0.95 * 2 * THREADS / LATENCY
    assert both.refused == 0


def test_an_endpoint_that_refuses_everything_is_asked_ever_more_rarely() -> None:
    endpoint = Endpoint(0.001)
    endpoint.tokens = 0
    Simulation(endpoint).run(60)
    assert endpoint.refused <= 60 * FLOOR_RATE * 2 + 50


def test_a_burst_of_throttles_is_one_cut() -> None:
    now = 0.0
    pacer = Pacer(clock=lambda: now, sleep=lambda seconds: None)
    for _ in range(100):
        now += 0.005
        pacer.wait()
        pacer.answered()
    pacer.throttled()
    once = pacer._rate
    for _ in range(31):
        pacer.throttled()
    assert pacer._rate == once > FLOOR_RATE


def test_the_rate_stays_within_its_bounds() -> None:
    now = 0.0
    random.seed(7)
    pacer = Pacer(clock=lambda: now, sleep=lambda seconds: None)
    for _ in range(2000):
        now += random.choice([0, 0.01, 0.5, 30, 1e6])
        getattr(pacer, random.choice(["wait", "answered", "throttled"]))()
        assert FLOOR_RATE <= pacer._rate <= CEILING_RATE
