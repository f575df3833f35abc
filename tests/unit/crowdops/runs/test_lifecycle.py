"""What Ctrl-C means to a run, by what is done about it at that moment."""

import pytest

from crowdops.console.interrupts import Interrupts
from crowdops.runs.lifecycle import NOTED, STOPPING, STOPPING_NOW, Lifecycle


@pytest.fixture
def interrupts() -> Interrupts:
    return Interrupts()


def interrupt(interrupts: Interrupts) -> str:
    """Interrupt once more, and return what is answered."""
    interrupts.count += 1
    return interrupts.note(interrupts.count)


def test_the_first_interrupt_ends_the_launching_and_the_second_the_waiting(interrupts: Interrupts) -> None:
    run = Lifecycle(interrupts)
    assert not run.should_stop
    assert interrupt(interrupts) == STOPPING
    assert (run.should_stop, run.should_give_up) == (True, False)
    run.begin_expiring()
    run.begin_waiting()
    assert run.way_to_give_up == "Press Ctrl-C again"
    assert interrupt(interrupts) == STOPPING_NOW
    assert run.should_give_up


def test_nobody_gives_up_what_is_not_being_ended_yet(interrupts: Interrupts) -> None:
    run = Lifecycle(interrupts)
    interrupt(interrupts)
    interrupt(interrupts)
    assert (run.should_stop, run.should_give_up) == (True, False)
    run.begin_expiring()
    assert run.should_give_up


def test_a_run_that_stopped_by_itself_gives_up_at_the_first_interrupt(interrupts: Interrupts) -> None:
    run = Lifecycle(interrupts)
    run.stop("no money")
    run.stop("no server")
    assert (run.should_stop, run.stop_reason) == (True, "no money")
    run.begin_expiring()
    run.begin_waiting()
    assert not run.should_give_up
    assert run.way_to_give_up == "Press Ctrl-C"
    assert interrupt(interrupts) == STOPPING_NOW
    assert run.should_give_up


def test_an_interrupt_while_hits_are_expired_is_noted_and_takes_effect_afterwards(
    interrupts: Interrupts,
) -> None:
    run = Lifecycle(interrupts)
    interrupt(interrupts)
    run.begin_expiring()
    assert interrupt(interrupts) == NOTED
    run.begin_waiting()
    assert run.should_give_up


def test_one_interrupt_gives_up_every_crashed_run_that_is_ended(interrupts: Interrupts) -> None:
    first = Lifecycle(interrupts, has_crashed=True, stop_reason="crashed")
    first.begin_expiring()
    assert interrupt(interrupts) == NOTED
    second = Lifecycle(interrupts, has_crashed=True, stop_reason="crashed")
    second.begin_expiring()
    assert first.should_give_up and second.should_give_up


def test_a_run_that_goes_on_ending_counts_no_interrupt_of_the_process_before(interrupts: Interrupts) -> None:
    run = Lifecycle(interrupts, stop_reason=None)
    run.begin_expiring()
    run.begin_waiting()
    assert not run.should_give_up
    interrupt(interrupts)
    assert run.should_give_up
