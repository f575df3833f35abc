"""The line at the bottom of a terminal that is written anew as work goes on.

It shares a line with nothing: whoever writes to the terminal does so within hidden(), which takes it away
before and brings it back after. Of several that are open at once, the one that was drawn last is seen.

The cursor waits at its beginning. So it is taken away whole where a window has become narrower meanwhile:
most terminals have made two lines of it by then, and none is asked how many.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator

from crowdops.console import layout, terminal

LEFT_FREE = 1  # columns: in the last one some terminals begin a new line
_ERASE = "\r\x1b[J"  # and whatever is below

_lock = threading.RLock()  # operations speak from several threads
_open: list[StatusLine] = []  # the last one is seen
_drawn: list[object] = []  # the one that stands on the terminal, or what spoils its last line


class StatusLine:
    """A line that can be drawn again and again. `compose` returns its text for so many columns."""

    def __init__(self, compose: Callable[[int], str]) -> None:
        self._compose = compose

    def draw(self) -> None:
        """Show the line as it is now, in place of whichever was shown."""
        with _lock:
            if self in _open:
                _open.remove(self)
            _open.append(self)
            _draw()

    def close(self) -> None:
        """Take the line away, and show the one that was seen before it."""
        with _lock:
            if self in _open:
                _open.remove(self)
                erase()
                _draw()

    def text(self) -> str:
        """Return what is to be seen now."""
        columns = terminal.columns(terminal.STDERR) - LEFT_FREE
        return layout.shorten(self._compose(columns), columns)


def erase() -> bool:
    """Take away what is drawn; return whether something was. Plain values only: signal handlers call it."""
    was_drawn = bool(_drawn)
    _drawn.clear()
    if was_drawn:
        _write(_ERASE)
    return was_drawn


def spoil() -> None:
    """Let the last line be erased before anything else is written: a terminal's ^C may come late.

    For signal handlers.
    """
    if terminal.obeys(terminal.STDERR):
        _drawn[:] = ["^C"]


@contextlib.contextmanager
def hidden() -> Iterator[None]:
    """Take the line away while something else is written to the terminal."""
    with _lock:
        was_drawn = erase()
        try:
            yield
        finally:
            if was_drawn:
                _draw()


def _draw() -> None:
    if _open:
        text = _open[-1].text()
        _drawn[:] = _open[-1:]
        _write(f"{_ERASE}{text}\r")


def _write(text: str) -> None:
    # Past sys.stderr: a signal handler may write in the middle of it.
    with contextlib.suppress(OSError):  # the terminal may be gone, the work is not
        os.write(terminal.STDERR, text.encode(sys.stderr.encoding or "utf-8", "replace"))
