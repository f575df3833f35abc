"""The world of tests/runs, and what is needed to strike and mend it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crowds import Crowd
from tests.emulators.heroku import TOKEN
from tests.emulators.running import RunningEmulator, running_emulator
from tests.recovery.strikes import FOREIGN_APPS, Wreckage
from tests.runs.conftest import crowd, running_crowd
from tests.runs.gates import Gate

__all__ = ["crowd", "running_crowd"]


@pytest.fixture
def world(tmp_path: Path, crowd: Crowd) -> Iterator[Wreckage]:
    with Gate(crowd.url) as gate:
        made = Wreckage(tmp_path, crowd, gate)
        yield made
        made.close()


@pytest.fixture
def colleague(world: Wreckage, tmp_path: Path) -> Path:
    """Another home on the same account: it has the key, and knows none of the runs."""
    home = tmp_path / "colleague"
    (home / "crowd").mkdir(parents=True, mode=0o700)
    shutil.copy2(world.crowd.credentials_file, home / "crowd" / "credentials")
    return home


@pytest.fixture(scope="session")
def running_heroku() -> Iterator[RunningEmulator]:
    with running_emulator("--boot-timeout", "10") as emulator:
        yield emulator


@pytest.fixture
def heroku(running_heroku: RunningEmulator, world: Wreckage) -> Iterator[RunningEmulator]:
    """An account with an app that is not ours and one that only looks so; the world's scripts have its key."""
    world.heroku = running_heroku
    world.variables = {"HEROKU_HOST": running_heroku.url, "HEROKU_API_KEY": TOKEN}
    for name in FOREIGN_APPS:
        running_heroku.create_app(name)
    yield running_heroku
    running_heroku.sweep()


@pytest.fixture
def heroku_run_toml(world: Wreckage, heroku: RunningEmulator) -> str:
    """A run of four units, two at once, two assignments each, whose pages are served at Heroku; and workers to do it."""
    world.add_foreign_hits()
    world.work_in_pairs()
    path = world.write_run(4, max_num_concurrent_units=2, assignments_per_unit=2)
    path.write_text(path.read_text() + '[server]\nkind = "heroku"\n')
    return str(path)
