"""The routers: a loopback port for each app, from which requests go to its web dynos, with Heroku's H errors.

A real app lives at NAME-xxxxxxxxxxxx.herokuapp.com. Nothing here resolves such names, so web_url is the
port's own address; like the real host it changes when the app is renamed.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from .logs import LogBuffer
from .shapes import new_id

REQUEST_TIMEOUT = 30
LARGEST_HEAD = 64 * 1024
ERRORS = {
    "H10": "App crashed",
    "H12": "Request timeout",
    "H13": "Connection closed without response",
    "H14": "No web processes running",
    "H20": "App boot timeout",
    "H21": "Backend connection refused",
    "H80": "Maintenance mode",
    "H81": "Blank app",
}
PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Application error</title></head>"
    "<body><h1>Application error</h1><p>{}</p></body></html>\n"
)


class Targets(NamedTuple):
    """Where requests of an app may go now: (dyno name, port) pairs, or the H error that answers them."""

    dynos: list[tuple[str, int]]
    error: str


class Backend(NamedTuple):
    """What a router needs to know of its app."""

    targets: Callable[[], Targets]
    logs: LogBuffer


class Request(NamedTuple):
    method: str
    path: str
    host: str
    head: bytes


class Routers:
    """All routers, on one event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: dict[str, asyncio.Server] = {}
        threading.Thread(target=self._loop.run_forever, name="routers", daemon=True).start()

    def open(self, app_id: str, backend: Backend, port: int = 0) -> int:
        """Listen for an app; a port of an earlier life is taken again if it is free. Returns the port."""
        return asyncio.run_coroutine_threadsafe(self._open(app_id, backend, port), self._loop).result()

    def close(self, app_id: str) -> None:
        server = self._servers.pop(app_id)
        self._loop.call_soon_threadsafe(server.close)

    async def _open(self, app_id: str, backend: Backend, port: int) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await Exchange(backend, reader, writer).run()
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                pass  # the client went away, or never spoke HTTP
            finally:
                writer.close()

        try:
            server = await asyncio.start_server(serve, "127.0.0.1", port, limit=LARGEST_HEAD, backlog=1024)
        except OSError:
            server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=LARGEST_HEAD, backlog=1024)
        self._servers[app_id] = server
        return int(server.sockets[0].getsockname()[1])


class Exchange:
    """One request and its answer; the connection ends with it."""

    def __init__(self, backend: Backend, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._backend = backend
        self._reader = reader
        self._writer = writer
        self._started = time.monotonic()
        self._request_id = new_id()

    async def run(self) -> None:
        request = self._parse(await self._reader.readuntil(b"\r\n\r\n"))
        targets = self._backend.targets()
        if not targets.dynos:
            await self._refuse(request, targets.error)
            return
        dyno, port = random.choice(targets.dynos)
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await self._refuse(request, "H21", dyno)
            return
        body = asyncio.create_task(self._send(request, upstream_writer))
        try:
            await self._answer(request, upstream_reader, dyno)
        finally:
            body.cancel()
            upstream_writer.close()

    def _parse(self, head: bytes) -> Request:
        """Return the request with a router's headers; each request finds a dyno of its own."""
        first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, _, remainder = first.partition(" ")
        headers = [line for line in rest if line.split(":")[0].lower() not in ("connection", "keep-alive")]
        host = next((line.split(":", 1)[1].strip() for line in rest if line.lower().startswith("host:")), "")
        added = [
            "Connection: close",
            "X-Forwarded-For: 127.0.0.1",
            "X-Forwarded-Proto: http",
            f"X-Forwarded-Port: {host.rpartition(':')[2]}",
            f"X-Request-Id: {self._request_id}",
            "Via: 1.1 heroku-router",
        ]
        sent = "\r\n".join([first, *headers, *added]) + "\r\n\r\n"
        return Request(method, remainder.rpartition(" ")[0], host, sent.encode("latin-1"))

    async def _send(self, request: Request, upstream: asyncio.StreamWriter) -> None:
        upstream.write(request.head)
        while chunk := await self._reader.read(65536):
            upstream.write(chunk)
            await upstream.drain()

    async def _answer(self, request: Request, upstream: asyncio.StreamReader, dyno: str) -> None:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                chunk = await upstream.read(65536)
        except TimeoutError:
            await self._refuse(request, "H12", dyno)
            return
        except ConnectionError:
            chunk = b""
        if not chunk:
            await self._refuse(request, "H13", dyno)
            return
        status, size = chunk[9:12].decode("latin-1"), 0
        while chunk:
            size += len(chunk)
            self._writer.write(chunk)
            await self._writer.drain()
            chunk = await upstream.read(65536)
        self._log("at=info", request, dyno, status, size)

    async def _refuse(self, request: Request, code: str, dyno: str = "") -> None:
        page = PAGE.format(f"{code} {ERRORS[code]}").encode()
        head = (
            "HTTP/1.1 503 Service Unavailable\r\n"
            "Content-Type: text/html; charset=utf-8\r\nConnection: close\r\n"
            f"Content-Length: {len(page)}\r\n\r\n"
        )
        self._log(f'at=error code={code} desc="{ERRORS[code]}"', request, dyno, "503", 0)
        self._writer.write(head.encode() + page)
        await self._writer.drain()

    def _log(self, at: str, request: Request, dyno: str, status: str, size: int) -> None:
        service = int((time.monotonic() - self._started) * 1000)
        self._backend.logs.add(
            "heroku",
            "router",
            (
                f'{at} method={request.method} path="{request.path}" host={request.host}'
                f' request_id={self._request_id} fwd="127.0.0.1" dyno={dyno} connect=0ms'
                f" service={service}ms status={status} bytes={size} protocol=http"
            ),
        )
