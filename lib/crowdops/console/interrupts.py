"""Ctrl-C, SIGTERM and SIGHUP: which signals end a command, and how they are counted instead of obeyed."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from crowdops.console import layout, status_line, terminal

EXIT_INTERRUPTED = 130
_CLOSED = -1  # no file has this number


def ending_signals() -> list[signal.Signals]:
    """Return the signals that end a command. What nohup has set to be ignored stays ignored."""
    is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM] + ([] if is_ignored else [signal.SIGHUP])


def obey() -> None:
    """Let each signal that ends a command raise KeyboardInterrupt, as Ctrl-C does. For the main thread."""
    for number in ending_signals():
        signal.signal(number, _hang_up if number == signal.SIGHUP else signal.default_int_handler)


@contextlib.contextmanager
def obeyed() -> Iterator[None]:
    """Obey the signals in here, as obey() says, and then let what heeded them before heed them again.

    What has come to be ignored meanwhile stays so. Outside of the main thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ending_signals()}
    obey()
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handler)


def leave_at_once(word: str = "Interrupted.", *, stream: int = 2, exit_code: int = EXIT_INTERRUPTED) -> None:
    """Let each signal that ends a command end this process on the spot, with a word and this exit code.

    For a script's first moments, in which it imports, and for its last ones: there is nothing to clean up.
    At the very end, when the interpreter heeds no signal any more, they are ignored.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            os.write(stream, f"{word}\n".encode())
        os._exit(exit_code)

    for number in ending_signals():
        signal.signal(number, leave)
    atexit.register(_ignore)  # the first to be registered is the last to be called


def _ignore() -> None:
    for number in ending_signals():
        signal.signal(number, signal.SIG_IGN)


def _hang_up(number: int, frame: FrameType | None) -> None:
    # A closed terminal often sends two: one by the shell, one by the system. The second is no news.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    raise KeyboardInterrupt


class Interrupts:
    """Counts interrupts while it is entered. It can be entered again once it was left: `count` goes on then.

    SIGHUP counts as the first interrupt and never as one more: whoever closes a terminal asks a run to end,
    and is not there to be asked twice.

    `note` gets the count and returns the line to show at once; whoever obeys the interrupts sets it. It runs
    inside a signal handler: it must only look at plain values.
    """

    def __init__(self) -> None:
        self.note: Callable[[int], str] = lambda count: "Stopping."
        self.count = 0
        self._reader = self._writer = _CLOSED  # of the pipe that ends wait()
        self._has_hung_up = False

    def __enter__(self) -> Interrupts:
        assert self._reader == _CLOSED, "interrupts are counted already: look at `count`, do not enter twice"
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._handlers = {number: signal.signal(number, self._interrupt) for number in ending_signals()}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._has_hung_up:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.close(self._reader)
        os.close(self._writer)
        self._reader = self._writer = _CLOSED

    def wait(self, seconds: float) -> None:
        """Sleep, but not through an interrupt. Only while entered."""
        assert self._reader != _CLOSED, "nobody counts interrupts"
        if select.select([self._reader], [], [], max(0.0, seconds))[0]:
            os.read(self._reader, 4096)

    def sleep(self, seconds: float) -> None:
        """Sleep as wait() does while entered, and else as time.sleep() does."""
        if self._reader == _CLOSED:
            time.sleep(seconds)
        else:
            self.wait(seconds)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._has_hung_up = True
            if self.count:
                return
        self.count += 1
        text = layout.wrap(self.note(self.count), terminal.width(terminal.STDERR))
        before = "" if status_line.erase() else "\n"  # after the ^C of a terminal
        # Not through sys.stderr: the handler may have interrupted a write to it.
        with contextlib.suppress(OSError):  # the terminal may be gone, the work is not
            os.write(2, f"{before}{text}\n".encode())
        status_line.spoil()
        with contextlib.suppress(BlockingIOError):  # thousands of interrupts are waiting to be read already
            os.write(self._writer, b".")
