"""A server that takes every connection and never says anything whole."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self

LOOK_SECONDS = 0.05
PAUSE_SECONDS = 1.0  # between two bytes
BEGIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"


class Silence:
    """Use it as a context manager. It never answers, or `drips`: an answer comes, a byte a second, for ever.

    `visits` counts the connections.
    """

    def __init__(self, *, drips: bool = False) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listening.settimeout(LOOK_SECONDS)
        self._drips, self._is_over = drips, False
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    @property
    def visits(self) -> int:
        """How many connections were taken."""
        return len(self._connections)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        self._thread.join()
        for one in [self._listening, *self._connections]:
            one.close()

    def _serve(self) -> None:
        dripped = time.monotonic()
        while not self._is_over:
            with contextlib.suppress(TimeoutError):
                self._connections.append(self._listening.accept()[0])
                self._say(self._connections[-1], BEGIN)
            if time.monotonic() - dripped >= PAUSE_SECONDS:
                dripped = time.monotonic()
                for connection in self._connections:
                    self._say(connection, b" ")

    def _say(self, connection: socket.socket, text: bytes) -> None:
        with contextlib.suppress(OSError):  # the other side had enough
            if self._drips:
                connection.sendall(text)
