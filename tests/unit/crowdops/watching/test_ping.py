"""The dead man's switch: what it is told, and that it can do the check no harm."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from crowdops.config import channels
from crowdops.config.channels import Channels
from crowdops.errors import UsageError
from crowdops.providers import pings
from crowdops.watching import ping
from crowdops.watching.findings import Level
from crowdops.watching.ping import Switch
from tests.support.ping_servers import BODY_LIMIT, UUID, Ping, PingServer
from tests.support.processes import wait_until

LINE = "CROWDOPS CRITICAL: 1 crashed run with 20 HITs out (pilot-2) | runs=3"
LIMIT = 600.0  # seconds for a check


@pytest.fixture
def server() -> Iterator[PingServer]:
    """A dead man's switch."""
    with PingServer() as running:
        yield running


def check(server: PingServer, level: Level, line: str = LINE, *, warnings_fail: bool = False) -> list[str]:
    """Tell the switch of a check; returns what it did not take."""
    return Switch(Channels(ping_url=server.ping_url, warnings_fail=warnings_fail), LIMIT).end(level, line)


@pytest.mark.parametrize(
    ("level", "warnings_fail", "code", "status"),
    [
        (Level.OK, False, 0, "up"),
        (Level.WARNING, False, 0, "up"),
        (Level.WARNING, True, 1, "down"),
        (Level.CRITICAL, False, 2, "down"),
        (Level.UNKNOWN, False, 3, "down"),
    ],
)
def test_it_is_told_of_the_start_and_of_the_end(
    server: PingServer, level: Level, warnings_fail: bool, code: int, status: str
) -> None:
    assert check(server, level, warnings_fail=warnings_fail) == []
    kind = "fail" if code else "success"
    assert server.pings == [Ping("start", None, "", ""), Ping(kind, code, LINE, "")]
    assert server.status == status
    assert {request.method for request in server.requests} == {"POST"}


def test_the_start_is_told_while_the_check_is_at_work(server: PingServer) -> None:
    switch = Switch(Channels(ping_url=server.ping_url), LIMIT)
    wait_until(lambda: server.status == "started")
    assert switch.end(Level.OK, LINE) == [] and server.status == "up"


def test_without_a_url_nobody_is_told() -> None:
    before = threading.active_count()
    assert Switch(Channels(), LIMIT).end(Level.CRITICAL, LINE) == []
    assert threading.active_count() == before


def test_a_body_stays_below_every_limit_and_whole_letters(server: PingServer) -> None:
    check(server, Level.OK, "ü" * BODY_LIMIT)
    assert len(server.requests[-1].body) <= pings.MOST_BYTES
    assert set(server.pings[-1].body) == {"ü"}


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("hang", "no answer within|did not answer within"),
        ("drip", "no answer within|did not answer within"),
        ("break", "closed the connection"),
        ("fail", "answered 500"),
        ("redirect", "leads elsewhere"),
    ],
)
def test_a_switch_that_does_not_take_it_is_said_without_its_url(
    server: PingServer, behaviour: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ping, "START_SECONDS", 0.2)
    monkeypatch.setattr(ping, "END_SECONDS", 0.5)
    server.behaviour = behaviour
    troubles = check(server, Level.OK)
    assert troubles and all(UUID not in trouble for trouble in troubles)
    assert any(word in trouble for trouble in troubles for word in why.split("|"))
    assert not [request for request in server.requests if request.path == "/other"]


def test_a_check_that_has_used_up_its_time_leaves_the_switch_a_moment(server: PingServer) -> None:
    server.behaviour = "hang"
    switch = Switch(Channels(ping_url=server.ping_url), 0.01)
    assert switch.end(Level.UNKNOWN, LINE) == ["The dead man's switch was not told: no answer within 0.7 s."]


def test_nobody_there_is_said_without_its_url() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    troubles = Switch(Channels(ping_url=f"http://127.0.0.1:{port}/ping/{UUID}"), LIMIT).end(Level.OK, LINE)
    assert len(troubles) == 2
    assert all("cannot be reached" in trouble and UUID not in trouble for trouble in troubles)


def test_a_check_that_the_switch_does_not_know_is_said(server: PingServer) -> None:
    troubles = Switch(Channels(ping_url=f"{server.url}/ping/another"), LIMIT).end(Level.OK, LINE)
    assert "answered 404" in troubles[-1]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hc-ping.com/uuid", "https://hc-ping.com/uuid/start"),
        ("https://hc-ping.com/uuid/", "https://hc-ping.com/uuid/start"),
        ("https://hc-ping.com/key/slug?create=1", "https://hc-ping.com/key/slug/start?create=1"),
        ("http://127.0.0.1:8000/ping/uuid#x", "http://127.0.0.1:8000/ping/uuid/start"),
    ],
)
def test_an_action_stands_at_the_end_of_the_path(url: str, expected: str) -> None:
    assert ping.address(url, "start") == expected


@pytest.mark.parametrize(
    "url", ["hc-ping.com/secret", "ftp://h/secret", "http:///secret", "http://[secret", "x"]
)
def test_a_url_that_is_none_is_refused_and_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="What --ping says is no URL") as refused:
        channels.ping_url(url)
    assert "secret" not in str(refused.value)
    monkeypatch.setenv("CROWDOPS_PING_URL", url)
    with pytest.raises(UsageError, match="What CROWDOPS_PING_URL says is no URL"):
        channels.ping_url(None)


def test_an_option_counts_before_the_variable_and_an_empty_one_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CROWDOPS_PING_URL", "https://hc-ping.com/uuid")
    assert channels.ping_url(None) == "https://hc-ping.com/uuid"
    assert channels.ping_url("https://lab.example/other") == "https://lab.example/other"
    assert channels.ping_url("") == ""
