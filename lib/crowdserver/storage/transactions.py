"""Transactions at the server's own time, and what else the requests of one server process share."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from itsdangerous import URLSafeSerializer
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from crowdserver.protocol.credentials import Credentials
from crowdserver.storage import clock, deadlines
from crowdserver.storage.database import Database

Result = TypeVar("Result")

# A transaction is only ended for the sake of another one that goes on, so that one of any number is through
# each time; this many in a row for one request means that something else is wrong.
_TRIES = 20
# PostgreSQL's serialization_failure and deadlock_detected (its manual, appendix A).
_ENDED_FOR_ANOTHER = ("40001", "40P01")


class Contended(Exception):
    """What a transaction holds is no use to it: it is to begin anew, without the locks it has."""


class Crowd:
    """A crowd server's state: its database and the requester's key pair.

    Open transactions here and not on the database: here whatever fell due has happened before the block
    begins.
    """

    def __init__(self, database: Database, credentials: Credentials) -> None:
        self.database = database
        self.credentials = credentials
        self.page_tokens = URLSafeSerializer(credentials.secret_access_key, salt="page")

    def reading(self) -> AbstractContextManager[tuple[Connection, float]]:
        """Open a transaction for reading; gives it with the server's time."""
        return self._up_to_date(self.database.read)

    def write(self, work: Callable[[Connection, float], Result]) -> Result:
        """Do something in a transaction for writing, and return what it returns. Undone if it raises.

        The whole of it is done again when PostgreSQL ends it because it and another transaction wait for each
        other, and when it raises Contended: whatever it changes must be in the database.
        """

        def attempt() -> Result:
            with self.writing() as (tx, now):
                return work(tx, now)

        return _repeated(attempt)

    def run(self, work: Callable[[Connection, float], Result], *, writes: bool) -> Result:
        """Do something in a transaction for writing, as write() does it, or in one for reading."""
        if writes:
            return self.write(work)
        with self.reading() as (tx, now):
            return work(tx, now)

    def writing(self) -> AbstractContextManager[tuple[Connection, float]]:
        """Open a transaction for writing; gives it with the server's time. Undone if the block raises.

        It is tried once: what serves a request uses write().
        """
        return self._up_to_date(self.database.write)

    @contextmanager
    def _up_to_date(
        self, begin: Callable[[], AbstractContextManager[Connection]]
    ) -> Iterator[tuple[Connection, float]]:
        while True:
            with begin() as tx:
                now, is_due = deadlines.now_and_is_due(tx)
                if not is_due:
                    yield tx, now
                    return
            # In a transaction of its own: it locks HITs in an order that suits it, which could deadlock with
            # another request that holds some already.
            _repeated(self._apply_due)

    def _apply_due(self) -> None:
        with self.database.write() as tx:
            deadlines.apply_due(tx, clock.now(tx))


def _repeated(attempt: Callable[[], Result]) -> Result:
    """Return what a whole transaction returns, done again as often as it was ended for another one's sake."""
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except Contended:
            pass
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _ENDED_FOR_ANOTHER:
                raise
    return attempt()
