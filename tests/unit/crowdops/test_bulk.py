"""One function over many items, side by side."""

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from crowdops import bulk
from crowdops.errors import NotFound, ProviderError, Unreachable


def test_every_item_gets_its_result() -> None:
    outcomes = list(bulk.each(lambda n: n * n, range(100), threads=8))
    assert {o.item: o.result for o in outcomes} == {n: n * n for n in range(100)}
    assert not [o for o in outcomes if o.error]


def test_nothing_to_do_is_done_at_once() -> None:
    assert list(bulk.each(str, [])) == []


def test_items_are_worked_on_side_by_side_and_no_more_than_allowed() -> None:
    meeting = threading.Barrier(4, timeout=10)
    guard, inside, most = threading.Lock(), 0, 0

    def work(item: int) -> int:
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
        meeting.wait()  # returns only if four calls are under way at once
        with guard:
            inside -= 1
        return item

    assert len(list(bulk.each(work, range(40), threads=4))) == 40
    assert most == 4


def test_only_as_many_items_as_threads_are_taken_ahead() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(100_000):
            taken += 1
            yield number

    outcomes = bulk.each(str, items(), threads=5)
    for done in range(1, 51):
        next(outcomes)
        assert taken <= done + 5
    outcomes.close()
    assert taken < 60


def test_a_failing_item_does_not_stop_the_others() -> None:
    def work(item: int) -> int:
        if item % 3 == 0:
            raise NotFound(f"there is no {item}")
        return item

    outcomes = list(bulk.each(work, range(30), threads=3))
    failed = {o.item: str(o.error) for o in outcomes if o.error}
    assert failed == {n: f"there is no {n}" for n in range(0, 30, 3)}
    assert len(outcomes) == 30


def test_silence_stops_after_one_round() -> None:
    started = itertools.count()

    def work(item: int) -> int:
        next(started)
        raise Unreachable("nobody answers")

    outcomes = list(bulk.each(work, range(1000), threads=4))
    assert len(outcomes) == 4
    assert next(started) == 4
    assert {str(o.error) for o in outcomes} == {"nobody answers"}


def test_one_answer_in_the_silence_lets_the_work_go_on() -> None:
    def work(item: int) -> int:
        if item == 0:
            raise Unreachable("nobody answers")
        time.sleep(0.05 if item < 4 else 0)
        return item

    outcomes = list(bulk.each(work, range(50), threads=4))
    assert sorted(o.item for o in outcomes) == list(range(50))
    assert [o.item for o in outcomes if o.error] == [0]


def test_a_refusal_is_an_answer_too() -> None:
    def work(item: int) -> int:
        raise ProviderError("no")

    assert len(list(bulk.each(work, range(20), threads=4))) == 20


def test_a_bug_is_raised_in_the_consumers_thread() -> None:
    def work(item: int) -> int:
        if item == 7:
            raise ZeroDivisionError("a bug")
        return item

    with pytest.raises(ZeroDivisionError, match="a bug"):
        list(bulk.each(work, range(100), threads=2))


def test_no_item_is_started_once_it_is_told_to_stop() -> None:
    done: list[int] = []
    for outcome in bulk.each(lambda n: n, range(100), threads=1, stop=lambda: len(done) >= 3):
        done.append(outcome.item)
    assert done == [0, 1, 2]


def test_a_failing_source_of_items_fails_the_whole() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ProviderError("the list broke off")

    with pytest.raises(ProviderError, match="the list broke off"):
        list(bulk.each(lambda n: n, items(), threads=1))
