"""kill -9 of everything that acts on a run with a task server at Heroku, at every call to either provider."""

from __future__ import annotations

import pytest

from tests.support.heroku.running import RunningEmulator
from tests.support.strikes import LAUNCH, RECOVER
from tests.support.sweeps import Point, Record, points, sweep
from tests.support.world import World

pytestmark = pytest.mark.gated

KILL = "heroku/kill_servers"
UNITS = 4  # two at once; how often a build is asked after differs by one or two calls


@sweep(points(calls=27, commits=25, heroku=20), "after commit 5", "after Heroku call 2")
def test_a_launch_that_is_killed_is_shut_down_by_recover(
    world: World, heroku_run_toml: str, point: Point, record_property: Record
) -> None:
    name = "launch_run with a Heroku app, then recover"
    world.strike(record_property, name, point, LAUNCH, heroku_run_toml, "--yes")
    world.assert_recovered()


@sweep(points(calls=27, commits=25, heroku=20), "before Heroku call 5")
def test_a_launch_that_is_killed_is_carried_on_by_resume(
    world: World, heroku_run_toml: str, point: Point, record_property: Record
) -> None:
    name = "launch_run with a Heroku app, then --resume"
    world.strike(record_property, name, point, LAUNCH, heroku_run_toml, "--yes")
    world.assert_carried_on(UNITS)


@pytest.fixture
def crashed(world: World, heroku_account: RunningEmulator, heroku_run_toml: str) -> str:
    """A run whose process died when the first two HITs were out; its app is still there. Its id."""
    assert world.kill_at(Point("call", "after", 5), LAUNCH, heroku_run_toml, "--yes")
    (run_id,) = world.run_ids()
    return run_id


@sweep(points(calls=14, commits=11, heroku=17), "after Heroku call 9")
def test_a_recover_that_is_killed_can_be_run_again(
    world: World, crashed: str, point: Point, record_property: Record
) -> None:
    name = "recover of a run with a Heroku app, then recover"
    world.strike(record_property, name, point, RECOVER, "--yes")
    world.assert_recovered()


@sweep(points(calls=24, commits=18, heroku=15), "after call 9")
def test_a_recover_that_carries_on_and_is_killed_can_be_run_again(
    world: World, crashed: str, point: Point, record_property: Record
) -> None:
    name = "recover --resume of a run with a Heroku app, then the same"
    world.strike(record_property, name, point, RECOVER, "--resume", "--yes")
    world.assert_recovered("--resume")
    world.assert_done(crashed, UNITS)


@sweep(points(commits=1, heroku=13), "after Heroku call 8")
def test_a_kill_servers_that_is_killed_is_made_good_by_recover(
    world: World, crashed: str, point: Point, record_property: Record
) -> None:
    name = "heroku/kill_servers, then recover"
    world.strike(record_property, name, point, KILL, "--run", crashed, "--yes")
    world.assert_recovered()


@sweep(points(commits=1, heroku=13), "after Heroku call 9")
def test_a_run_is_carried_on_after_a_kill_servers_that_is_killed(
    world: World, crashed: str, point: Point, record_property: Record
) -> None:
    name = "heroku/kill_servers, then recover --resume"
    world.strike(record_property, name, point, KILL, "--run", crashed, "--yes")
    world.assert_recovered("--resume")
    world.assert_done(crashed, UNITS)
