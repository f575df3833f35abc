"""Transactions at the server's own time, and what else the requests of one server process share."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Connection

from crowdserver.protocol.credentials import Credentials
from crowdserver.protocol.page_tokens import PageTokens
from crowdserver.storage import clock, deadlines
from crowdserver.storage.database import Database


class Crowd:
    """A crowd server's state: its database and the requester's key pair.

    Open transactions here and not on the database: here whatever fell due has happened before the block
    begins.
    """

    def __init__(self, database: Database, credentials: Credentials) -> None:
        self.database = database
        self.credentials = credentials
        self.page_tokens = PageTokens(credentials.secret_access_key)

    def reading(self) -> AbstractContextManager[tuple[Connection, float]]:
        """Open a transaction for reading; gives it with the server's time."""
        return self._up_to_date(self.database.read)

    def writing(self) -> AbstractContextManager[tuple[Connection, float]]:
        """Open a transaction for writing; gives it with the server's time. Undone if the block raises."""
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
            with self.database.write() as tx:
                deadlines.apply_due(tx, clock.now(tx))
