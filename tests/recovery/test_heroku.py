"""A launch with its task server at Heroku is killed: one command takes down HITs and app, and nothing foreign."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.emulators.heroku import TOKEN
from tests.emulators.running import RunningEmulator, running_emulator
from tests.recovery.strikes import LAUNCH, Point, Wreckage, points
from tests.runs.conftest import FULL_SWEEP

SAMPLE = ("after call 4", "after commit 5")
POINTS = [point for point in points(12, 20) if FULL_SWEEP or str(point) in SAMPLE]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with running_emulator("--boot-timeout", "10") as emulator:
        yield emulator


@pytest.fixture
def heroku(running: RunningEmulator, world: Wreckage) -> Iterator[RunningEmulator]:
    """An account with an app that is not ours and one that only looks so."""
    world.variables = {"HEROKU_HOST": running.url, "HEROKU_API_KEY": TOKEN}
    running.create_app("somebodys-blog")
    running.create_app("crowdops-look-alike-01234567")
    yield running
    running.sweep()


@pytest.fixture
def run_toml(world: Wreckage, heroku: RunningEmulator) -> str:
    world.add_foreign_hits()
    world.work_in_pairs()
    path = world.write_run(4, max_num_concurrent_units=2, assignments_per_unit=2)
    path.write_text(path.read_text() + '[server]\nkind = "heroku"\n')
    return str(path)


def assert_no_app_is_left(heroku: RunningEmulator) -> None:
    assert {app["name"] for app in heroku.get("/apps")} == {"somebodys-blog", "crowdops-look-alike-01234567"}


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_a_launch_with_a_heroku_app_that_is_killed_is_shut_down_by_recover(
    world: Wreckage,
    heroku: RunningEmulator,
    run_toml: str,
    point: Point,
    record_property: Callable[[str, object], None],
) -> None:
    if world.kill_at(point, LAUNCH, run_toml, "--yes"):
        record_property("strike", "launch_run with a Heroku app, then recover")
    result = world.recover()
    assert result.exit_code == 0, result.stderr
    world.assert_nothing_is_left()
    assert_no_app_is_left(heroku)


def test_the_plan_tells_what_an_app_costs_and_resume_keeps_it(
    world: Wreckage, heroku: RunningEmulator, run_toml: str
) -> None:
    assert world.kill_at(Point("call", "after", 4), LAUNCH, run_toml, "--yes")
    (run_id,) = world.run_ids()
    plan = world.script("local.recover", "--dry-run").stdout
    (line,) = [line for line in plan.splitlines() if line.startswith("server")]
    assert "$0.0097 an hour" in line
    assert line.endswith("take down")
    assert "kept for its run" in world.script("local.recover", "--resume", "--dry-run").stdout
    app = {app["name"] for app in heroku.get("/apps")}
    assert world.recover("--resume").exit_code == 0
    assert world.units(run_id) == {"finished": 4}
    assert len(app) == 3
    world.assert_nothing_is_left()
    assert_no_app_is_left(heroku)
