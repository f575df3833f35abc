"""The registry's schema: its numbered migrations, and whether a database is a registry at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from crowdops.errors import RegistryError


def apply(connection: sqlite3.Connection) -> None:
    """Apply the numbered migrations that are missing, each with its record in one transaction."""
    for number, file in enumerate(_files(), start=1):
        if _version(connection) >= number:
            continue
        connection.execute("BEGIN IMMEDIATE")
        if _version(connection) < number:  # nobody else was faster
            for statement in _statements(file.read_text(encoding="utf-8")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _files() -> list[Path]:
    """Return the files of the schema, oldest first: the number of one is its place."""
    return sorted((Path(__file__).parent / "schema").glob("*.sql"))


def require_known(connection: sqlite3.Connection, path: Path) -> None:
    """Raise RegistryError unless a database is a registry of a schema that this code knows."""
    known, version = len(_files()), _version(connection)
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'task_runs'").fetchone():
        raise RegistryError(f"{path} is a database, and not a registry of crowdops. Nothing was changed.")
    if version > known:
        raise RegistryError(
            f"{path} was written by a newer crowdops (schema {version}, this one knows {known})."
            " Update crowdops."
        )


def require_known_or_new(connection: sqlite3.Connection, path: Path) -> None:
    """Raise RegistryError as require_known() does, unless nothing is in a database yet. Only reads."""
    if _version(connection) or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        require_known(connection, path)


def strange(connection: sqlite3.Connection) -> str:
    """Return in words how the schema differs from that of a registry of its version; '' if it does not.

    Nothing may be added, either: a trigger or a view of somebody else's would be run by our statements.
    """
    if _version(connection) > len(_files()):
        return ""  # nobody here knows what a newer one has
    with closing(sqlite3.connect(":memory:")) as fresh:
        for file in _files()[: _version(connection)]:
            fresh.executescript(file.read_text(encoding="utf-8"))
        expected, schema = _schema(fresh), _schema(connection)
    for kind, name in sorted(expected.keys() | schema.keys(), key=lambda key: (key[0] != "table", key)):
        if (kind, name) not in schema:
            return f"it lacks the {kind} {name[:100]}"
        if (kind, name) not in expected:
            return f"it has a {kind} {name[:100]}"
        if schema[kind, name] != expected[kind, name]:
            return f"its {kind} {name} is another one"
    return ""


def _schema(connection: sqlite3.Connection) -> dict[tuple[str, str], str | None]:
    """Return the statement that made each table, index, trigger and view, by its kind and name.

    Tables of sqlite itself, such as its statistics, are left out.
    """
    rows = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return {(kind, name): sql for kind, name, sql in rows}


def _statements(script: str) -> Iterator[str]:
    """Split a migration into statements: executescript() would commit before it starts."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
