"""How much is read of a request, and what is handed on."""

from __future__ import annotations

from tests.support.half_sent import answer
from tests.unit.webworker.conftest import Serving
from webworker.requests import BODY_BYTES, HEAD_BYTES, READ_BYTES

ASKED = b"GET /asked HTTP/1.1\r\n\r\n"


def post(length: int) -> bytes:
    """The head of a request with a body of this length."""
    return b"POST /posted HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % length


def test_a_body_is_handed_on_whole_up_to_the_limit(serving: Serving) -> None:
    connection = serving.connect(post(BODY_BYTES) + b"x" * BODY_BYTES)
    assert answer(connection).endswith(f"/posted {BODY_BYTES} {BODY_BYTES}")


def test_of_a_longer_one_its_length_is_and_the_connection_lives_on(serving: Serving) -> None:
    length = 8 << 20
    connection = serving.connect(post(length) + b"x" * length)
    assert answer(connection).endswith(f"/posted {length} 0")
    connection.sendall(ASKED)
    assert answer(connection).endswith("/asked no 0")


def test_one_that_nobody_would_read_to_its_end_is_refused_before(serving: Serving) -> None:
    assert answer(serving.connect(post(READ_BYTES + 1))).startswith("HTTP/1.1 413 ")


def test_chunks_are_put_together_up_to_the_same_limit(serving: Serving) -> None:
    head = b"POST /posted HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (BODY_BYTES // 4, b"x" * (BODY_BYTES // 4))
    connection = serving.connect(head + 4 * chunk + b"0\r\n\r\n")
    assert answer(connection).endswith(f"/posted {BODY_BYTES} {BODY_BYTES}")
    assert answer(serving.connect(head + 5 * chunk)).startswith("HTTP/1.1 413 ")


def test_a_head_that_is_too_long_is_refused(serving: Serving) -> None:
    connection = serving.connect(b"GET / HTTP/1.1\r\nCookie: " + b"x" * HEAD_BYTES)
    assert " 431 " in answer(connection).splitlines()[0]


def test_a_request_with_two_lengths_is_refused(serving: Serving) -> None:
    head = b"POST /posted HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"
    assert answer(serving.connect(head + b"hello")).startswith("HTTP/1.1 400 ")
