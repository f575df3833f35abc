"""Whoever waits is served in the order of arrival, whatever those do who come later."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path

import pytest

from crowdserver.storage.database import Database
from crowdserver.storage.turns import NoTurn, Turns
from tests.support.processes import wait_until

LONG = 60


def test_turns_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    turns = Turns(2, LONG)
    order: list[int] = []

    def work(number: int) -> None:
        with turns:
            order.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    with turns:
        with turns:
            for number, thread in enumerate(threads, start=1):
                thread.start()
                wait_until(lambda number=number: turns.waiting == number, LONG)  # type: ignore[misc]
        # Who has just had a turn is the last, even when it has been given back this very moment.
        work(5)
        for thread in threads:
            thread.join(LONG)
    assert order == [0, 1, 2, 3, 4, 5]
    assert turns.waiting == 0


def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    turns = Turns(1, 0.05)
    with turns, pytest.raises(NoTurn), turns:
        pass
    assert turns.waiting == 0
    with turns:
        pass  # what was given back is there for the next one


def test_a_transaction_that_waits_to_write_comes_before_the_next_one(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'crowd.db'}")
    database.prepare(Decimal(100))
    order: list[str] = []

    def write() -> None:
        with database.write():
            order.append("waited")

    waiting = threading.Thread(target=write)
    with database.write():
        waiting.start()
        wait_until(lambda: database._group_commit.waiting, LONG)
    with database.write():
        order.append("came later")
    waiting.join(LONG)
    database.close()
    assert order == ["waited", "came later"]
