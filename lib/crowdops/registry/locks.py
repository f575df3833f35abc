"""Locks and conditions of runs: a run is attended exactly while some process holds its lock.

flock belongs to the open file, so the kernel lets go when the process dies, however it dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from crowdops.console import times
from crowdops.errors import UsageError
from crowdops.registry import END_STATES, Registry, Run

# Somebody who asks holds the lock for microseconds; a launch waits that out instead of failing.
PATIENCE_SECONDS = 2.0
_EXTENDED = ".extended"  # after a run's id, in the name of a lock


class Holder(NamedTuple):
    """The process that holds a run's lock, for messages only."""

    pid: int
    host: str
    command: str
    since: str


@contextmanager
def hold(home: Path, run_id: str) -> Iterator[None]:
    """Hold a run's lock. UsageError names the holder if another process has it."""
    with _hold(home, run_id, f"run {run_id} is attended by {{}}; stop that process first"):
        yield


@contextmanager
def extend(home: Path, run_ids: Iterable[str]) -> Iterator[None]:
    """Hold what says that the HITs of runs are being extended, from beside the process that attends them.

    UsageError names who extends those of one of them already.
    """
    with contextlib.ExitStack() as held:
        for run_id in run_ids:
            why_not = f"the HITs of run {run_id} are being extended by {{}}. After its end, type the same"
            held.enter_context(_hold(home, f"{run_id}{_EXTENDED}", why_not))
        yield


@contextmanager
def _hold(home: Path, name: str, why_not: str) -> Iterator[None]:
    """Hold a lock. UsageError if another process has it: `why_not`, with the holder in place of {}."""
    with _open(home, name) as file:
        if not _lock_within(PATIENCE_SECONDS, file):
            raise UsageError(why_not.format(describe(_read_holder(file))))
        try:
            _write_holder(file)
        except OSError as error:
            raise UsageError(f"The lock {file.name} cannot be written: {error.strerror}.") from error
        yield


@contextmanager
def alone(home: Path, command: str, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Let a command be the only one of its kind in a home. UsageError names the one that goes on for longer.

    It need not be so at any price: where nothing can be written, or there is no home, nothing is held.
    """
    with contextlib.ExitStack() as opened:
        with contextlib.suppress(OSError):
            # Not among the locks of runs: whoever restores a backup asks those.
            file = opened.enter_context((home / f"{command}.lock").open("a+", encoding="utf-8"))
            if not _lock_within(patience, file):
                raise UsageError(
                    f"another {command} is at work: {describe(_read_holder(file))}. Wait for it, or end it."
                )
            _write_holder(file)
        yield


def holder_of(home: Path, run_id: str) -> Holder | None:
    """Return who holds a run's lock, or None. Asking takes a shared lock, so askers never meet."""
    if not (home / "locks" / f"{run_id}.lock").exists():
        return None
    with _open(home, run_id) as file:
        return None if _lock(file, fcntl.LOCK_SH) else _read_holder(file)


def extender_of(home: Path, run_id: str) -> Holder | None:
    """Return who is extending the HITs of a run at this moment, or None."""
    return holder_of(home, f"{run_id}{_EXTENDED}")


def describe(holder: Holder, *, exactly: bool = False) -> str:
    """Return the holder in words; `exactly`: for JSON, with the time as it stands in the lock."""
    since = holder.since if exactly else times.said(datetime.fromisoformat(holder.since))
    return f"process {holder.pid} on {holder.host} ({holder.command}, since {since})"


def _open(home: Path, run_id: str) -> IO[str]:
    path = home / "locks" / f"{run_id}.lock"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open(path, "a+", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The lock {path} cannot be opened: {error.strerror}.") from error


def _write_holder(file: IO[str]) -> None:
    holder = Holder(os.getpid(), socket.gethostname(), Path(sys.argv[0]).name, _now())
    os.ftruncate(file.fileno(), 0)  # past Python's buffer, which would try again at the end and fail again
    os.pwrite(file.fileno(), json.dumps(holder._asdict()).encode(), 0)


def _lock(file: IO[str], kind: int) -> bool:
    """Return whether the file could be locked at once."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_within(seconds: float, file: IO[str]) -> bool:
    """Return whether the file could be locked, for nobody else, within so many seconds."""
    deadline = time.monotonic() + seconds
    while not _lock(file, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _read_holder(file: IO[str]) -> Holder:
    file.seek(0)
    try:
        return Holder(**json.loads(file.read()))
    except (ValueError, TypeError):  # between taking the lock and writing the name
        return Holder(0, socket.gethostname(), "unknown", _now())


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(home: Path, run: Run) -> str:
    """Return whether a run is attended (a process holds its lock), detached, crashed or ended."""
    if run.state in END_STATES:
        return "ended"
    if holder_of(home, run.run_id):
        return "attended"
    return "detached" if run.detached and run.state == "running" else "crashed"


def conditions(registry: Registry, home: Path) -> dict[str, str]:
    """Return the condition of every run in the registry, by run id."""
    return {run.run_id: condition(home, run) for run in registry.runs()}


def unattended(home: Path, runs: Sequence[Run]) -> set[str]:
    """Return the ids of those runs whose lock no process holds."""
    return {run.run_id for run in runs if condition(home, run) != "attended"}
