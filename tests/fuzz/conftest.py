"""The crowd server that is fed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.targets import Target
from tests.support.crowds import Crowd


@pytest.fixture(scope="session")
def fed_server() -> Iterator[Crowd]:
    """A crowd server as it is in production: without the control API."""
    with Crowd(control=False, balance="1000000.00") as crowd:
        yield crowd


@pytest.fixture
def target(fed_server: Crowd) -> Target:
    """The server, and what this test costs it."""
    return Target(fed_server)
