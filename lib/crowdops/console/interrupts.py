"""Ctrl-C and SIGTERM, counted instead of obeyed, so that work ends where it can end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable
from types import FrameType


class Interrupts:
    """Counts presses while it is entered: `with Interrupts() as presses`.

    `note` gets the number of presses so far and returns the line to show at once; whoever attends to
    them sets it. It runs inside a signal handler: it must only look at plain values.
    """

    def __init__(self) -> None:
        self.note: Callable[[int], str] = lambda count: "Stopping."
        self.count = 0

    def __enter__(self) -> Interrupts:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._before = {
            number: signal.signal(number, self._press) for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, seconds: float) -> None:
        """Sleep, but not through a press."""
        if select.select([self._reader], [], [], max(0.0, seconds))[0]:
            os.read(self._reader, 4096)

    def _press(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        # Not through sys.stderr: the handler may have interrupted a write to it.
        with contextlib.suppress(OSError):  # the terminal may be gone, the work is not
            os.write(2, f"\n{self.note(self.count)}\n".encode())
        with contextlib.suppress(BlockingIOError):  # thousands of presses are waiting to be read already
            os.write(self._writer, b".")
