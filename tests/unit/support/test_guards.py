"""The guards themselves."""

import os
import socket
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import Border


def test_another_machine_cannot_be_reached(border: Border) -> None:
    with socket.socket() as sock, pytest.raises(pytest.fail.Exception, match="tried to reach 192.0.2.1"):
        sock.connect(("192.0.2.1", 80))
    with socket.socket() as sock, pytest.raises(pytest.fail.Exception, match="tried to reach 192.0.2.2"):
        sock.connect_ex(("192.0.2.2", 80))
    assert border.attempts == ["192.0.2.1", "192.0.2.2"]
    border.attempts.clear()


def test_another_machines_name_is_not_even_looked_up(border: Border) -> None:
    with pytest.raises(pytest.fail.Exception, match="tried to reach mturk-requester.us-east-1.amazonaws.com"):
        urllib.request.urlopen("https://mturk-requester.us-east-1.amazonaws.com", timeout=1)
    assert border.attempts == ["mturk-requester.us-east-1.amazonaws.com"]
    border.attempts.clear()


def test_an_attempt_that_is_swallowed_is_noted_all_the_same(border: Border) -> None:
    def attempt() -> None:
        with socket.socket() as sock, pytest.raises(pytest.fail.Exception):
            sock.connect(("192.0.2.3", 443))

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert border.attempts == ["192.0.2.3"]
    border.attempts.clear()


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, server.getsockname()[1]), timeout=5).close()


def test_homes_lie_in_the_tests_own_folder(tmp_path: Path) -> None:
    assert Path.home() == tmp_path / "user"
    assert Path(os.environ["CROWDOPS_HOME"]) == tmp_path / "home"
    assert os.environ["CROWDOPS_ENV_FILE"] == os.devnull
    assert not [name for name in os.environ if name.startswith("HEROKU_")]


def test_there_is_no_terminal() -> None:
    assert not any(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
