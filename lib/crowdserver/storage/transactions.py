"""What the requests of one server process share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection

from crowdserver.protocol.credentials import Credentials
from crowdserver.protocol.page_tokens import Pages
from crowdserver.storage import clock, deadlines
from crowdserver.storage.database import Database


class Crowd(NamedTuple):
    """A crowd server's state: its database and the requester's key pair.

    Open transactions here and not on the database: here whatever fell due has happened before the block begins.
    """

    database: Database
    credentials: Credentials

    @property
    def pages(self) -> Pages:
        """What writes and reads this server's page tokens."""
        return Pages(self.credentials.secret_access_key)

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, float]]:
        """Open a transaction for reading; gives it with the server's time."""
        while True:
            with self.database.read() as tx:
                now = clock.now(tx)
                if not deadlines.is_due(tx, now):
                    yield tx, now
                    return
            self._settle()

    @contextmanager
    def writing(self) -> Iterator[tuple[Connection, float]]:
        """Open a transaction for writing; gives it with the server's time. Rolled back if the block raises."""
        while True:
            with self.database.write() as tx:
                now = clock.now(tx)
                if not deadlines.is_due(tx, now):
                    yield tx, now
                    return
            self._settle()

    def _settle(self) -> None:
        # A transaction of its own: it locks HITs in an order that suits it, which could deadlock with another
        # request that holds some already.
        with self.database.write() as tx:
            deadlines.settle(tx, clock.now(tx))
