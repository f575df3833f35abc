"""waitress, with a limit of time on each request and of connections on each address."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask

from webworker.requests import HEAD_BYTES, MEMORY_BYTES, READ_BYTES, Request

REQUEST_SECONDS = 15
CONNECTIONS = 800
ADDRESS_CONNECTIONS = 600
# In the environment of a request: its connection, for who wants to break it off.
SOCKET = "webworker.socket"


def adjustments(keepalive: int) -> Adjustments:
    """Return waitress's settings; keepalive: seconds that a connection may be idle."""
    return Adjustments(
        listen="127.0.0.1:0",  # not listened to: a server is given its socket
        channel_timeout=keepalive,
        cleanup_interval=1,
        # Its own limit closes nothing and accepts no more: never reached.
        connection_limit=10 * CONNECTIONS,
        max_request_header_size=HEAD_BYTES,
        max_request_body_size=READ_BYTES,
        inbuf_overflow=MEMORY_BYTES,
        asyncore_use_poll=True,
        log_socket_errors=False,
        # Whom to trust is each server's own setting.
        clear_untrusted_proxy_headers=False,
        ident=None,
    )


class _Task(WSGITask):
    """One request, answered by the application in a thread."""

    def get_environment(self) -> dict[str, Any]:
        """Return the environment of WSGI, with the connection."""
        environ: dict[str, Any] = super().get_environment()
        environ[SOCKET] = self.channel.socket
        return environ

    def write(self, data: bytes) -> None:
        """Send the head together with a body that comes in one piece: waitress sends one after the other."""
        if self.wrote_header or not data or self.content_length != len(data) or not self.has_body:
            super().write(data)
            return
        head = self.build_response_header()
        self.wrote_header = True
        self.content_bytes_written = len(data)
        self.channel.write_soon(head + data)


class Connection(HTTPChannel):
    """One connection. `begun`: when it began to send what is no whole request yet; None while it is idle."""

    parser_class = Request
    task_class = _Task

    def __init__(self, server: Server, sock: socket.socket, addr: Any, adj: Adjustments, map: Any) -> None:
        super().__init__(server, sock, addr, adj, map=map)
        self.address: str = addr[0]
        self.begun: float | None = time.monotonic()

    def received(self, data: bytes) -> bool:
        """Take what has come in, and hand on what is whole."""
        is_taken: bool = super().received(data)
        if self.request is None:
            self.begun = None
        elif self.begun is None:
            self.begun = time.monotonic()
        return is_taken

    @property
    def is_served(self) -> bool:
        """Whether a thread has a request of it, or will."""
        return bool(self.requests)

    def drop_if_late(self, now: float) -> None:
        """Close it if its request is not whole in time."""
        if self.begun is None:
            return
        if self.is_served:
            self.begun = now  # it is not read from meanwhile
        elif now - self.begun > REQUEST_SECONDS:
            self.will_close = True

    def usefulness(self) -> tuple[bool, float]:
        """Return what orders connections by how much is lost with them, the least first."""
        return self.begun is None, self.last_activity if self.begun is None else self.begun


class Server(TcpWSGIServer):
    """One listening socket with its connections."""

    channel_class = Connection

    def __init__(
        self,
        application: Any,
        listener: socket.socket,
        threads: ThreadedTaskDispatcher,
        settings: Adjustments,
    ) -> None:
        place = (listener.family, listener.type, listener.proto, listener.getsockname())
        self._open: dict[int, Any] = {}
        super().__init__(
            application,
            self._open,
            _sock=listener,
            dispatcher=threads,
            adj=settings,
            bind_socket=False,
            sockinfo=place,
        )

    @property
    def is_idle(self) -> bool:
        """Whether no request is being served and no answer is on its way."""
        return not any(one.is_served or one.total_outbufs_len for one in self._connections())

    def serve(self, seconds: float) -> None:
        """Read and write what can be read and written; wait for it for at most that long."""
        self.asyncore.loop(seconds, use_poll=True, map=self._open, count=1)

    def maintenance(self, now: int) -> None:
        """Close what has been idle, or half sent, for too long; waitress asks for it every second."""
        super().maintenance(now)
        moment = time.monotonic()
        for connection in self._connections():
            connection.drop_if_late(moment)

    def handle_accept(self) -> None:
        """Take a new connection, in the place of another one if there are too many."""
        super().handle_accept()
        connections = [one for one in self._connections() if not one.will_close]
        if not connections:
            return
        newest = connections[-1]
        of_address = [one for one in connections if one.address == newest.address]
        if len(of_address) > ADDRESS_CONNECTIONS:
            _close_one(of_address, newest)
        elif len(connections) > CONNECTIONS:
            _close_one(connections, newest)

    def _connections(self) -> list[Connection]:
        """Return what is open, the newest last."""
        return [one for one in tuple(self._open.values()) if isinstance(one, Connection)]


def _close_one(connections: Iterable[Connection], newest: Connection) -> None:
    others = [one for one in connections if one is not newest and not one.is_served]
    min(others, key=Connection.usefulness, default=newest).will_close = True
