"""An emulator for the tests of the emulator: one process, swept clean after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.heroku.running import RunningEmulator, running_emulator


@pytest.fixture(scope="session")
def shared_emulator() -> Iterator[RunningEmulator]:
    with running_emulator("--boot-timeout", "1.5") as emulator:
        emulator.add_account("colleague@example.org", "colleague-token")
        emulator.add_team("lab", ["researcher@example.org", "colleague@example.org"])
        yield emulator


@pytest.fixture
def emulator(shared_emulator: RunningEmulator) -> Iterator[RunningEmulator]:
    """An account without apps and no fault on order."""
    yield shared_emulator
    shared_emulator.sweep()
