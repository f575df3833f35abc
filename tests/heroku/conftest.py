"""An emulator for the tests of what we do at Heroku: one process a file, swept clean after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crowdops.servers.heroku import deploy
from tests.emulators.heroku import ACCOUNT_EMAIL
from tests.emulators.running import RunningEmulator, running_emulator
from tests.heroku.worlds import HerokuWorld

COLLEAGUE, COLLEAGUE_TOKEN = "colleague@example.org", "colleague-token"


@pytest.fixture(scope="module")
def shared_emulator() -> Iterator[RunningEmulator]:
    with running_emulator("--boot-timeout", "4") as emulator:
        emulator.add_account(COLLEAGUE, COLLEAGUE_TOKEN)
        emulator.add_account("unpaid@example.org", "unpaid-token", verified=False)
        emulator.add_team("lab", [ACCOUNT_EMAIL, COLLEAGUE])
        yield emulator


@pytest.fixture
def heroku(
    shared_emulator: RunningEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HerokuWorld]:
    """An account without apps, a home without runs, and quicker looks at dynos that start."""
    made = HerokuWorld(shared_emulator, tmp_path)
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(deploy, "LOOK_SECONDS", 0.1)
    yield made
    made.close()
    shared_emulator.sweep()
