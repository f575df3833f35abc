"""What the tests of diagnosis share: scripts as documents, a run that somebody attends, and endpoints of other kinds."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from crowdops.registry import Run, locks
from tests.worlds import World

Document = dict[str, Any]


@pytest.fixture
def as_json(world: World) -> Callable[..., Document]:
    """Runs a script with --json and returns its document; the exit code must be the one given."""

    def run(script: str, *args: str, exit_code: int = 0) -> Document:
        result = world.invoke(script, *args, "--json")
        assert result.exit_code == exit_code, result.stderr
        document: Document = json.loads(result.stdout)
        return document

    return run


@pytest.fixture
def attended(world: World) -> Callable[[Run], AbstractContextManager[Run]]:
    """Lets this process attend a run that was left behind."""

    @contextmanager
    def attend(run: Run) -> Iterator[Run]:
        with locks.hold(world.home, run.run_id):
            yield run

    return attend


class Endpoint:
    """An HTTP server whose answer to everything the test decides: status, body, headers."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"{}"
        self.headers: dict[str, str] = {"Content-Type": "application/json"}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def say(self, **found: object) -> None:
        """Answer this JSON object from now on."""
        self.body = json.dumps(found).encode()


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response_only(endpoint.status)
            for name, value in {**endpoint.headers, "Content-Length": str(len(endpoint.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(endpoint.body)

        do_GET = do_POST = answer

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    made.start()
    yield made
    made.stop()
