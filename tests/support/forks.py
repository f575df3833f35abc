"""Processes of their own that start quickly: forked from one that has imported the libraries already.

A fresh interpreter spends half a second of CPU on imports, and the suite starts hundreds of processes. What
is forked is a real process all the same: it has a pid, signals and files of its own, ends as an interpreter
ends, and dies of kill -9. That each script works in a fresh interpreter, tests/unit/test_house.py shows.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
NOTHING = os.devnull
CLOSED = "-"
STOP_SECONDS = 10

_LENGTH = struct.Struct("!I")


class Streams(NamedTuple):
    """The files that a process reads from and writes to, or CLOSED; all three may be one terminal."""

    stdin: str = NOTHING
    stdout: str = NOTHING
    stderr: str = NOTHING


class Job(NamedTuple):
    """What a process is to be: a file or a module that runs, its arguments and variables, and where it does.

    `session`: it gets one of its own, so that a terminal among its streams becomes its own.
    """

    program: str
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    streams: list[str]
    session: bool


class Process:
    """A running program, a file or a module by its name, with what tests need of subprocess.Popen."""

    def __init__(
        self,
        program: str,
        *arguments: str,
        environment: Mapping[str, str],
        streams: Streams,
        folder: Path = REPOSITORY,
        session: bool = False,
    ) -> None:
        self._program = program
        self._lock = threading.Lock()
        self._code: int | None = None
        job = Job(self._program, list(arguments), dict(environment), str(folder), list(streams), session)
        self._reports = _server().start(job)
        self.pid = int(self._reports.readline())

    @property
    def returncode(self) -> int | None:
        """Its exit code, minus the signal that ended it, or None while it runs."""
        return self.poll()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._look(0)

    def wait(self, timeout: float) -> int:
        """Wait for its end and return the exit code. Raises subprocess.TimeoutExpired."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self._program, timeout)
        return code

    def send_signal(self, sign: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sign)

    def kill(self) -> None:
        """Kill -9, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def _look(self, seconds: float) -> int | None:
        # Several threads may wait at once: none may hold the lock meanwhile.
        if self._code is None and select.select([self._reports], [], [], seconds)[0]:
            with self._lock:
                if self._code is None:
                    self._code = int(self._reports.readline())
        return self._code


class Server:
    """The process from which all others are forked."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", __name__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=REPOSITORY, pass_fds=[theirs.fileno()])
        self._lock = threading.Lock()

    def start(self, job: Job) -> io.FileIO:
        """Start a process; returns where its pid can be read, and later its exit code, a line each."""
        reading, writing = os.pipe()
        message = json.dumps(job).encode()
        with self._lock:
            socket.send_fds(self._socket, [_LENGTH.pack(len(message))], [writing])
            self._socket.sendall(message)
        os.close(writing)
        return io.FileIO(reading)

    def stop(self) -> None:
        """End it; what was forked from it goes on."""
        self._socket.close()
        self._process.wait(STOP_SECONDS)


@cache
def _server() -> Server:
    return Server()


def stop() -> None:
    """End the process from which others are forked, if there is one."""
    if _server.cache_info().currsize:
        _server().stop()
        _server.cache_clear()


# What follows runs in the process that forks


def _serve(jobs: socket.socket) -> Job | None:
    """Fork a process for each job, and report how it ended. Returns the job in the forked process."""
    reports: dict[int, int] = {}
    woken, waking = os.pipe()
    os.set_blocking(waking, False)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *ignored: None)
    while True:
        ready, _, _ = select.select([jobs.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _report(reports)
        if jobs.fileno() not in ready:
            continue
        head, passed, _, _ = socket.recv_fds(jobs, _LENGTH.size, 1)
        if not head:
            return None
        (report,) = passed
        job = Job(*json.loads(jobs.recv(_LENGTH.unpack(head)[0], socket.MSG_WAITALL)))
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (woken, waking, report, *reports.values()):
                os.close(descriptor)
            jobs.close()
            return job
        reports[pid] = report
        os.write(report, b"%d\n" % pid)


def _report(reports: dict[int, int]) -> None:
    while reports:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with contextlib.suppress(BrokenPipeError), open(reports.pop(pid), "wb", buffering=0) as report:
            report.write(b"%d\n" % os.waitstatus_to_exitcode(status))


def _run(job: Job) -> None:
    """Be the program, as a fresh interpreter would."""
    os.environ.clear()
    os.environ.update(job.environment)
    os.chdir(job.folder)
    if job.session:
        os.setsid()
    encoding = job.environment.get("PYTHONIOENCODING", "utf-8")
    for number, path in enumerate(job.streams):
        setattr(sys, ("stdin", "stdout", "stderr")[number], _stream(number, path, encoding))
    sys.argv = [job.program, *job.arguments]
    ending = Ending()
    atexit.register(ending.leave)  # the first to be registered is the last to be called
    try:
        if job.program.endswith(".py"):
            sys.path[0] = str(Path(job.program).parent)
            runpy.run_path(job.program, run_name="__main__")
        else:
            sys.path[0] = job.folder
            runpy.run_module(job.program, run_name="__main__", alter_sys=True)
        ending.code = 0
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            raise
        ending.code = end.code or 0


def _stream(number: int, path: str, encoding: str) -> io.TextIOWrapper | None:
    """Open one of the three standard streams, as a fresh interpreter finds and makes it."""
    if path == CLOSED:
        os.close(number)
        return None
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(opened, number)
    os.close(opened)
    return open(
        number,
        "w" if number else "r",
        buffering=1 if number == 2 or os.isatty(number) else -1,
        encoding=encoding,
        errors="backslashreplace" if number == 2 else "strict",
        closefd=False,
    )


class Ending:
    """How a program ended. A clean end spares the interpreter to clear its heap, object by object."""

    code: int | None = None

    def leave(self) -> None:
        """End here, after every thread and every exit handler, if the program has come to a clean end."""
        if self.code is not None:
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
            os._exit(self.code)


if __name__ == "__main__":
    from tests.support.preload import preload

    preload()
    if (mine := _serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        _run(mine)
