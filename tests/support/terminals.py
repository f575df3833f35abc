"""A person at a terminal: reads what a script writes and presses keys."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from types import TracebackType
from typing import Self

from tests.support.forks import Process, Streams
from tests.support.processes import wait_until
from tests.support.scripts import SCRIPTS

PATIENCE_SECONDS = 20


class Terminal:
    """A script of ours under a terminal of its own.

    With a `size` in columns and lines it is one that goes back in a line and erases; else it only writes.
    """

    def __init__(
        self,
        script: str,
        *arguments: str,
        size: tuple[int, int] | None = None,
        term: str = "xterm-256color",
    ) -> None:
        self._ours, self._theirs = pty.openpty()
        if size:
            self.resize(*size)
        looks = {"TERM": term} if size else {"TERM": "dumb", "COLUMNS": "200"}
        usual = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        terminal = os.ttyname(self._theirs)
        self.process = Process(
            str(SCRIPTS / f"{script}.py"),
            *arguments,
            environment={**usual, **looks},
            streams=Streams(terminal, terminal, terminal),
            session=True,
        )
        self.screen = ""
        self._read_to = 0
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)
        if not self._is_closed:
            os.close(self._ours)
        if not self.screen:
            os.close(self._theirs)

    def expect(self, pattern: str) -> re.Match[str]:
        """Read on until something matches what came after the last match."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (match := re.compile(pattern).search(self.screen, self._read_to)):
            assert time.monotonic() < deadline, f"{pattern!r} did not appear: {self.screen[self._read_to :]}"
            assert self._read(), f"it ended without {pattern!r}: {self.screen[self._read_to :]}"
        self._read_to = match.end()
        return match

    def press(self, key: str) -> None:
        """Press a single key, once the script waits for one: what comes before is thrown away."""
        wait_until(lambda: not self._takes_lines(), PATIENCE_SECONDS)
        os.write(self._ours, key.encode())

    def enter(self, line: str) -> None:
        """Type a line."""
        wait_until(self._takes_lines, PATIENCE_SECONDS)
        os.write(self._ours, f"{line}\n".encode())

    def _takes_lines(self) -> bool:
        return bool(termios.tcgetattr(self._ours)[3] & termios.ICANON)

    def resize(self, columns: int, lines: int) -> None:
        """Make the window wider or narrower; the script is told so by the system."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._ours, b"\x03")

    def kill(self) -> None:
        """Pull the plug."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)

    def close(self) -> int:
        """Close the window, as if somebody had hung up, and return the exit code."""
        os.close(self._ours)
        self._is_closed = True
        return self.process.wait(PATIENCE_SECONDS)

    def end(self) -> int:
        """Read what is left and return the exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_SECONDS)

    def _read(self) -> bool:
        if not select.select([self._ours], [], [], PATIENCE_SECONDS)[0]:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # Linux says so when nobody holds the other end any more
            return False
        if not self.screen:
            os.close(self._theirs)  # only now does the script surely hold it
        self.screen += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)
