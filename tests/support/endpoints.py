"""An HTTP server whose answers the test decides."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


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

        do_GET = do_POST = answer  # noqa: N815 - the names that BaseHTTPRequestHandler looks for

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler
