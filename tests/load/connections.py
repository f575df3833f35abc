"""Connections that are kept open, as a browser keeps them, and cheap: hundreds of them in one thread."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

# A server that says nothing for so long hangs, however busy the machine is.
MOST_SECONDS = 120
FORM = "application/x-www-form-urlencoded"


class Answer(NamedTuple):
    """What came back; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    text: str


class Log:
    """What all requests of a load came to."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.seconds: list[float] = []
        self.lost: Counter[str] = Counter()
        self.hung: Counter[str] = Counter()

    @property
    def requests(self) -> int:
        """How many were answered."""
        return self.answers.total()

    def errors(self, *borne: int) -> dict[tuple[str, int], int]:
        """Return the answers that nobody should see, by request: those of 500 and above, less those borne."""
        return {key: count for key, count in self.answers.items() if key[1] >= 500 and key[1] not in borne}


class Connection:
    """One connection to a server: opened when it is needed, and again when it was lost."""

    def __init__(self, url: str, log: Log) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        self._address = (parts.hostname or "", parts.port or 80)
        self._log = log
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, what: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send one request and read its answer. ConnectionError: there was none, and nobody knows why."""
        head = {"Host": self.host, "Content-Length": str(len(body)), **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
        started = time.perf_counter()
        try:
            async with asyncio.timeout(MOST_SECONDS):
                answer = await self._exchange("\r\n".join([*lines, "", ""]).encode() + body)
        except (OSError, EOFError) as error:
            self.close()
            counter = self._log.hung if isinstance(error, TimeoutError) else self._log.lost
            counter[what] += 1
            raise ConnectionError from error
        self._log.seconds.append(time.perf_counter() - started)
        self._log.answers[what, answer.status] += 1
        return answer

    def close(self) -> None:
        """Close it; the next request opens it again."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is not None and self._streams[0].at_eof():
            self.close()  # by the server, which keeps none for long that nobody uses
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(first.split()[1]), headers, body.decode())


class Browser:
    """What a worker's browser does with one server: it keeps the cookie, and sends forms."""

    def __init__(self, url: str, log: Log) -> None:
        self._connection = Connection(url, log)
        self._cookies: dict[str, str] = {}

    def close(self) -> None:
        """Close its connection."""
        self._connection.close()

    async def get(self, what: str, path: str) -> Answer:
        """Open a page; a redirection is not followed."""
        return await self._ask(what, "GET", path, {}, b"")

    async def post(self, what: str, path: str, fields: Mapping[str, str]) -> Answer:
        """Send a form."""
        return await self._ask(what, "POST", path, {"Content-Type": FORM}, urlencode(fields).encode())

    async def post_from_frame(self, what: str, path: str, fields: Mapping[str, str]) -> Answer:
        """Send the form of a page in the frame, which is a site of its own and has no cookie."""
        headers = {"Content-Type": FORM, "Origin": "null"}
        return await self._connection.ask(what, "POST", path, headers, urlencode(fields).encode())

    async def _ask(self, what: str, method: str, path: str, more: Mapping[str, str], body: bytes) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {**({"Cookie": cookies} if cookies else {}), **more}
        answer = await self._connection.ask(what, method, path, headers, body)
        if cookie := answer.headers.get("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer
