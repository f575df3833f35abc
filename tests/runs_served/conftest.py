"""A world for runs whose pages are served; whatever they leave running is ended after the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crowds import Crowd
from tests.runs.conftest import crowd, running_crowd
from tests.runs.gates import Gate
from tests.runs_served.worlds import ServedWorld

__all__ = ["crowd", "running_crowd"]


@pytest.fixture
def world(tmp_path: Path, crowd: Crowd) -> Iterator[ServedWorld]:
    with Gate(crowd.url) as gate:
        made = ServedWorld(tmp_path, crowd, gate)
        yield made
        made.close()
