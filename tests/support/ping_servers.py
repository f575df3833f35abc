"""A dead man's switch in the form of healthchecks, and a receiver of webhooks. Both can misbehave.

https://healthchecks.io/docs/http_api/
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from tests.support.hostile import HostileServer, Reply, Request

UUID = "5f0b6a1e-6d3c-4b1e-9a51-2f6d0c1b7a90"  # of the one check that the switch has
BODY_LIMIT = 10_000
MOST_SECONDS = 60  # that anything hangs
_PING = re.compile(rf"/ping/{UUID}(?:/(?P<action>start|fail|log|\d+))?")


class Ping(NamedTuple):
    """A ping: 'success', 'start', 'log' or 'fail', its exit status if it has one, and what is kept of it."""

    kind: str
    exit_status: int | None
    body: str
    query: str


class _Misbehaving:
    """A server that answers as `answer` says, or as `behaviour` says: hang, drip, break, fail, redirect."""

    def __init__(self) -> None:
        self.behaviour = "answer"
        self.requests: list[Request] = []
        self._over = threading.Event()
        self._server = HostileServer(self._reply)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.__exit__(kind, error, trace)

    def answer(self, request: Request) -> Reply:
        """Return the answer to a request."""
        raise NotImplementedError

    def _reply(self, request: Request) -> Reply:
        self.requests.append(request)
        behaviours: dict[str, Callable[[Request], Reply]] = {
            "answer": self.answer,
            "hang": self._hang,
            "drip": self._drip,
            "break": lambda request: Reply("", (), lambda: iter(()), start=b"\x00"),
            "fail": lambda request: Reply.of(b"broken", "500 Internal Server Error"),
            "redirect": lambda request: Reply(
                "302 Found", (("Location", f"{self.url}/other"),), lambda: iter(())
            ),
        }
        return behaviours[self.behaviour](request)

    def _hang(self, request: Request) -> Reply:
        self._over.wait(MOST_SECONDS)
        return Reply("", (), lambda: iter(()), start=b"\x00")

    def _drip(self, request: Request) -> Reply:
        def drops() -> Iterator[bytes]:
            while not self._over.wait(0.2):
                yield b"O"

        return Reply("200 OK", (("Content-Length", "1000000"),), drops)


class PingServer(_Misbehaving):
    """A dead man's switch with one check."""

    def __init__(self) -> None:
        super().__init__()
        self.pings: list[Ping] = []

    @property
    def ping_url(self) -> str:
        """The URL of its check."""
        return f"{self.url}/ping/{UUID}"

    @property
    def status(self) -> str:
        """The status of its check: new, started, up or down."""
        words = {"start": "started", "success": "up", "fail": "down"}
        return next((words[ping.kind] for ping in reversed(self.pings) if ping.kind in words), "new")

    def answer(self, request: Request) -> Reply:
        """Take a ping as healthchecks does."""
        parts = urlsplit(request.path)
        match = _PING.fullmatch(parts.path)
        if not match or request.method not in ("GET", "POST", "HEAD"):
            return Reply.of(b"not found", "404 Not Found", "text/plain")
        action = match["action"]
        exit_status = int(action) if action and action.isdigit() else None
        if exit_status is not None and exit_status > 255:
            return Reply.of(b"invalid url format", "400 Bad Request", "text/plain")
        kind = action or "success"
        if exit_status is not None:
            kind = "fail" if exit_status else "success"
        kept = request.body[:BODY_LIMIT].decode(errors="replace")
        self.pings.append(Ping(kind, exit_status, kept, parts.query))
        headers = (("Content-Length", "2"), ("Ping-Body-Limit", str(BODY_LIMIT)))
        return Reply("200 OK", headers, lambda: iter([b"OK"]))


class WebhookServer(_Misbehaving):
    """A receiver of webhooks."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: list[dict[str, Any]] = []

    def notify_url(self, path: str = "hook") -> str:
        """The URL that it is told by."""
        return f"{self.url.replace('http://', 'json://')}/{path}"

    def answer(self, request: Request) -> Reply:
        """Take a webhook's document."""
        self.documents.append(json.loads(request.body))
        return Reply.of(b"")
