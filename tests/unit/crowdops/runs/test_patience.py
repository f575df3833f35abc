"""A run that loses patience says why; submissions to units that need more answers keep it alive."""

from __future__ import annotations

import time

import pytest

from tests.support.processes import wait_until
from tests.support.world import World

pytestmark = pytest.mark.gated


def test_a_run_without_submissions_ends_with_its_diagnosis(world: World) -> None:
    launch = world.launch_run(units=3, no_submission_patience=1)
    assert launch.end() == 1
    verdict = "Nobody has accepted anything since the launch"
    assert verdict in launch.said and f"{verdict} " in launch.document()["reason"]
    lines = launch.said.splitlines()
    assert any(line.startswith("  last accept: never") for line in lines)
    assert any(line.startswith("  last submission: never; patience is 1 s") for line in lines)
    assert "Next: make invite ARGS='--name NAME'" in lines


def test_a_run_whose_submissions_fill_no_unit_yet_is_not_given_up(world: World) -> None:
    patience = 3
    launch = world.launch_run(units=2, no_submission_patience=patience, assignments_per_unit=2)
    wait_until(lambda: len(world.open_hits()) == 2, 30)
    started = time.monotonic()
    wait_until(lambda: time.monotonic() - started > patience / 2)
    world.do(world.open_hits()[0])
    submitted = time.monotonic()
    assert launch.end() == 1
    # The endpoint tells times by the second.
    assert time.monotonic() - submitted > patience - 1
    assert "no submission for 3 s" in launch.said
    assert len(world.collected()) == 1
