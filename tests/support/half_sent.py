"""Clients that send half a request and hold the connection, and what comes back on one."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

HALF = b"GET / HT"
REST = b"TP/1.1\r\n\r\n"
PATIENCE = 30


def connect(port: int, data: bytes = b"") -> socket.socket:
    """Return a new connection to a server on this machine that has sent this."""
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    connection.sendall(data)
    return connection


@contextmanager
def held(port: int, number: int, data: bytes = HALF) -> Iterator[list[socket.socket]]:
    """Hold connections that have sent half a request, until the block ends."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with ExitStack() as stack:
        yield [stack.enter_context(connect(port, data)) for _ in range(number)]


def answer(connection: socket.socket) -> str:
    """Return the next answer on a connection, head and body; empty if the server closes it instead."""
    received = b""
    while True:
        head, end, body = received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        if end and len(body) >= int(length or 0):
            return received.decode()
        try:
            more = connection.recv(65536)
        except ConnectionResetError:
            return ""
        if not more:
            return ""
        received += more
