"""The log of each run: what the journal says of it as JSON Lines in the run's folder, of bounded size.

It is written once the journal is, so a process that dies in between leaves a line out: the journal is whole.
Several processes may write one log. A log that cannot be written stops no command.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crowdops.formats import json_text
from crowdops.registry.rows import Event, as_document

NAME = "log.jsonl"
MOST_BYTES = 5_000_000  # of a file; then it is set aside as log.jsonl.1, and what was that as log.jsonl.2
KEPT = 3  # files that were set aside

_listeners: list[Callable[[Event], None]] = []


def tell(events: Sequence[Event]) -> None:
    """Tell whoever listens what was written into the journal."""
    for event in events:
        for listener in _listeners:
            listener(event)


@contextmanager
def kept(home: Path, say: Callable[[str], None], show: Callable[[Event], None] | None) -> Iterator[None]:
    """Keep the logs of a home's runs meanwhile; `show` gets each event, too. `say` says what goes wrong."""
    listeners = [_Files(home / "runs", say).add, *([show] if show else [])]
    _listeners.extend(listeners)
    try:
        yield
    finally:
        for listener in listeners:
            _listeners.remove(listener)


class _Files:
    """Appends each event to the log of its run."""

    def __init__(self, runs: Path, say: Callable[[str], None]) -> None:
        self._runs, self._say = runs, say
        self._has_failed = False

    def add(self, event: Event) -> None:
        if event.run_id is None:
            return
        path = self._runs / event.run_id / NAME
        line = json_text.dumps(as_document(event)) + "\n"
        try:
            try:
                append(path, line)
            except FileNotFoundError:  # the run has no folder yet
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                append(path, line)
        except OSError as error:
            if not self._has_failed:
                self._say(f"The log {path} cannot be written: {error.strerror}. The journal is not affected.")
            self._has_failed = True


def append(path: Path, line: str) -> None:
    """Append a line to a log whole, after setting a full one aside, whoever else writes it. OSError if not.

    The lock is that of the file which is at the path by the time it is held.
    """
    data = line.encode()
    while True:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            status = os.fstat(handle)
            if not _is_at(path, status):
                continue  # somebody has just set it aside
            if status.st_size + len(data) > MOST_BYTES and status.st_size:
                _set_aside(path)
                continue
            if os.write(handle, data) < len(data):  # the disk is full, and half a line would spoil the next
                os.ftruncate(handle, status.st_size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return
        finally:
            os.close(handle)


def _is_at(path: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), status)
    except FileNotFoundError:
        return False


def _set_aside(path: Path) -> None:
    """Rename a log, and those before it; the oldest goes. Killed in between, a number may be missing."""
    for number in range(KEPT - 1, 0, -1):
        older = path.with_name(f"{NAME}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{NAME}.{number + 1}"))
    path.replace(path.with_name(f"{NAME}.1"))
