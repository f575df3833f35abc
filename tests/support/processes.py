"""Waiting, and what can be seen of processes."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

from tests.support.forks import Process

T = TypeVar("T")
START_SECONDS = 60
# By then what has a limit of its own is over on any machine; without the limit it never would be.
SOON = 40


def wait_until(look: Callable[[], T], seconds: float = 60) -> T:
    """Return the first true answer of a function that is asked again and again, or fail after a while."""
    deadline = time.monotonic() + seconds
    while not (answer := look()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(0.02)
    return answer


def first_line(process: Process, output: Path) -> str:
    """Return the line that a process begins with; empty if it ends without one."""
    wait_until(lambda: process.poll() is not None or _lines(output), START_SECONDS)
    return (_lines(output) or [""])[0]


def _lines(output: Path) -> list[str]:
    text = output.read_text() if output.exists() else ""
    return text.splitlines() if text.endswith("\n") else []


def is_over(process: psutil.Process) -> bool:
    """Whether a process has ended; one that nobody has collected yet has."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def find_server_processes(home: Path) -> list[psutil.Process]:
    """Return the processes that carry the marks of a home's task servers, the oldest first."""
    marks = {"CROWDOPS_MANAGED": "1", "CROWDOPS_HOME": str(home.resolve())}
    running = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if marks.items() <= process.environ().items():
                running.append(process)
    return sorted(running, key=psutil.Process.create_time)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
