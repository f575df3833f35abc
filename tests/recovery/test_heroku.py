"""A launch with its task server at Heroku is killed: one command takes down HITs and app, and nothing foreign."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.emulators.heroku import TOKEN
from tests.emulators.running import RunningEmulator, running_emulator
from tests.recovery.strikes import LAUNCH, Point, Wreckage, points
from tests.runs.conftest import FULL_SWEEP
from tests.runs.gates import Gate, let_pass

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


def test_from_another_home_a_living_run_keeps_its_app(
    world: Wreckage, heroku: RunningEmulator, run_toml: str, colleague: Path
) -> None:
    world.crew = let_pass
    alive = world.start(LAUNCH, run_toml, "--yes")
    world.wait_for_units("outstanding", 2)
    ours = {app["name"] for app in heroku.get("/apps")}
    for options in ((), ("--resume",)):
        document = json.loads(world.recover("--home", str(colleague), "--json", *options).stdout)
        assert document["actions"] == []
        assert (document["orphan_servers"], document["orphan_hits"]) == (1, 2)
        assert [run["run_id"] for run in document["orphan_runs"]] == [alive.run_id]
    plain = world.recover("--home", str(colleague))
    assert "Nothing of this home is left over" in plain.stderr
    (line,) = [line for line in plain.stdout.splitlines() if line.startswith("server")]
    assert line.endswith(f"left alone; --orphans {alive.run_id}")
    assert {app["name"] for app in heroku.get("/apps")} == ours
    assert len(world.hand.open_hits()) == 2


def test_an_app_whose_home_is_lost_goes_when_its_run_is_meant(
    world: Wreckage, heroku: RunningEmulator, run_toml: str, colleague: Path
) -> None:
    assert world.kill_at(Point("call", "after", 4), LAUNCH, run_toml, "--yes")
    (run_id,) = world.run_ids()
    result = world.recover("--home", str(colleague), "--orphans", run_id)
    assert result.exit_code == 0, result.stderr
    assert world.hand.open_hits() == []
    assert_no_app_is_left(heroku)


def test_the_app_of_a_run_that_crashed_at_another_endpoint_is_kept_for_it(
    world: Wreckage, heroku: RunningEmulator, run_toml: str
) -> None:
    assert world.kill_at(Point("call", "after", 4), LAUNCH, run_toml, "--yes")
    ours = {app["name"] for app in heroku.get("/apps")}
    with Gate(world.crowd.url) as other:
        world.gate, first = other, world.gate
        result = world.recover("--json")
        world.gate = first
    document = json.loads(result.stdout)
    assert (document["actions"], len(document["elsewhere"])) == ([], 1)
    assert {app["name"] for app in heroku.get("/apps")} == ours
    assert world.recover().exit_code == 0
    world.assert_nothing_is_left()
    assert_no_app_is_left(heroku)
