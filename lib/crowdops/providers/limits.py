"""The limits of every exchange over HTTP: a time until its last byte, and a size.

A time limit of a socket counts from byte to byte, so that an answer that trickles never ends; and nothing in
boto3 and requests bounds what an answer holds. Here each read of a connection counts towards the exchange
that its thread is in. Without one nothing is limited.
"""

from __future__ import annotations

import http.client
import io
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from crowdops.errors import Unreachable, Unreadable

MOST_BYTES = 16_000_000  # a page of a hundred HITs, each with the largest question there is
LARGE_BYTES = 128 * 1024

MOMENT = 0.001  # seconds

_large = threading.Lock()
_current = threading.local()


class Exchange:
    """A request to somebody and the answer to it, within so many seconds and bytes.

    `limit` is the time limit that is told, of which the seconds are what is left. Of answers that are larger
    than `alone` one is in memory at a time, whatever the number of threads.
    """

    def __init__(self, whom: str, seconds: float, limit: float, most: int, alone: int) -> None:
        self._whom, self._limit, self._most, self._alone = whom, limit, most, alone
        self._deadline = time.monotonic() + seconds
        self._received = 0
        self._is_large = False

    def left(self) -> float:
        """Return the seconds that are left. Unreachable if none are."""
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise Unreachable(
                f"{self._whom} did not answer within {self._limit:g} s (not to the end)."
                " Try again, or give it longer: --timeout."
            )
        return seconds

    def patience(self) -> float:
        """Return how long a socket may take for what it does next.

        Unreachable if the time is up in the midst of an answer. Of one that has not begun the socket says so
        itself, in the words of whoever asked.
        """
        return self.left() if self._received else max(MOMENT, self._deadline - time.monotonic())

    def receive(self, size: int) -> None:
        """Count bytes that have come."""
        self._received += size
        self.hold(self._received)

    def hold(self, size: int) -> None:
        """Note that so many bytes of the answer are held. Unreadable if that is too much."""
        if size > self._most:
            raise Unreadable(f"{self._whom} sent more than {self._most / 1e6:g} MB. That is no answer.")
        if size > self._alone and not self._is_large:
            if not _large.acquire(timeout=self.left()):
                self.left()
            self._is_large = True

    def end(self) -> None:
        """Let another large answer come."""
        if self._is_large:
            _large.release()


@contextmanager
def within(
    whom: str,
    seconds: float,
    *,
    limit: float | None = None,
    most: int = MOST_BYTES,
    alone: int = LARGE_BYTES,
) -> Iterator[Exchange]:
    """Limit what this thread exchanges with somebody. Inside of another exchange that one counts.

    Unreachable for what is not whole in time, Unreadable for what is too large.
    """
    if outer := current():
        yield outer
        return
    exchange = Exchange(whom, seconds, limit or seconds, most, alone)
    _current.exchange = exchange
    try:
        yield exchange
    finally:
        _current.exchange = None
        exchange.end()


def current() -> Exchange | None:
    """Return the exchange that this thread is in."""
    return getattr(_current, "exchange", None)


def _patience() -> float | None:
    exchange = current()
    return None if exchange is None else exchange.patience()


def _shorter(one: float | None, other: float | None) -> float | None:
    return min((seconds for seconds in (one, other) if seconds is not None), default=None)


class _Reader(io.RawIOBase):
    """What comes over a socket. Each read ends with the exchange, and counts towards its size."""

    def __init__(self, raw: io.RawIOBase, sock: Any) -> None:
        self._raw, self._sock = raw, sock
        self._patience: float | None = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        exchange = current()
        if exchange is None:
            return self._raw.readinto(buffer)
        self._sock.settimeout(_shorter(self._patience, exchange.patience()))
        try:
            size = self._raw.readinto(buffer)
        except TimeoutError:
            exchange.patience()
            raise
        exchange.receive(size or 0)
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp: Any = io.BufferedReader(_Reader(self.fp.detach(), sock))


class _Limited:
    """Beside a class of urllib3's connections: connecting, sending and reading end with the exchange."""

    response_class = _Response
    timeout: float | None
    sock: Any

    def connect(self) -> None:
        self.timeout = _shorter(self.timeout, _patience())
        super().connect()  # type: ignore[misc]

    def send(self, data: Any) -> None:
        seconds = _patience()
        if seconds is not None and self.sock is not None:
            self.sock.settimeout(_shorter(self.sock.gettimeout(), seconds))
        super().send(data)  # type: ignore[misc]


def limited(pools: Mapping[str, type]) -> dict[str, type]:
    """Return classes of urllib3's connection pools, by their scheme, with connections that are limited."""
    return {scheme: _limited(pool) for scheme, pool in pools.items()}


def _limited(pool: Any) -> type:
    connection = type(f"Limited{pool.ConnectionCls.__name__}", (_Limited, pool.ConnectionCls), {})
    return type(f"Limited{pool.__name__}", (pool,), {"ConnectionCls": connection})
