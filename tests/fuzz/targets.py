"""A crowd server that is fed: what it answers to anything at all, how long it takes, and what it needs."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
import types
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil

from tests.load import ledger
from tests.support import fuzzing
from tests.support.crowds import Crowd
from tests.support.fuzzing import Cost, Record
from tests.support.offers import sign

# What is larger may be refused before it is read whole: then the connection ends under it.
READ_WHOLE = 15_000
API_TYPE = "application/x-amz-json-1.1"
_NOTHING: Mapping[str, str] = types.MappingProxyType({})
_VERSION = "MTurkRequesterServiceV20170117."


class Answer(NamedTuple):
    """What came back; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    text: str


class Target:
    """A running crowd server, and what its answers have cost so far."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self._credentials = crowd.credentials
        self._socket: socket.socket | None = None
        self._requests = 0
        self._slowest = 0.0

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer | None:
        """Send a request as it is; None if it was cut off, as only large ones may be. Asserts: no error."""
        address = urlsplit(self.crowd.url).netloc
        complete = {"Host": address, "Content-Length": str(len(body)), **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in complete.items())]
        request = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + body
        started = time.monotonic()
        answer = self._exchange(method, request)
        self._slowest = max(self._slowest, time.monotonic() - started)
        self._requests += 1
        if answer is None:
            assert len(request) > READ_WHOLE, "it was not answered"
            return None
        assert answer.status < 500, answer.text[-1000:]
        return answer

    def sign(
        self, operation: str, body: bytes, more: Mapping[str, str] = _NOTHING, path: str = "/"
    ) -> dict[str, str]:
        """Return the headers of a request to the API; `more` of them are signed, too."""
        headers = {"Content-Type": API_TYPE, "X-Amz-Target": _VERSION + operation, **more}
        return sign(self.crowd.url + path, body, self._credentials, headers)

    def end(self, record: Record, name: str) -> None:
        """Enter what it all cost; asserts that nothing broke in the end."""
        self._close()
        processes = [self.crowd.pid, *(child.pid for child in psutil.Process(self.crowd.pid).children())]
        memory = max(fuzzing.peak_memory(pid) for pid in processes)
        fuzzing.note(record, name, Cost(self._requests, self._slowest, memory))
        assert ledger.broken_rules(self.crowd) == []
        assert "Traceback" not in (self.crowd.home / "stderr.log").read_text()

    def _exchange(self, method: str, request: bytes) -> Answer | None:
        """Return the answer, on a new connection where the server has closed the one there was."""
        is_reused = self._socket is not None
        answer = self._try(method, request)
        return self._try(method, request) if answer is None and is_reused else answer

    def _try(self, method: str, request: bytes) -> Answer | None:
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._connection().sendall(request)
            response = http.client.HTTPResponse(self._connection(), method=method)
            response.begin()
            content = response.read()
        except (ConnectionResetError, http.client.RemoteDisconnected):
            self._close()
            return None
        if response.will_close:
            self._close()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, content.decode())

    def _connection(self) -> socket.socket:
        if self._socket is None:
            parts = urlsplit(self.crowd.url)
            address = (parts.hostname or "", parts.port or 80)
            self._socket = socket.create_connection(address, fuzzing.MOST_SECONDS)
        return self._socket

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
