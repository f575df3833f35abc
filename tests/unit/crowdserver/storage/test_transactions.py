"""Transactions that another one was in the way of are done again as a whole, and no other ones."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, select, text
from sqlalchemy.exc import DBAPIError

from crowdserver.storage import counters
from crowdserver.storage.schema import hits
from crowdserver.storage.transactions import Contended
from tests.support.crowds import Crowd
from tests.support.requesters import BOTH, Requester

_LOCK = select(hits.c.id).where(hits.c.id == bindparam("hit")).with_for_update()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_two_requests_that_wait_for_each_other_are_both_served(crowd: Crowd, requester: Requester) -> None:
    first, second = requester.hit()["HITId"], requester.hit()["HITId"]
    both_hold_one = threading.Barrier(2)
    attempts: list[str] = []

    def take(held: str, wanted: str) -> None:
        is_first_attempt = True

        def work(tx: Connection, _now: float) -> None:
            nonlocal is_first_attempt
            attempts.append(held)
            tx.execute(_LOCK, {"hit": held})
            tx.execute(counters.ACCEPTED, {"hit": held})
            if is_first_attempt:
                is_first_attempt = False
                both_hold_one.wait(10)
            tx.execute(_LOCK, {"hit": wanted})

        crowd.opened.write(work)

    with ThreadPoolExecutor(2) as pool:
        for request in [pool.submit(take, first, second), pool.submit(take, second, first)]:
            request.result(30)
    # One of the two was ended, and done again: once, or twice if it was there before the other one woke up.
    assert len(attempts) >= 3
    with crowd.opened.reading() as (tx, _):
        pending = tx.execute(select(hits.c.pending).where(hits.c.id.in_([first, second]))).scalars()
        assert list(pending) == [1, 1]  # and what the ended attempt had changed was undone


@BOTH
def test_a_transaction_that_holds_nothing_of_use_begins_anew(crowd: Crowd, requester: Requester) -> None:
    hit_id = requester.hit()["HITId"]
    attempts: list[int] = []

    def work(tx: Connection, _now: float) -> str:
        tx.execute(counters.ACCEPTED, {"hit": hit_id})
        attempts.append(1)
        if len(attempts) < 4:
            raise Contended
        return "done"

    assert crowd.opened.write(work) == "done"
    with crowd.opened.reading() as (tx, _):
        assert tx.scalar(select(hits.c.pending).where(hits.c.id == hit_id)) == 1


def test_it_does_not_begin_anew_for_ever(crowd: Crowd) -> None:
    attempts: list[int] = []

    def work(_tx: Connection, _now: float) -> None:
        attempts.append(1)
        raise Contended

    with pytest.raises(Contended):
        crowd.opened.write(work)
    assert len(attempts) == 20


@BOTH
def test_other_failures_are_not_tried_again(crowd: Crowd) -> None:
    attempts: list[int] = []

    def work(tx: Connection, _now: float) -> Any:
        attempts.append(1)
        return tx.execute(text("SELECT nonsense"))

    with pytest.raises(DBAPIError):
        crowd.opened.write(work)
    assert len(attempts) == 1
