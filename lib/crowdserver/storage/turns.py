"""A number of something for more threads than there are of it, given to whoever has waited longest."""

import threading
from collections import deque
from types import TracebackType


class NoTurn(Exception):
    """It was nobody's turn to wait so long: the machine, or the database, is far too slow for its work."""


class Turns:
    """`with turns:` holds one of so many. NoTurn: it took too long.

    The locks of threading, and the pools that are made of them, let whoever comes next take what was just
    given back for somebody who waits; under load the same few threads work, and others never do.
    """

    def __init__(self, number: int, seconds: float) -> None:
        self._free = number
        self._seconds = seconds
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        self.take()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()

    def take(self) -> None:
        """Wait for a turn, which is to be given back or handed on by any thread. NoTurn: it took too long."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if not turn.acquire(timeout=self._seconds):
            self._give_up(turn)

    def give_back(self) -> None:
        """End a turn: it is handed on, and never free in between, or free."""
        with self._lock:
            if not self._hand_on():
                self._free += 1

    def hand_on(self) -> bool:
        """Give a turn to whoever has waited longest; False, and it is kept, if nobody waits."""
        with self._lock:
            return self._hand_on()

    @property
    def waiting(self) -> int:
        """How many wait at this moment."""
        return len(self._waiting)

    def _hand_on(self) -> bool:
        if not self._waiting:
            return False
        self._waiting.popleft().release()
        return True

    def _give_up(self, turn: threading.Lock) -> None:
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
                raise NoTurn
        # It came while this thread was giving up.
