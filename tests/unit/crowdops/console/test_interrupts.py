"""Ctrl-C and SIGTERM are counted, shown and waited for."""

import os
import signal
import time

import pytest

from crowdops.console.interrupts import Interrupts


def test_interrupts_are_counted_and_each_is_answered_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    interrupts = Interrupts()
    interrupts.note = lambda count: f"that was number {count}"
    with interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert interrupts.count == 2
    assert capfd.readouterr().err == "\nthat was number 1\n\nthat was number 2\n"


def test_the_handlers_from_before_are_there_again_afterwards() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    with Interrupts():
        assert [signal.getsignal(number) for number in numbers] != before
    assert [signal.getsignal(number) for number in numbers] == before


def test_a_second_time_goes_on_counting_where_the_first_ended() -> None:
    interrupts = Interrupts()
    for number in (1, 2):
        with interrupts:
            os.kill(os.getpid(), signal.SIGINT)
            started = time.monotonic()
            interrupts.wait(60)
            assert time.monotonic() - started < 30
        assert interrupts.count == number


def test_nothing_waits_once_it_was_interrupted_and_until_then_it_waits() -> None:
    with Interrupts() as interrupts:
        started = time.monotonic()
        interrupts.wait(0.05)
        assert time.monotonic() - started >= 0.05
        interrupts.wait(-1)


def test_thousands_of_interrupts_do_not_block() -> None:
    with Interrupts() as interrupts:
        interrupts.note = lambda count: ""
        for _ in range(70_000):  # a pipe holds 65,536 bytes
            interrupts._interrupt(signal.SIGINT, None)
    assert interrupts.count == 70_000


def test_entering_twice_is_a_bug_that_is_seen_at_once() -> None:
    with Interrupts() as interrupts, pytest.raises(AssertionError, match="do not enter twice"), interrupts:
        pass
    with pytest.raises(AssertionError, match="nobody counts"):
        interrupts.wait(1)
