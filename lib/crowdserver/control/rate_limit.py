"""A limit on requests per second, kept by all processes of one server together."""

import multiprocessing
import time


class TokenBucket:
    """Holds as many tokens as may be used in a second and refills steadily; every request takes one.

    Made before the processes part, in memory that they share.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._state = multiprocessing.Array("d", [rate, time.monotonic()])

    def take(self) -> bool:
        """Take a token; return False if there is none."""
        with self._state.get_lock():
            now = time.monotonic()
            tokens = min(self._rate, self._state[0] + (now - self._state[1]) * self._rate)
            allowed: bool = tokens >= 1
            self._state[0] = tokens - 1 if allowed else tokens
            self._state[1] = now
        return allowed
