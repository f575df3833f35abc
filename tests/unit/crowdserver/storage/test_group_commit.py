"""Requests on sqlite that are committed together: each as if it were alone, and answered after the commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import IntegrityError, OperationalError

from crowdserver.storage import group_commit
from crowdserver.storage.database import Database
from crowdserver.storage.group_commit import NotCommitted
from crowdserver.storage.turns import NoTurn
from tests.support.processes import wait_until

LONG = 60
Work = Callable[[Connection], None]


class Place:
    """A database, its commits counted, and a second look at it from outside."""

    def __init__(self, path: Path) -> None:
        self.database = Database(f"sqlite:///{path}")
        self.database.prepare(Decimal(100))
        self._outside = Database(f"sqlite:///{path}")
        self.commits = 0
        with self.database.write() as tx:
            # The parent is looked for when it is committed.
            tx.exec_driver_sql(
                "CREATE TABLE entries (name TEXT, number INTEGER PRIMARY KEY,"
                " parent INTEGER REFERENCES entries DEFERRABLE INITIALLY DEFERRED)"
            )
        event.listen(self.database._engine, "commit", self._count)

    def close(self) -> None:
        self.database.close()
        self._outside.close()

    def names(self) -> list[str]:
        """What another process sees, in the order in which it was written."""
        with self._outside.read() as tx:
            return list(tx.exec_driver_sql("SELECT name FROM entries ORDER BY number").scalars())

    def write(self, work: Work) -> list[str]:
        """Work in a transaction; what was there for everybody when it was over."""
        with self.database.write() as tx:
            work(tx)
        return self.names()

    def together(self, *works: Work) -> list[Future[list[str]]]:
        """Let requests arrive one after the other while somebody writes, and wait until they are answered.

        Who writes at first changes nothing, and fails with them.
        """
        with ThreadPoolExecutor(len(works)) as pool, suppress(NotCommitted), self.database.write():
            self.commits = 0
            futures = self.line_up(pool, works)
        return futures

    def line_up(self, pool: ThreadPoolExecutor, works: Sequence[Work]) -> list[Future[list[str]]]:
        """Let requests arrive behind somebody who has the turn, one after the other."""
        futures = []
        for count, work in enumerate(works, start=1):
            futures.append(pool.submit(self.write, work))
            wait_until(partial(self._has_waiting, count), LONG)
        return futures

    def _has_waiting(self, count: int) -> bool:
        return self.database._group_commit.waiting == count

    def _count(self, _connection: Connection) -> None:
        self.commits += 1


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A group takes as long as the test that makes it, here."""
    monkeypatch.setattr(group_commit, "MOST_SECONDS", LONG)
    made = Place(tmp_path / "crowd.db")
    yield made
    made.close()


def entry(name: str) -> Work:
    """What writes one row."""

    def work(tx: Connection) -> None:
        tx.exec_driver_sql("INSERT INTO entries (name) VALUES (?)", (name,))

    return work


def refused(tx: Connection) -> None:
    """Write something, and find that it may not be."""
    entry("refused")(tx)
    raise ValueError("refused")


def orphaned(tx: Connection) -> None:
    """Write what no commit will take."""
    tx.exec_driver_sql("INSERT INTO entries (name, parent) VALUES ('orphaned', 99)")


def too_large(tx: Connection) -> None:
    """Meet a full disk: sqlite ends the whole transaction by itself."""
    pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
    tx.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    try:
        tx.exec_driver_sql("INSERT INTO entries (name) VALUES (zeroblob(1000000))")
    finally:
        tx.exec_driver_sql("PRAGMA max_page_count = 1000000")


def test_requests_that_wait_are_committed_once_in_their_order_and_answered_after_that(place: Place) -> None:
    answers = place.together(*(entry(f"{number}") for number in range(8)))
    assert place.commits == 1
    whole = [f"{number}" for number in range(8)]
    assert [answer.result() for answer in answers] == [whole] * 8


def test_a_request_that_nobody_waits_behind_commits_at_once(place: Place) -> None:
    assert place.write(entry("alone")) == ["alone"]


def test_a_refused_request_leaves_no_trace_among_the_others(place: Place) -> None:
    first, second, third, last = place.together(refused, entry("a"), refused, entry("b"))
    assert place.commits == 1
    assert first.exception().args == third.exception().args == ("refused",)  # type: ignore[union-attr]
    assert second.result() == last.result() == ["a", "b"]
    (alone,) = place.together(refused)
    assert isinstance(alone.exception(), ValueError) and place.names() == ["a", "b"]


def test_a_commit_that_fails_fails_every_request_of_it_and_no_later_one(place: Place) -> None:
    first, second, third, last = place.together(entry("a"), orphaned, refused, entry("b"))
    assert [type(answer.exception()) for answer in (first, second, third)] == [NotCommitted] * 3
    assert isinstance(last.exception(), IntegrityError)  # who found out
    assert place.names() == []
    assert place.write(entry("later")) == ["later"]


def test_a_disk_that_is_full_in_the_middle_undoes_what_came_before_and_nothing_that_comes_after(
    place: Place,
) -> None:
    first, second, third = place.together(entry("before"), too_large, entry("after"))
    assert isinstance(first.exception(), NotCommitted)
    assert isinstance(second.exception(), NotCommitted | OperationalError)
    assert third.result() == ["after"]


def test_a_group_takes_so_many_requests_and_no_more(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "MOST_REQUESTS", 3)
    answers = place.together(*(entry(f"{number}") for number in range(7)))
    assert place.commits == 3  # whoever had the turn was the first of the first three
    assert max(len(answer.result()) for answer in answers) == 7
    assert len(answers[0].result()) < 7


def test_a_group_is_open_for_so_long_and_no_longer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "MOST_SECONDS", 0)
    place.together(*(entry(f"{number}") for number in range(3)))
    assert place.commits == 4


def test_nobody_sees_what_is_not_committed_or_waits_for_it_for_ever(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = threading.Event()

    def slow(tx: Connection) -> None:
        entry("slow")(tx)
        is_over.wait(LONG)

    group = place.database._group_commit
    with ThreadPoolExecutor(1) as pool, ExitStack() as ended:
        ended.callback(is_over.set)
        with pytest.raises(NoTurn), place.database.write() as tx:  # noqa: PT012
            entry("fast")(tx)
            (last,) = place.line_up(pool, [slow])
            monkeypatch.setattr(group, "_seconds", 0.05)
        assert place.names() == []
        with place.database.read() as tx:
            assert tx.exec_driver_sql("SELECT count(*) FROM entries").scalar_one() == 0
    assert last.result() == ["fast", "slow"]
