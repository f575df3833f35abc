"""A requester's own server for tests: one page, on a port of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def served(page: str, status: int = 200, visits: list[tuple[str, str]] | None = None) -> Iterator[str]:
    """Serve a page at every path; gives the server's URL, without a slash at the end.

    visits: gets the path and the cookies of each request.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if visits is not None:
                visits.append((self.path.partition("?")[0], self.headers.get("Cookie", "")))
            body = page.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
