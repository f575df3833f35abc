"""A web server that stands in front of another one, below a path of its own."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "date", "server")


class ReverseProxy:
    """Hands on what comes for `path` and below to a server on this machine; anything else is a 404.

    keeps_path, keeps_host: whether that server sees the path and the Host that the client sent.
    headers: what is added to each request. Set `port` before the first one.
    """

    def __init__(
        self,
        path: str = "",
        *,
        keeps_path: bool = True,
        keeps_host: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.port = 0
        proxy, added = self, headers or {}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if not f"{self.path.partition('?')[0]}/".startswith(f"{path}/"):
                    self.send_error(404, "not below the path")
                    return
                target = self.path if keeps_path else self.path.removeprefix(path)
                sent = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                if not keeps_host:
                    sent["Host"] = f"127.0.0.1:{proxy.port}"
                connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
                connection.request(self.command, target or "/", body, {**sent, **added})
                self._answer(connection.getresponse())
                connection.close()

            do_POST = do_GET  # noqa: N815

            def _answer(self, answer: http.client.HTTPResponse) -> None:
                body = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{path}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
