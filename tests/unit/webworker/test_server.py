"""Who sends half a request, or none, or does not read the answer, holds up nobody, and not for long."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.support.half_sent import HALF, REST, answer
from tests.support.processes import wait_until
from tests.unit.webworker.conftest import Serving
from webworker import server

ASKED = b"GET /asked HTTP/1.1\r\n\r\n"
WAITING = b"GET /wait HTTP/1.1\r\n\r\n"
TOLD = "/asked no 0"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests have to be whole at once."""
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.1)


@pytest.fixture
def three_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address has three connections at most."""
    monkeypatch.setattr(server, "ADDRESS_CONNECTIONS", 3)


@pytest.fixture
def one_thread() -> Iterator[Serving]:
    serving = Serving(threads=1)
    yield serving
    serving.stop()


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    "data",
    [b"", HALF, b"GET / HTTP/1.1\r\nHost: here\r\n", b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"],
)
def test_what_is_not_whole_in_time_is_dropped(serving: Serving, data: bytes) -> None:
    assert answer(serving.connect(data)) == ""


@pytest.mark.usefixtures("hurried")
def test_a_request_that_comes_byte_by_byte_is_dropped_too(serving: Serving) -> None:
    connection = serving.connect(HALF)
    connection.settimeout(0.02)
    with pytest.raises((ConnectionError, AssertionError)):
        for _ in range(1000):
            connection.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                assert connection.recv(1), "closed"


@pytest.mark.usefixtures("hurried")
def test_only_reading_a_request_is_timed_not_answering_it_nor_the_time_between_two(serving: Serving) -> None:
    connection = serving.connect(WAITING + ASKED[:10])
    assert serving.application.waiting.acquire(timeout=30)
    for _ in range(5):
        serving.connect().recv(1)  # each waits until one is dropped
    serving.application.go_on.set()
    assert answer(connection).endswith("/wait no 0")
    connection.sendall(ASKED[10:])
    assert answer(connection).endswith(TOLD)
    serving.connect().recv(1)
    connection.sendall(ASKED)
    assert answer(connection).endswith(TOLD)


def test_half_requests_and_answers_that_nobody_reads_hold_no_thread(one_thread: Serving) -> None:
    for _ in range(20):
        one_thread.connect(HALF)
    one_thread.connect(b"GET /bytes/12000000 HTTP/1.1\r\n\r\n")
    assert answer(one_thread.connect(ASKED)).endswith(TOLD)


@pytest.mark.usefixtures("three_at_most")
def test_of_too_many_connections_half_requests_go_first_and_the_oldest_of_them(serving: Serving) -> None:
    idle = serving.connect(ASKED)
    assert answer(idle).endswith(TOLD)
    halves = [serving.connect(HALF) for _ in range(5)]
    assert [answer(half) for half in halves[:3]] == ["", "", ""]
    idle.sendall(ASKED)
    assert answer(idle).endswith(TOLD)
    for half in halves[3:]:
        half.sendall(REST)
        assert answer(half).endswith("/ no 0")


@pytest.mark.usefixtures("three_at_most")
def test_then_those_go_that_are_idle_for_longest(serving: Serving) -> None:
    connections = []
    for _ in range(4):
        connections.append(serving.connect(ASKED))
        assert answer(connections[-1]).endswith(TOLD)
        wait_until(lambda: serving.server.is_idle)  # a thread lets go of a request after its answer is out
    assert answer(connections[0]) == ""
    connections[1].sendall(ASKED)
    assert answer(connections[1]).endswith(TOLD)
    assert answer(serving.connect(ASKED)).endswith(TOLD)
    assert answer(connections[2]) == ""


@pytest.mark.usefixtures("three_at_most")
def test_what_is_being_served_is_never_closed_for_another_one(serving: Serving) -> None:
    served = [serving.connect(WAITING) for _ in range(3)]
    for _ in range(2):  # there are two threads
        assert serving.application.waiting.acquire(timeout=30)
    wait_until(lambda: len(serving.server.task_dispatcher.queue) == 1, 30)  # the third
    assert answer(serving.connect(ASKED)) == ""
    serving.application.go_on.set()
    assert [answer(connection)[-10:] for connection in served] == ["/wait no 0"] * 3


def test_all_addresses_together_have_a_limit_too(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 2)
    halves = [serving.connect(HALF) for _ in range(4)]
    assert [answer(half) for half in halves[:2]] == ["", ""]
    assert answer(serving.connect(ASKED)).endswith(TOLD)


def test_an_answer_in_one_piece_is_sent_with_its_head(
    one_thread: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    write_soon = server.Connection.write_soon

    def write(connection: server.Connection, data: bytes) -> int:
        sent.append(data)
        return int(write_soon(connection, data))

    monkeypatch.setattr(server.Connection, "write_soon", write)
    with one_thread.connect(ASKED) as connection:
        assert answer(connection).endswith(TOLD)
    with one_thread.connect(b"GET /bytes/0 HTTP/1.1\r\n\r\n") as connection:
        assert "200 OK" in answer(connection)
    assert len(sent) == 2
