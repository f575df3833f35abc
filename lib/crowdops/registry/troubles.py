"""What can be wrong with the registry's file, in words, and with what helps; and a file that is set aside."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from crowdops.errors import RegistryAway, RegistryError, RegistryLocked, UsageError
from crowdops.registry import migrations

FILE = "registry.db"
PARTS = ("-wal", "-shm")  # of a registry that is open, or was not closed: they are of no use without it
LOCK_SECONDS = 2.0  # how long sqlite itself waits for another process's transaction
AGAIN = "then type the same command again"
KEPT = "A new one can be made from what the provider has, and the file is kept: make rebuild"
_PRIMARY = 0xFF  # of an extended result code, https://www.sqlite.org/rescode.html
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_UNREADABLE = (
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
)
_HINTS = {
    sqlite3.SQLITE_FULL: "Make room on its disk (df -h {home}), {again}.",
    sqlite3.SQLITE_IOERR: "Look at its disk (df -h {home}), {again}.",
    sqlite3.SQLITE_READONLY: "Let it be written (ls -ld {home} {path}), {again}.",
    sqlite3.SQLITE_CANTOPEN: "Let it be read and written (ls -ld {home} {path}), {again}.",
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn sqlite's errors into ours; the file is left as it is."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a bug of ours, not a state of the disk
    except sqlite3.DatabaseError as error:
        raise explain(error, path) from error


@contextmanager
def opening_explained(path: Path) -> Iterator[None]:
    """Turn what sqlite and the machine say while a registry is opened into errors of ours."""
    try:
        with explained(path):
            yield
    except OSError as error:
        raise UsageError(
            f"The registry {path} cannot be opened: {error.strerror}. Let it be read and written, or use"
            " another home: --home FOLDER"
        ) from error


def explain(error: sqlite3.DatabaseError, path: Path) -> RegistryError:
    """Return what an error of sqlite means, and what to type next."""
    code = _code(error)
    why = " ".join(str(error).split())  # what a check has found has several lines
    if code in _DAMAGED:
        return RegistryError(f"The registry {path} is damaged ({why}). Nothing was changed. {KEPT}")
    home, file = (shlex.quote(str(place)) for place in (path.parent, path))
    if code in _LOCKED:
        return RegistryLocked(
            f"The registry {path} is locked by another process.",
            f"See which (lsof {file}); when that has let go of it, type the same command again.",
        )
    if path.is_dir():
        return RegistryError(f"The registry {path} is a folder, and must be a file. {KEPT}")
    hint = _HINTS.get(code, "")
    if not hint:
        return RegistryError(f"The registry {path} cannot be used: {error}.")
    help = hint.format(home=home, path=file, again=AGAIN)
    return RegistryAway(f"The registry {path} cannot be used: {error}.", help)


def _code(error: sqlite3.DatabaseError) -> int:
    """Return sqlite's primary result code; 0 for an error of Python's own."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY


def why_unusable(home: Path) -> str:
    """Return why `home` has something in place of a registry that cannot be opened as one; '' if not.

    Reads all of a registry. RegistryAway if it cannot be looked at now: it may be a whole one.
    """
    path = home / FILE
    if not path.exists():
        return f"{path} is a link to nothing" if path.is_symlink() else _left_over(path)
    if path.is_dir():
        return f"{path} is a folder"
    try:
        with closing(sqlite3.connect(path, timeout=LOCK_SECONDS)) as connection:
            require_whole(connection)
            migrations.require_known_or_new(connection, path)
            strange = migrations.strange(connection)
            return f"{path} is not a registry as crowdops makes it: {strange}" if strange else ""
    except sqlite3.DatabaseError as error:
        trouble = explain(error, path)
        is_away = isinstance(trouble, RegistryAway) and _code(error) != sqlite3.SQLITE_CANTOPEN
        if is_away and getattr(error, "sqlite_errorcode", 0) not in _UNREADABLE:
            raise trouble from error
        return f"{path} cannot be opened: {error}"
    except RegistryError as error:
        return str(error).partition(". ")[0]


def require_its_parts(path: Path) -> None:
    """Raise RegistryError where a registry is gone and a part of it, with its last transactions, is left.

    A new one would take that for its own.
    """
    if not path.exists() and (left := _left_over(path)):
        raise RegistryError(f"{left}. Put it back, if you have it. {KEPT}")


def _left_over(path: Path) -> str:
    left = path.with_name(path.name + PARTS[0])
    return f"{path} is gone, and {left.name}, which belongs to it, is left" if left.exists() else ""


def require_whole(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError unless a database is whole. Reads all of it."""
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        error = sqlite3.DatabaseError(f"database disk image is malformed: {answer}")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def set_aside(home: Path) -> Path:
    """Rename whatever is in the place of `home`'s registry, with what belongs to it; return its new place.

    UsageError if the home cannot be written.
    """
    path = home / FILE
    kept = _free_path(path.with_name(f"registry-damaged-{datetime.now(UTC):%Y%m%d-%H%M%S}.db"))
    try:
        for part in (*PARTS, ""):
            file = path.with_name(path.name + part)
            if file.exists() or file.is_symlink():
                file.rename(kept.with_name(kept.name + part))
    except OSError as error:
        raise UsageError(f"{path} cannot be set aside: {error.strerror}. Nothing was changed.") from error
    return kept


def _free_path(path: Path) -> Path:
    number, free = 1, path
    while any(free.with_name(free.name + part).exists() for part in ("", *PARTS)):
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free
