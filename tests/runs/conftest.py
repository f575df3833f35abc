"""A crowd server that all tests share, emptied for each, and a world around it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crowds import Crowd
from tests.runs.gates import Gate
from tests.runs.hands import empty
from tests.runs.worlds import World


@pytest.fixture(scope="session")
def running_crowd() -> Iterator[Crowd]:
    with Crowd() as crowd:
        yield crowd


@pytest.fixture
def crowd(running_crowd: Crowd) -> Crowd:
    """A running crowd server that nobody has used yet."""
    empty(running_crowd)
    return running_crowd


@pytest.fixture
def world(tmp_path: Path, crowd: Crowd) -> Iterator[World]:
    with Gate(crowd.url) as gate:
        made = World(tmp_path, crowd, gate)
        yield made
        made.close()
