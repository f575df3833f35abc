"""The database that all processes of a crowd server share: sqlite in a file, or PostgreSQL by URL.

Reads and writes are separate on purpose. On sqlite a write takes the one write lock when it begins, or joins
one that has it, so it never has to be tried again; on PostgreSQL a write locks the rows of the HITs it
changes (`SELECT ... FOR UPDATE`).
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

# All that know tables: create_all() makes those that are imported.
from crowdserver.storage import indexes, people_tables, postgresql, qualification_tables, schema  # noqa: F401
from crowdserver.storage.account import SANDBOX_FUNDS
from crowdserver.storage.group_commit import GroupCommit, driver_of
from crowdserver.storage.turns import Turns

# Any number will do, as long as every crowd server uses the same one.
_SETUP_LOCK = 8730
_BUSY_SECONDS = 30
# As long as clients wait for an answer.
_TURN_SECONDS = 60
_SQLITE_CONNECTIONS = 16
_POSTGRESQL_CONNECTIONS = 8
_ADDRESSES = "write sqlite:////path/to/file.db or postgresql://USER:PASSWORD@HOST/NAME"
_NO_ADDRESS = f"CROWD_DATABASE_URL is not a database address; {_ADDRESSES}"
# By whether it is sqlite.
_WHAT_TO_LOOK_AT = {
    True: "Put a copy of it in its place, or name another in CROWD_DATABASE_URL: sqlite:////path/file.db",
    False: "Does it run, does it let its user in and make tables, and is CROWD_DATABASE_URL right?"
    " It is like postgresql://USER:PASSWORD@HOST/NAME",
}


class DatabaseError(Exception):
    """The database cannot be used; the message says why in one line."""


class Database:
    """An open database. Safe to share between threads, not between processes."""

    def __init__(self, url: str) -> None:
        """Open a database; nothing is read yet.

        Raises DatabaseError for an address that is neither sqlite nor PostgreSQL.
        """
        self.url = _parse(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        make_engine = _sqlite_engine if self.is_sqlite else _postgresql_engine
        try:
            self._engine = make_engine(self.url)
        except ArgumentError:
            raise DatabaseError(_NO_ADDRESS) from None
        connections = _SQLITE_CONNECTIONS if self.is_sqlite else _POSTGRESQL_CONNECTIONS
        # The engine's pool has as many connections, so that nobody has to wait there: it would not be fair.
        self._connection_turns = Turns(connections, _TURN_SECONDS)
        # sqlite lets one writer in at a time; to wait here is fair and cheap, in its busy handler it is
        # neither.
        self._group_commit = GroupCommit(self._begin_writing, _TURN_SECONDS)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction for reading. On PostgreSQL each statement sees what is there when it begins."""
        if self.is_sqlite:
            with self._connection_turns, self._engine.begin() as tx:
                driver_of(tx).execute("BEGIN")
                yield tx
            return
        # As in a transaction there, but without the round trips to begin and to end one.
        with self._connection_turns, self._engine.connect() as tx:
            yield tx.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction for writing: committed after the block, rolled back if the block raises.

        Raises NotCommitted when others that had a part in the transaction failed with it, and NoTurn.
        """
        with self._group_commit.write() if self.is_sqlite else self._begin_writing() as tx:
            yield tx

    def prepare(self, balance: Decimal, is_sandbox: bool = False) -> bool:
        """Make the tables if they are missing; returns whether they were. Safe to repeat, and side by side.

        balance: what a new account holds, in dollars; an account that exists keeps what it has.
        is_sandbox: make the account, new or not, one whose money has no end. It stays so.
        An older database gets what it lacks, and keeps all that it holds. Raises DatabaseError if the
        database does not answer, is somebody else's or was made by a newer version.
        """
        try:
            with self._setup_lock(), self.write() as tx:
                if not self.is_sqlite:
                    tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SETUP_LOCK})
                self._bring_up(tx)
                version = tx.scalar(select(schema.server.c.schema_version))
                if version is None:
                    _create_account(tx, balance)
                else:
                    self._check_version(version)
                if is_sandbox:
                    tx.execute(update(schema.account).values(funds=SANDBOX_FUNDS))
                if tx.scalar(select(schema.identity.c.server_id)) is None:
                    tx.execute(insert(schema.identity).values(id=1, server_id=str(uuid.uuid4())))
                return version is None
        except (DBAPIError, OSError) as error:
            reason, advice = _first_line(error), _WHAT_TO_LOOK_AT[self.is_sqlite]
            raise DatabaseError(f"cannot use the database {_shown(self.url)}: {reason}. {advice}") from error

    def server_id(self) -> str:
        """Return the identity that was made with the database; it never changes."""
        with self.read() as tx:
            return str(tx.execute(select(schema.identity.c.server_id)).scalar_one())

    def close(self) -> None:
        """Close every idle connection."""
        self._engine.dispose()

    @contextmanager
    def _begin_writing(self) -> Iterator[Connection]:
        with self._connection_turns, self._engine.begin() as tx:
            if self.is_sqlite:
                tx.exec_driver_sql("BEGIN IMMEDIATE")
            yield tx

    def _bring_up(self, tx: Connection) -> None:
        # Asked once for all, and not table by table as create_all() does: most databases have every table.
        names = set(inspect(tx).get_table_names())
        if names and not names >= {schema.server.name, schema.account.name}:
            raise DatabaseError(
                f"the database {_shown(self.url)} holds tables of something else"
                f" ({', '.join(sorted(names)[:3])}); give the crowd server one of its own"
            )
        if not names.issuperset(schema.metadata.tables):
            schema.metadata.create_all(tx)
        if schema.server.name not in names:
            tx.execute(insert(schema.revision).values(version_num=schema.REVISION))
        elif tx.scalar(select(schema.revision.c.version_num)) != schema.REVISION:
            self._migrate(tx)
        indexes.bring_up(tx)

    def _migrate(self, tx: Connection) -> None:
        # Imported only here: nearly every start has nothing to migrate.
        from crowdserver.storage import migrations

        try:
            migrations.upgrade(tx)
        except migrations.UnknownRevision as error:
            raise DatabaseError(
                f"the database {_shown(self.url)} was made by a newer crowd server than this one; update this"
                " one: git pull, then make venv"
            ) from error

    def _check_version(self, version: int) -> None:
        if version > schema.VERSION:
            raise DatabaseError(
                f"the database {_shown(self.url)} has schema version {version};"
                f" this crowd server knows only {schema.VERSION}"
            )

    @contextmanager
    def _setup_lock(self) -> Iterator[None]:
        """Keep other starting processes out: sqlite cannot switch to WAL while another one does the same."""
        if not self.is_sqlite:
            yield
            return
        folder = Path(self.url.database or "").parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with self._engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute("PRAGMA journal_mode = WAL")
            yield
        finally:
            os.close(descriptor)


def _create_account(tx: Connection, balance: Decimal) -> None:
    tx.execute(
        insert(schema.server).values(
            id=1,
            schema_version=schema.VERSION,
            clock_offset=0,
            list_lag=0,
            counter_lag=0,
            plain_duplicates=False,
        )
    )
    tx.execute(insert(schema.account).values(id=1, funds=int(balance * 100), held=0))


def _parse(url: str) -> URL:
    # Heroku writes postgres:// into DATABASE_URL; SQLAlchemy knows only the longer word.
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Not what was given: it may hold a password.
        raise DatabaseError(_NO_ADDRESS) from None
    backend = parsed.drivername.partition("+")[0]
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise DatabaseError(
            f"a crowd server keeps its state in sqlite or PostgreSQL, not in {backend!r}; {_ADDRESSES}"
        )
    if parsed.database in (None, "", ":memory:"):
        raise DatabaseError("a crowd server needs a database in a file; in memory it would forget everything")
    return parsed


def _shown(url: URL) -> str:
    """Return an address as messages show it: without a password, which may stand behind a question mark."""
    name = url.get_backend_name()
    return url.set(drivername=name, query={}).render_as_string(hide_password=True)


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        pool_size=_SQLITE_CONNECTIONS,
        max_overflow=0,
        pool_timeout=_BUSY_SECONDS,
        pool_use_lifo=True,  # the one used last has its pages and statements at hand
        hide_parameters=True,  # in the texts of errors, which are logged: answers, and hashes of links
        # No isolation level: the driver then issues no BEGIN of its own.
        connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None, "check_same_thread": False},
    )
    event.listen(engine, "connect", _tune_sqlite)
    return engine


def _postgresql_engine(url: URL) -> Engine:
    try:
        return postgresql.make_engine(url, _POSTGRESQL_CONNECTIONS, _BUSY_SECONDS)
    except (NoSuchModuleError, ImportError) as error:
        raise DatabaseError("PostgreSQL needs psycopg: pip install 'crowdops[postgresql]'") from error


def _tune_sqlite(connection: Any, _record: object) -> None:
    # FULL: what was answered is on the disk, whatever happens to the machine the moment after.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
