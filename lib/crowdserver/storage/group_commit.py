"""One commit for many requests: on sqlite each commit waits for the disk, and only one can be under way.

Whoever has the turn works in a savepoint of a transaction that stays open, and hands it on to whoever waits
next. The last in line commits, and every request of the group is answered after that commit or fails with it.
There is no thread or timer for it: a request that nobody waits behind commits at once.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from sqlalchemy import Connection

from crowdserver.storage.turns import NoTurn, Turns

# Whoever comes first waits for those who come later, and other processes for all of them.
MOST_REQUESTS = 32
MOST_SECONDS = 0.1


class NotCommitted(Exception):
    """What a request did is undone: the transaction that it shared with others came to nothing."""


def driver_of(tx: Connection) -> Any:
    """Return sqlite3's own connection: for statements without rows SQLAlchemy takes ten times as long.

    Its errors are not SQLAlchemy's, so only for what does not touch the disk.
    """
    return tx.connection.driver_connection


class _Group:
    """A transaction, and the requests that have a part in it."""

    def __init__(self, begin: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = ExitStack()
        self.tx = self._transaction.enter_context(begin())
        self._driver = driver_of(self.tx)
        self._requests = 0
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._is_committed = False

    @contextmanager
    def join(self) -> Iterator[Connection]:
        """Give the transaction to one more request; what it did is undone if the block raises."""
        self._requests += 1
        self._driver.execute("SAVEPOINT request")
        try:
            with ExitStack() as undone:
                undone.callback(self.tx.exec_driver_sql, "ROLLBACK TO request")
                yield self.tx
                undone.pop_all()
        finally:
            if self._is_whole:
                self._driver.execute("RELEASE request")

    @property
    def is_open(self) -> bool:
        """Whether one more request may join."""
        is_young = time.monotonic() - self._began < MOST_SECONDS
        return is_young and self._requests < MOST_REQUESTS and self._is_whole

    def commit(self) -> None:
        """Commit, or undo everything; either way nobody waits any longer."""
        try:
            with self._transaction:
                if not self._is_whole:
                    raise NotCommitted
            self._is_committed = True
        finally:
            self._ended.set()

    def wait(self, seconds: float) -> None:
        """Return once it is committed. Raises NotCommitted, and NoTurn when nobody knows after so long."""
        if not self._ended.wait(seconds):
            raise NoTurn
        if not self._is_committed:
            raise NotCommitted

    @property
    def _is_whole(self) -> bool:
        # A full disk, a failing one and a lack of memory end the whole transaction inside of sqlite, whatever
        # the savepoints (https://sqlite.org/lang_transaction.html); what came after would be on its own, and
        # the driver's commit() would say nothing.
        return bool(self._driver.in_transaction)


class GroupCommit:
    """Transactions for writing, one after the other, in the order in which they were asked for.

    begin: opens the transaction, which is committed at its end or rolled back by an exception. seconds: how
    long a request waits for its turn, and for its commit.
    """

    def __init__(self, begin: Callable[[], AbstractContextManager[Connection]], seconds: float) -> None:
        self._begin = begin
        self._seconds = seconds
        self._turns = Turns(1, seconds)
        self._group: _Group | None = None  # of whoever has the turn

    @property
    def waiting(self) -> int:
        """How many wait for their turn at this moment."""
        return self._turns.waiting

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction for writing: committed after the block, rolled back if the block raises.

        Raises NotCommitted, DBAPIError, NoTurn.
        """
        group = self._take_part()
        try:
            with group.join() as tx:
                yield tx
        finally:
            if not (group.is_open and self._turns.hand_on()):
                self._end(group)
            # Also whoever was refused: by what the others did, perhaps.
            group.wait(self._seconds)

    def _take_part(self) -> _Group:
        self._turns.take()
        if self._group is None:
            with ExitStack() as undone:
                undone.callback(self._turns.give_back)
                self._group = _Group(self._begin)
                undone.pop_all()
        return self._group

    def _end(self, group: _Group) -> None:
        self._group = None
        try:
            group.commit()
        finally:
            self._turns.give_back()
