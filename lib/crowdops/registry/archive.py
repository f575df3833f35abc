"""Old entries of the journal are kept in a file of the home: JSON Lines, one entry a line, each once."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple

from crowdops.errors import OutputLost, UsageError, files_explained
from crowdops.formats import json_text
from crowdops.registry.database import RegistryFile, placeholders
from crowdops.registry.rows import END_STATES, Event, as_document, read, write_value

NAME = "events.jsonl"
BATCH = 5000  # entries that are written, and then deleted in one transaction
_BLOCK = 65_536


class Archived(NamedTuple):
    """What an archiving has done: the file, how many entries it took, and how many of these it had."""

    path: Path
    entries: int
    known: int


class Archives(RegistryFile):
    """The table events, of which old entries go to a file."""

    def count_old_events(self, before: datetime) -> int:
        """Return how many entries of ended runs are from before a moment."""
        return int(self._row(f"SELECT count(*) FROM events WHERE {_OLD}", _old(before))[0])

    def archive_events(self, home: Path, before: datetime) -> Archived:
        """Move the entries of ended runs from before a moment to the home's file.

        They are on the disk there before they are deleted here. Killed in between, they are in both, and are
        known by number and moment the next time. UsageError if somebody else is at it.
        """
        path, entries, known = home / NAME, 0, 0
        with _opened(path) as file:
            in_file = _read_keys(file)
            while events := self._old_events(before):
                new = [event for event in events if _key(event.event_id, event.at) not in in_file]
                _append(file, path, new)
                self._delete(events, path)
                entries, known = entries + len(events), known + len(events) - len(new)
        return Archived(path, entries, known)

    def _old_events(self, before: datetime) -> list[Event]:
        query = f"SELECT * FROM events WHERE {_OLD} ORDER BY event_id LIMIT ?"
        return [read(Event, row) for row in self._rows(query, (*_old(before), BATCH)).fetchall()]

    def _delete(self, events: list[Event], path: Path) -> None:
        def delete() -> None:
            with self.transaction():
                # This entry first: a number that was given away is never given again.
                self.record("journal-archived", path.name, detail=f"{len(events)} entries")
                self._connection.executemany(
                    "DELETE FROM events WHERE event_id = ?", [(event.event_id,) for event in events]
                )

        self.try_on(delete)


_OLD = f"at < ? AND run_id IN (SELECT run_id FROM task_runs WHERE state IN ({placeholders(END_STATES)}))"


def _old(before: datetime) -> tuple[str, ...]:
    return (write_value(before), *END_STATES)


def _key(event_id: int, at: datetime) -> int:
    """Return what tells an entry: a number alone can come again where an old registry was taken back."""
    return hash((event_id, at))


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open the file to append whole lines to it. What a killed process left of a last one is cut off."""
    with files_explained(path):
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"Another process is writing {path}. Try again when it is through. Nothing was done."
            ) from None
        file.truncate(_end_of_lines(file))
        file.seek(0)
        _sync_name(path)
        yield file


def _sync_name(path: Path) -> None:
    """Let a file that may be new be found in its folder after a power cut, too."""
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _end_of_lines(file: IO[bytes]) -> int:
    """Return where the last whole line of a file ends."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _BLOCK)
        file.seek(start)
        last = file.read(end - start).rfind(b"\n")
        if last >= 0:
            return start + last + 1
        end = start
    return 0


def _append(file: IO[bytes], path: Path, events: Sequence[Event]) -> None:
    """Write entries to the disk. OutputLost if that cannot be done: what of them is there is known then."""
    try:
        file.writelines(f"{json_text.dumps(as_document(event))}\n".encode() for event in events)
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise OutputLost(
            f"{path} cannot be written: {error.strerror}. What was archived by then stands, and the rest is"
            " still in the journal."
        ) from error


def _read_keys(file: IO[bytes]) -> set[int]:
    """Return the keys of all entries in the file, which is read from its beginning to its end."""
    keys = set()
    for number, line in enumerate(file, start=1):
        try:
            entry = json.loads(line)
            keys.add(_key(entry["event_id"], datetime.fromisoformat(entry["at"])))
        except (ValueError, TypeError, KeyError):
            raise UsageError(
                f"Line {number} of {file.name} is no entry of the journal. Move the file away, and a new one"
                " is begun. Nothing was done."
            ) from None
    return keys
