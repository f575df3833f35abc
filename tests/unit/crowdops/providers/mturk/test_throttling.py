"""Pacing against simulated endpoints, on a clock that no test has to wait for."""

import random

from crowdops.providers.mturk.throttling import CEILING_RATE, FLOOR_RATE, START_RATE, Pacer
from crowdops.registry import Pace
from tests.support.paced_calls import CALLERS, Limited, Rush


def test_without_a_limit_the_threads_are_soon_all_that_holds_it_up() -> None:
    rush = Rush(Limited(1e9), 0.05).go_on(until=1)
    first = rush.answered
    rush.go_on(until=3)
    assert rush.answered - first >= 0.95 * 2 * CALLERS / 0.05
    assert rush.throttled == 0


def test_an_endpoint_that_refuses_everything_is_asked_ever_more_rarely() -> None:
    endpoint = Limited(0.001)
    endpoint.tokens = 0
    rush = Rush(endpoint, 0.05).go_on(until=60)
    assert rush.throttled <= 60 * FLOOR_RATE * 2 + 50


def test_what_is_known_is_kept_until_something_else_is_found() -> None:
    assert Pacer().pace is None
    for known in (Pace(20.0, is_limit=True), Pace(400.0, is_limit=False)):
        pacer = Pacer(known)
        assert pacer.pace == known
    few = Rush(Limited(1e9), 0.05).make(20)
    assert few.pacer.pace is None  # that so few were answered says nothing of more
    many = Rush(Limited(1e9), 0.05).make(1000)
    assert many.pacer.pace.rate > 5 * START_RATE
    assert not many.pacer.pace.is_limit


def test_nobody_waits_at_a_rate_that_was_cut() -> None:
    rush = Rush(Limited(20), 0.05)
    while not rush.throttled:
        rush.go_on(until=rush.now + 0.001)
    first = rush.now
    rush.go_on(until=first + 0.05)  # those that were under way are back
    at_once = rush.throttled
    assert at_once < 10
    rush.go_on(until=first + 1)
    assert rush.throttled == at_once


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
