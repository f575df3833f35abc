"""gunicorn's worker: a process that serves with waitress until it is told to stop."""

from __future__ import annotations

import logging
import os
import socket
import time
from types import FrameType

from gunicorn.workers.base import Worker
from waitress.task import ThreadedTaskDispatcher

from webworker.server import Server, adjustments

_LOOK_SECONDS = 1.0
_DRAIN_LOOK_SECONDS = 0.1


class WaitressWorker(Worker):
    """Serves one listening socket, with as many threads as gunicorn's settings say."""

    _server: Server | None = None

    def run(self) -> None:
        """Serve until told to stop; then answer what is whole, for as long as graceful_timeout."""
        # That more requests wait than there are threads is no fault.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        threads = ThreadedTaskDispatcher()
        threads.set_thread_count(self.cfg.threads)
        (wrapped,) = self.sockets
        listener: socket.socket = wrapped.sock  # type: ignore[attr-defined]
        self._server = Server(self.wsgi, listener, threads, adjustments(self.cfg.keepalive))
        while self.alive and self.ppid == os.getppid():
            self.notify()
            self._server.serve(_LOOK_SECONDS)
        self._finish(self._server)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, at once and not at the end of the wait for what comes in."""
        super().handle_exit(sig, frame)
        if self._server:
            self._server.pull_trigger()

    def _finish(self, server: Server) -> None:
        server.accepting = False
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while not server.is_idle and time.monotonic() < deadline:
            self.notify()
            server.serve(_DRAIN_LOOK_SECONDS)
