"""A server over real sockets in this process, whose limits are a test's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from waitress.task import ThreadedTaskDispatcher

from tests.support.half_sent import connect
from webworker.server import Server, adjustments

KEEPALIVE = 60


class Application:
    """Tells what it was asked for, or as many bytes as the path says; /wait waits until it may go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.waiting = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/wait":
            self.waiting.release()
            self.go_on.wait()
        if environ["PATH_INFO"].startswith("/bytes/"):
            body = b"x" * int(environ["PATH_INFO"].removeprefix("/bytes/"))
        else:
            taken = len(environ["wsgi.input"].read())
            body = f"{environ['PATH_INFO']} {environ.get('CONTENT_LENGTH', 'no')} {taken}".encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]


class Serving:
    """A server that serves in a thread of its own; its limits are looked after in each of its rounds."""

    def __init__(self, threads: int = 2) -> None:
        self.application = Application()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = ThreadedTaskDispatcher()
        self._threads.set_thread_count(threads)
        settings = adjustments(KEEPALIVE)
        settings.cleanup_interval = 0
        self.server = Server(self.application, self._listener, self._threads, settings)
        self._over = threading.Event()
        self._loop = threading.Thread(target=self._serve)
        self._loop.start()

    def connect(self, data: bytes = b"") -> socket.socket:
        """Return a new connection that has sent this."""
        return connect(self.port, data)

    def stop(self) -> None:
        """End the server and its threads."""
        self.application.go_on.set()
        self._over.set()
        self.server.pull_trigger()
        self._loop.join()
        self._threads.shutdown()
        for one in (*self.server.active_channels.values(), self.server):
            one.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            self.server.serve(0.05)


@pytest.fixture
def serving() -> Iterator[Serving]:
    one = Serving()
    yield one
    one.stop()
