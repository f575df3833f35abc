"""Processes on this machine: started, found by what they were started with, and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from crowdops.errors import ProviderError, files_explained

TERM_SECONDS = 10.0  # between asking a process to end and ending it
KILL_SECONDS = 5.0  # the kernel needs no longer for that, unless a disk hangs
LOOK_SECONDS = 0.02
# Start times shift when the clock is set. No pid is given to another process within this time.
SAME_START_SECONDS = 1.5


class Process(NamedTuple):
    """A process that runs. Pid and start time (seconds since the epoch) name it for good; a pid does not.

    `session` is the pid of the process that its whole session began with, `variables` the environment it was
    started with: empty if `is_hidden`, because this user may not read that.
    """

    pid: int
    started: float
    session: int
    variables: dict[str, str]
    is_hidden: bool = False


def become_crowd_server(home: Path, secrets: Mapping[str, str], **options: object) -> None:
    """Replace this process by the crowd server, with its data under `home`/crowd. Does not return.

    Options are those of `python -m crowdserver`, by their long names; false ones are left out. `secrets` go
    into its environment: who looks at the processes of a machine sees their command lines.
    """
    folder = home / "crowd"
    with files_explained(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "crowdserver"]
    for name, value in options.items():
        if value is not False and value is not None:
            command += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    sys.stdout.flush()
    os.execve(sys.executable, command, {**os.environ, **secrets, "CROWDOPS_HOME": str(home)})


def start(command: str, folder: Path, variables: Mapping[str, str], log: Path) -> int:
    """Start a shell command in a folder, in a session of its own, and return its pid.

    It outlives this process, and gets nothing of it: these variables only, no file, no terminal, no Ctrl-C.
    What it writes is added to the log.
    """
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", 'cd "$0" && exec /bin/sh -c "$1"', str(folder), command],
        dict(variables),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),  # Python ignores them, and that would be inherited
    )


def find(pid: int, started: float | None = None) -> Process | None:
    """Return the process with a pid, and with that start time if one is given; None if it does not run."""
    try:
        process = _describe(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return None
    if process and started is not None and abs(process.started - started) >= SAME_START_SECONDS:
        return None
    return process


def is_suspended(pid: int) -> bool:
    """Return whether a process stands still because of Ctrl-Z or SIGSTOP."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def find_with(variables: Mapping[str, str]) -> list[Process]:
    """Return every process that was started with all of these variables, the oldest first.

    Those of other users are not seen: nobody may read their environment.
    """
    with_variables = [process for process in _all() if variables.items() <= process.variables.items()]
    return sorted(with_variables, key=lambda process: process.started)


def find_hidden(word: str) -> list[Process]:
    """Return this user's processes whose command line has a word and whose environment may not be read."""
    return [process for process in _all() if process.is_hidden and _is_ours_with(process.pid, word)]


def _is_ours_with(pid: int, word: str) -> bool:
    try:
        process = psutil.Process(pid)
        return process.uids().real == os.getuid() and any(word in part for part in process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def find_session(leader: Process) -> list[Process]:
    """Return the processes of a session, of which the leader runs."""
    return [process for process in _all() if process.session == leader.pid]


def end(look: Callable[[], Sequence[Process]]) -> bool:
    """End every process that `look` finds: ask them all to, and kill what is still there after a while.

    Returns False if there was none. ProviderError if they cannot be ended. Safe to repeat.
    """
    running = look()
    if not running:
        return False
    _signal(running, signal.SIGTERM, TERM_SECONDS)
    deadline = time.monotonic() + KILL_SECONDS
    while running := look():
        if time.monotonic() > deadline:
            raise ProviderError(f"Process {running[0].pid} does not end, not even when it is killed.")
        _signal(running, signal.SIGKILL, KILL_SECONDS)
    return True


def interrupt(process: Process) -> None:
    """Send a process what Ctrl-C sends. ProviderError if it has ended, or is another user's."""
    if not find(process.pid, process.started):
        raise ProviderError(f"Process {process.pid} has ended.")
    try:
        psutil.Process(process.pid).send_signal(signal.SIGINT)
    except psutil.NoSuchProcess as error:
        raise ProviderError(f"Process {process.pid} has ended.") from error
    except psutil.AccessDenied as error:
        raise ProviderError(f"Process {process.pid} is another user's and cannot be stopped.") from error


def _signal(processes: Sequence[Process], sign: signal.Signals, seconds: float) -> None:
    """Send a signal to processes, each looked up again first, and wait so long at most for their end."""
    for process in processes:
        if not find(process.pid, process.started):
            continue
        try:
            psutil.Process(process.pid).send_signal(sign)
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied as error:
            raise ProviderError(f"Process {process.pid} is another user's and cannot be ended.") from error
    deadline = time.monotonic() + seconds
    while any(_is_running(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)


def _is_running(process: Process) -> bool:
    """Return whether a process has not ended yet. One that was ours leaves the system's list with this."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return find(process.pid, process.started) is not None


def _all() -> Iterator[Process]:
    for process in psutil.process_iter():
        if running := _describe(process):
            yield running


def _describe(process: psutil.Process) -> Process | None:
    """Return a process as it is now; None for one that has ended, or of which not even the start is told."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        started, session = process.create_time(), os.getsid(process.pid)
    except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError, PermissionError):
        return None
    try:
        return Process(process.pid, started, session, process.environ())
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None
    except (psutil.AccessDenied, PermissionError):
        return Process(process.pid, started, session, {}, is_hidden=True)
