"""Answers that nobody should send, made from honest ones, and a server that sends them.

The same random numbers make the same answers.
"""

from __future__ import annotations

import json
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

PIECE = 64 * 1024
PAUSE = 0.02  # seconds between the bytes of an answer that trickles
MOST_TRICKLED = 100  # bytes
Headers = Sequence[tuple[str, str]]


class Request(NamedTuple):
    """What a client asks for."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """An answer. `pieces` are sent with a pause of so many seconds after each."""

    status: str
    headers: Headers
    pieces: Callable[[], Iterator[bytes]]
    pause: float = 0.0
    start: bytes = b""  # sent instead of a status line and headers

    @classmethod
    def of(cls, body: bytes, status: str = "200 OK", kind: str = "application/json") -> Reply:
        """Return an answer with a body, as servers send it."""
        headers = (("Content-Type", kind), ("Content-Length", str(len(body))))
        return cls(status, headers, lambda: iter([body]))


def distort(chance: random.Random, honest: bytes, secret: str) -> Reply:
    """Return a hostile answer in the place of an honest one. `secret` is what it may echo."""
    return chance.choice(_DISTORTIONS)(chance, honest, secret)


def _truncated(chance: random.Random, honest: bytes, _secret: str) -> Reply:
    return Reply.of(honest[: chance.randrange(len(honest) + 1)])


def _broken_off(chance: random.Random, honest: bytes, _secret: str) -> Reply:
    headers = (("Content-Type", "application/json"), ("Content-Length", str(len(honest) + 1000)))
    return Reply("200 OK", headers, lambda: iter([honest]))


def _with_other_fields(chance: random.Random, honest: bytes, _secret: str) -> Reply:
    """Replace some values by others, or leave them out."""
    try:
        document = json.loads(honest)
    except ValueError:
        return _noise(chance, honest, "")
    for _ in range(chance.randint(1, 4)):
        document = _replaced(chance, document)
    return Reply.of(json.dumps(document).encode())


def _replaced(chance: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.9:
        name = chance.choice(list(value))
        if chance.random() < 0.15:
            return {key: item for key, item in value.items() if key != name}
        return {**value, name: _replaced(chance, value[name])}
    if isinstance(value, list) and value and chance.random() < 0.9:
        number = chance.randrange(len(value))
        return [*value[:number], _replaced(chance, value[number]), *value[number + 1 :]]
    return chance.choice(_STRANGE)


_STRANGE: tuple[Any, ...] = (
    None,
    True,
    "",
    "\ud800 half a character",
    "\x00\x1b[2J\x9b\u202e",
    "x" * 100_000,
    "Infinity",
    "NaN",
    "1e999999",
    "-1",
    0,
    -1,
    1.5,
    1e300,
    10**19,
    10**400,
    float("nan"),
    float("inf"),
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00",
    {},
    [],
    [[]],
    [None],
    {"": {"": None}},
    ["x"] * 3000,
    "<Answer><!DOCTYPE x [<!ENTITY y 'z'>]>&y;",
)


def _noise(chance: random.Random, _honest: bytes, _secret: str) -> Reply:
    return Reply.of(chance.randbytes(chance.randrange(2000)))


def _deep(chance: random.Random, _honest: bytes, _secret: str) -> Reply:
    before, after = chance.choice([(b"[", b"]"), (b'{"HITs":', b"}")])
    depth = chance.choice([500, 900, 1000, 50_000])
    return Reply.of(before * depth + b"1" + after * depth)


def _many_values(chance: random.Random, _honest: bytes, _secret: str) -> Reply:
    value = chance.choice([b"[[]],", b'{"":0},', b"{},", b'"a",', b"1,"])
    number = chance.choice([10_000, 150_000, 3_000_000])
    return _endless(b'{"NumResults":1,"HITs":[', value, number, b"1]}")


def _one_long_text(chance: random.Random, _honest: bytes, _secret: str) -> Reply:
    unit = chance.choice(["x", "é", "\U0001f600", "\\n", ","]).encode() * 1000
    # One wide character makes all of a text wide in memory.
    end = chance.choice(["", "\U0001f600", "\\ud800"]).encode() + b'"}'
    return _endless(b'{"message":"', unit, chance.choice([100, 3_500, 15_000, 40_000]), end)


def _endless(before: bytes, unit: bytes, number: int, after: bytes) -> Reply:
    per_piece = max(1, PIECE // len(unit))

    def pieces() -> Iterator[bytes]:
        yield before
        for _ in range(number // per_piece):
            yield unit * per_piece
        yield after

    return Reply("200 OK", (("Content-Type", "application/json"),), pieces)


def _bomb(chance: random.Random, _honest: bytes, _secret: str) -> Reply:
    packed = bomb(chance.choice([10, 30, 600]))
    headers = (
        ("Content-Type", chance.choice(["application/json", "text/html"])),
        ("Content-Encoding", chance.choice(["gzip", "deflate", "br", "gzip, gzip", "nonsense"])),
        ("Content-Length", str(len(packed))),
    )
    return Reply("200 OK", headers, lambda: iter([packed]))


@cache
def bomb(megabytes: int) -> bytes:
    """Return so many megabytes of blanks, packed."""
    packer = zlib.compressobj(level=1, wbits=16 + zlib.MAX_WBITS)
    return b"".join([packer.compress(b" " * 1_000_000) for _ in range(megabytes)]) + packer.flush()


def _trickle(chance: random.Random, honest: bytes, _secret: str) -> Reply:
    def pieces() -> Iterator[bytes]:
        for number in range(MOST_TRICKLED):
            yield honest[number : number + 1] or b" "

    start = chance.choice([b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50])
    return Reply("200 OK", (("Content-Type", "application/json"),), pieces, PAUSE, start)


def _html(chance: random.Random, _honest: bytes, _secret: str) -> Reply:
    status = chance.choice(
        ["200 OK", "404 Not Found", "403 Forbidden", "500 Oops", "502 Bad Gateway", "503 No"]
    )
    page = chance.choice([b"<html>", b"<a " * 15_000, b"<![foo <b>", b"<p>" * 30_000, b"<!--" * 9000, b""])
    return Reply.of(page, status, "text/html")


def _elsewhere(chance: random.Random, _honest: bytes, _secret: str) -> Reply:
    place = chance.choice(
        ["http://127.0.0.1:1/", "/", "//[", "http://\xff/", "file:///etc/passwd", "", "x" * 9000]
    )
    status = chance.choice(["300 Choice", "301 Moved", "302 Found", "307 Again", "308 Again", "399 Strange"])
    return Reply(status, (("Location", place), ("Content-Length", "0")), lambda: iter([]))


def _echo(chance: random.Random, _honest: bytes, secret: str) -> Reply:
    """Return an error that says what it was sent, and more than a terminal should show."""
    text = f"refused: {secret} \x1b]0;x\x07 \x9b2J {'y' * chance.choice([10, 100_000])}"
    error = {
        "__type": chance.choice(["RequestError", "ServiceFault", "ThrottlingException", "A#B:C", None, 7]),
        "message": chance.choice([text, text, None, [text], {"x": text}]),
        "Message": chance.choice([text, None]),
        "TurkErrorCode": chance.choice(["AWS.MechanicalTurk.InvalidHITState", None, 7, [1]]),
        "id": chance.choice(["invalid_params", "not_found", None, ["x"]]),
    }
    status = chance.choice(
        ["400 Bad", "401 No", "403 No", "404 No", "409 No", "422 No", "429 No", "500 Oops"]
    )
    return Reply.of(json.dumps(error).encode(), status)


def _headers(chance: random.Random, honest: bytes, _secret: str) -> Reply:
    """Return an honest body under headers that are wrong."""
    strange = [
        ("Content-Length", "3, 5"),
        ("Content-Length", "-1"),
        ("Content-Length", "9" * 30),
        ("Transfer-Encoding", "chunked"),
        ("Content-Type", "application/json; charset=undefined"),
        ("Content-Type", "text/html; charset=punycode"),
        ("Date", "Thu, 30 Feb 2026 99:99:99 GMT"),
        ("X-Crowd-Server-Id", "\xff<>" * 300),
        ("Next-Range", "]id ..; \xff"),
        ("Set-Cookie", "=;;;" * 500),
        ("Content-Type", "\xff" * 100),
        *[(f"X-{number}", "x") for number in range(chance.choice([0, 200]))],
    ]
    headers = (("Content-Type", "application/json"), *chance.sample(strange, min(3, len(strange))))
    return Reply(
        chance.choice(["200 OK", "206 Part", "204 None", "201 Made"]), headers, lambda: iter([honest])
    )


def _no_http(chance: random.Random, _honest: bytes, _secret: str) -> Reply:
    start = chance.choice(
        [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 999999 x\r\n\r\n", b"\x15\x03\x01", b"x" * 70_000]
    )
    return Reply("", (), lambda: iter([start]), 0.0, b"\x00")


_DISTORTIONS = (
    _truncated,
    _broken_off,
    *[_with_other_fields] * 12,
    _noise,
    _deep,
    _many_values,
    _one_long_text,
    _bomb,
    _trickle,
    _html,
    _elsewhere,
    *[_echo] * 2,
    *[_headers] * 2,
    _no_http,
)


class HostileServer:
    """An HTTP server on this machine that sends what `answer` makes of each request. None: nothing at all."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hostile": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hostile: HostileServer
    timeout = 5

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        request = Request(self.command, self.path, dict(self.headers), self.rfile.read(length))
        reply = self.hostile.answer(request)
        head = [f"HTTP/1.1 {reply.status}", *(f"{name}: {value}" for name, value in reply.headers)]
        start = "".join(f"{line}\r\n" for line in [*head, "Connection: close", ""]).encode("latin-1")
        self.close_connection = True
        try:
            if reply.start != b"\x00":
                self.wfile.write(reply.start + start)
            for piece in reply.pieces():
                self.wfile.write(piece)
                time.sleep(reply.pause)
        except OSError:  # the client had enough
            pass

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that are looked for

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        pass
