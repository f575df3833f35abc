"""A door between a client and the crowd server, which sees each API call on its way in and on its way out.

It makes moments exact that would else be a matter of luck: "when the seventh call arrives", "when the answer
to the first creation is on its way".
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit


class Call(NamedTuple):
    """An API call: its number, counted from 1, and its operation, such as CreateHIT."""

    number: int
    operation: str


class Cut(Exception):
    """Raised by a hook: the connection is closed and the client gets no answer."""


class Instead(Exception):
    """Raised by a hook: the client gets this error as its answer."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.body = json.dumps({"__type": kind, "message": message}).encode()


def let_pass(call: Call) -> None:
    """Do nothing to a call."""


class Gate:
    """A running door. `before` and `after` are called with each call, in the thread that carries it.

    `before` runs when a call has arrived and the server has not seen it, `after` when the server has answered
    and the client does not know it yet. shut() makes it silent: it accepts calls and answers none until
    open().
    """

    def __init__(self, target: str) -> None:
        self.before: Callable[[Call], None] = let_pass
        self.after: Callable[[Call], None] = let_pass
        self.calls: list[Call] = []
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self._opened.set()
        place = urlsplit(target)
        assert place.hostname and place.port
        self._place = (place.hostname, place.port)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"gate": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open()
        self._server.shutdown()
        self._server.server_close()

    def shut(self) -> None:
        """Answer nothing from now on."""
        self._opened.clear()

    def open(self) -> None:
        """Answer again; whoever waited is cut off."""
        self._opened.set()

    def count(self, operation: str) -> int:
        """Return how many calls of an operation have arrived."""
        return sum(call.operation == operation for call in list(self.calls))

    def enter(self, operation: str) -> Call:
        """Number a call that arrives. Raises Cut for one that was kept waiting by a shut door."""
        with self._lock:
            call = Call(len(self.calls) + 1, operation)
            self.calls.append(call)
        if not self._opened.is_set():
            self._opened.wait()
            raise Cut
        return call

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to what lies behind."""
        return http.client.HTTPConnection(*self._place, timeout=60)


class _Handler(BaseHTTPRequestHandler):
    gate: Gate

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.behind = self.gate.connect()

    def finish(self) -> None:
        self.behind.close()
        super().finish()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            call = self.gate.enter(self.headers.get("X-Amz-Target", self.path).rpartition(".")[2])
            self.gate.before(call)
            status, kind, answer = self._ask(body)
            self.gate.after(call)
        except Instead as error:
            status, kind, answer = 400, "application/x-amz-json-1.1", error.body
        except Cut:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _ask(self, body: bytes) -> tuple[int, str, bytes]:
        try:
            self.behind.request("POST", self.path, body, dict(self.headers))
            response = self.behind.getresponse()
            return response.status, response.headers.get("Content-Type", ""), response.read()
        except (OSError, http.client.HTTPException) as error:  # the server dropped it: so do we
            self.behind.close()
            raise Cut from error

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client was killed

    def log_message(self, format: str, *arguments: object) -> None:
        pass
