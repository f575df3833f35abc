"""Ctrl-C, SIGTERM and SIGHUP are counted, shown and waited for."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from crowdops.console import interrupts
from crowdops.console.interrupts import Interrupts


@pytest.fixture
def handlers() -> Iterator[None]:
    """Whatever a test does to the signals' handlers, they are as before afterwards."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_interrupts_are_counted_and_each_is_answered_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    interrupts = Interrupts()
    interrupts.note = lambda count: f"that was number {count}"
    with interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert interrupts.count == 2
    assert capfd.readouterr().err == "\nthat was number 1\n\nthat was number 2\n"


@pytest.mark.usefixtures("handlers")
def test_a_closed_terminal_counts_once_and_never_as_the_second_interrupt() -> None:
    counted = Interrupts()
    with counted:
        for sign in (signal.SIGHUP, signal.SIGHUP):
            os.kill(os.getpid(), sign)
        assert counted.count == 1
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGHUP)
        assert counted.count == 2


@pytest.mark.usefixtures("handlers")
def test_what_a_closed_terminal_sends_after_that_no_longer_interrupts_anything() -> None:
    interrupts.obey()
    with Interrupts():
        os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGHUP)
    interrupts.obey()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.usefixtures("handlers")
def test_a_closed_terminal_interrupts_a_command_once() -> None:
    interrupts.obey()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGHUP)


@pytest.mark.usefixtures("handlers")
def test_what_nohup_has_set_to_be_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupts.obey()
    with Interrupts() as counted:
        os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGHUP)
    assert counted.count == 0


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
