"""Guards around every test: nothing of this machine decides a test, and nothing leaves this machine."""

import gc
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings

# What is imported and collected stays: nobody has to look through it for garbage, now or later.
gc.disable()

# Before they are imported: what they assert is to be explained like what a test asserts.
pytest.register_assert_rewrite("tests.support")
pytest_plugins = [
    "tests.support.fixtures",
    "tests.support.sweeps",
    "tests.support.fuzzing",
    "tests.support.long",
    "tests.support.compiled",
]

_SETTINGS = ("CROWDOPS_", "CROWD_", "AWS_", "HEROKU_", "BOTO_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy")


# The machine may be busy, and nobody reads a database of examples that lies in a folder of CI's.
settings.register_profile("suite", deadline=None, max_examples=40, database=None)
settings.load_profile("suite")


def pytest_collection_finish() -> None:
    """Look for garbage only in what tests make."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def heed_signals() -> None:
    """Heed what a shell's background (Ctrl-C) and nohup (SIGHUP) let all that they start ignore."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests counts, and every test has an empty home of its own."""
    for name in list(os.environ):
        if name.startswith(_SETTINGS) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("CROWDOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CROWDOPS_ENV_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(autouse=True)
def not_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests behave the same under a terminal and under cron."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: False, raising=False)


class Border:
    """Notes each attempt to talk to another machine, and lets none through."""

    def __init__(self) -> None:
        self.attempts: list[str] = []
        self._getaddrinfo = socket.getaddrinfo

    def guarding(self, name: str) -> Callable[[socket.socket, Any], Any]:
        """Return a method of sockets that goes on only to this machine."""
        method = getattr(socket.socket, name)

        def connect(sock: socket.socket, address: Any) -> Any:
            self._check(sock, address)
            return method(sock, address)

        return connect

    def getaddrinfo(self, host: Any, *args: Any, **kwargs: Any) -> Any:
        if host and not _is_here(host):
            self._refuse(str(host))
        return self._getaddrinfo(host, *args, **kwargs)

    def _check(self, sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(address[0]):
            self._refuse(str(address[0]))

    def _refuse(self, host: str) -> NoReturn:
        self.attempts.append(host)
        # Not an Exception: a library that wraps those must not be able to hide it.
        pytest.fail(f"a test tried to reach {host}; tests talk to this machine only")


def _is_here(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in ("localhost", socket.gethostname())


@pytest.fixture(autouse=True)
def border(monkeypatch: pytest.MonkeyPatch) -> Iterator[Border]:
    """Fail a test that tries to reach another machine, even where the attempt was swallowed."""
    guard = Border()
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guard.guarding(name))
    monkeypatch.setattr(socket, "getaddrinfo", guard.getaddrinfo)
    yield guard
    assert not guard.attempts, f"the test tried to reach {', '.join(guard.attempts)}"
