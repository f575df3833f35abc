"""Work that has come in, and a door through which a command's calls can be watched and cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crowds import Crowd
from tests.review.works import Work
from tests.runs import hands
from tests.runs.gates import Gate
from tests.runs.worlds import World as Launching
from tests.worlds import World


@pytest.fixture
def work(world: World) -> Work:
    """Three units, each done by a worker, collected and not reviewed."""
    made = Work(world)
    made.collect()
    return made


@pytest.fixture
def gate(crowd_server: Crowd) -> Iterator[Gate]:
    """A door in front of the crowd server."""
    with Gate(crowd_server.url) as gate:
        yield gate


@pytest.fixture
def gated(
    gate: Gate, crowd_server: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A world whose commands reach the crowd server through the door."""
    made = World(crowd_server, tmp_path)
    made.variables["AWS_ENDPOINT_URL_MTURK"] = gate.url
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    yield made
    made.close()


@pytest.fixture
def launching(tmp_path: Path, crowd_server: Crowd, gate: Gate) -> Iterator[Launching]:
    """A world in which launch_run runs in a process of its own."""
    hands.empty(crowd_server)
    made = Launching(tmp_path, crowd_server, gate)
    yield made
    made.close()
