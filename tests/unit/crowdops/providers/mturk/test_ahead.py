"""Pages that are fetched while those before them are worked on."""

import threading
from collections.abc import Iterator

import pytest

from crowdops.providers.mturk.ahead import Ahead
from tests.support.processes import wait_until


def test_pages_are_taken_ahead_until_enough_of_them_wait_or_nobody_asks_for_more() -> None:
    taken: list[int] = []
    ended = threading.Event()

    def pages() -> Iterator[list[int]]:
        try:
            for number in range(9):
                taken.append(number)
                yield [number] * 2
        finally:
            ended.set()

    consumer = iter(Ahead(pages(), 5))
    assert next(consumer) == [0, 0]
    wait_until(lambda: taken == [0, 1, 2, 3])
    assert next(consumer) == [1, 1]
    wait_until(lambda: taken == [0, 1, 2, 3, 4])
    consumer.close()  # type: ignore[attr-defined]
    assert ended.wait(60) and taken == [0, 1, 2, 3, 4]


def test_an_error_of_pages_comes_after_those_before_it() -> None:
    def pages() -> Iterator[list[int]]:
        yield [1]
        raise KeyboardInterrupt

    consumer = iter(Ahead(pages(), 5))
    assert next(consumer) == [1]
    with pytest.raises(KeyboardInterrupt):
        next(consumer)
    assert list(Ahead(iter([[1], [], [2]]), 1)) == [[1], [], [2]]
