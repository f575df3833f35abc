"""kill -9 of everything that acts, at every API call and every registry commit; then one command mends it."""

from __future__ import annotations

import pytest

from tests.support.strikes import DOWNLOAD, EXPIRE, LAUNCH, RECOVER
from tests.support.sweeps import Point, Record, points, sweep
from tests.support.world import World

pytestmark = pytest.mark.gated

# A run of six units, three at once, two assignments each: so many calls and commits does it make, and so do
# those who mend it.
UNITS, AT_ONCE = 6, 3
KILL = "local/kill_servers"


@pytest.fixture
def run_toml(world: World) -> str:
    """A run to launch, workers to do it, and HITs of somebody else in the same account."""
    world.add_foreign_hits()
    world.work_in_pairs()
    return str(world.write_run(UNITS, max_num_concurrent_units=AT_ONCE, assignments_per_unit=2))


@pytest.fixture
def served_run_toml(run_toml: str) -> str:
    """The same with a task server on this machine."""
    with open(run_toml, "a") as file:
        file.write('[server]\nkind = "local"\n')
    return run_toml


@pytest.fixture
def crashed(world: World) -> str:
    """A crashed run with six HITs out: two are done, one is half done, one is being worked on. Its id."""
    world.add_foreign_hits()
    world.work_in_pairs()
    run_id = world.crash(units=UNITS, assignments=2).run_id
    first, second, third, fourth, *_ = world.open_hits()
    for hit_id in (first, second):
        world.do(hit_id, "AWORKER1")
        world.do(hit_id, "AWORKER2")
    world.do(third, "AWORKER1")
    world.begun[fourth] = world.accept(fourth, "AWORKER1")
    return run_id


@sweep(points(calls=35, commits=27), "after call 4", "before commit 7")
def test_a_launch_that_is_killed_is_shut_down_by_recover(
    world: World, run_toml: str, point: Point, record_property: Record
) -> None:
    world.strike(record_property, "launch_run, then recover", point, LAUNCH, run_toml, "--yes")
    world.assert_recovered()


@sweep(points(calls=35, commits=27), "before call 4", "before commit 2")
def test_a_launch_that_is_killed_is_carried_on_by_resume(
    world: World, run_toml: str, point: Point, record_property: Record
) -> None:
    world.strike(record_property, "launch_run, then --resume", point, LAUNCH, run_toml, "--yes")
    world.assert_carried_on(UNITS)


@sweep(points(calls=35, commits=31), "after call 5", "after commit 4")
def test_a_launch_with_a_task_server_that_is_killed_is_shut_down_by_recover(
    world: World, served_run_toml: str, point: Point, record_property: Record
) -> None:
    name = "launch_run with a server, then recover"
    world.strike(record_property, name, point, LAUNCH, served_run_toml, "--yes")
    world.assert_recovered()


@sweep(points(calls=35, commits=31), "before commit 5")
def test_a_launch_with_a_task_server_that_is_killed_is_carried_on_by_resume(
    world: World, served_run_toml: str, point: Point, record_property: Record
) -> None:
    name = "launch_run with a server, then --resume"
    world.strike(record_property, name, point, LAUNCH, served_run_toml, "--yes")
    world.assert_carried_on(UNITS)


@pytest.fixture
def stopped(world: World) -> str:
    """A run of six units, three at once, that was stopped when three were out. Its id."""
    world.add_foreign_hits()
    parts = {"max_num_concurrent_units": AT_ONCE, "assignments_per_unit": 2}
    launch = world.start(LAUNCH, str(world.write_run(UNITS, **parts)), "--yes")
    world.wait_for_units("outstanding", AT_ONCE)
    launch.press()
    assert launch.end() == 0, launch.said
    world.work_in_pairs()
    return launch.run_id


@sweep(points(calls=23, commits=24), "after call 2", "before commit 1", "after commit 1", "after commit 4")
def test_a_resume_of_a_stopped_run_that_is_killed_is_carried_on_by_resume(
    world: World, stopped: str, point: Point, record_property: Record
) -> None:
    name = "--resume of a stopped run, then --resume"
    world.strike(record_property, name, point, LAUNCH, "--resume", stopped, "--yes", code=1)
    if world.units(stopped).get("finished") != UNITS - AT_ONCE or world.run(stopped).state != "finished":
        world.finish(LAUNCH, "--resume", stopped, "--yes", code=1)
    world.assert_nothing_is_left()
    assert world.units(stopped) == {"expired": AT_ONCE, "finished": UNITS - AT_ONCE}
    assert len(world.hits(stopped)) == UNITS


@sweep(points(calls=23, commits=24), "before call 4", "before commit 3")
def test_a_resume_of_a_stopped_run_that_is_killed_is_shut_down_by_recover(
    world: World, stopped: str, point: Point, record_property: Record
) -> None:
    name = "--resume of a stopped run, then recover"
    world.strike(record_property, name, point, LAUNCH, "--resume", stopped, "--yes", code=1)
    world.assert_recovered()


@sweep(points(calls=11, commits=6), "after call 3")
def test_an_expire_hits_that_is_killed_is_made_good_by_recover(
    world: World, crashed: str, point: Point, record_property: Record
) -> None:
    name = "expire_hits, then recover"
    world.strike(record_property, name, point, EXPIRE, "--run", crashed, "--yes")
    world.assert_recovered()


@sweep(points(calls=15, commits=5), "after call 4")
def test_a_download_that_is_killed_loses_nothing(
    world: World, crashed: str, point: Point, record_property: Record
) -> None:
    name = "download_results, then recover"
    world.strike(record_property, name, point, DOWNLOAD, "--run", crashed)
    world.assert_recovered()


@sweep(points(calls=15, commits=5), "after call 6")
def test_a_run_is_carried_on_after_a_download_that_is_killed(
    world: World, crashed: str, point: Point, record_property: Record
) -> None:
    name = "download_results, then recover --resume"
    world.strike(record_property, name, point, DOWNLOAD, "--run", crashed)
    world.assert_recovered("--resume")
    world.assert_done(crashed, UNITS)


@sweep(points(calls=26, commits=18), "after call 5", "before commit 6")
def test_a_recover_that_is_killed_can_be_run_again(
    world: World, crashed: str, point: Point, record_property: Record
) -> None:
    world.strike(record_property, "recover, then recover", point, RECOVER, "--yes")
    world.assert_recovered()


@sweep(points(calls=25, commits=19), "after call 6")
def test_a_recover_that_carries_on_and_is_killed_can_be_run_again(
    world: World, crashed: str, point: Point, record_property: Record
) -> None:
    name = "recover --resume, then the same"
    world.strike(record_property, name, point, RECOVER, "--resume", "--yes")
    world.assert_recovered("--resume")
    world.assert_done(crashed, UNITS)


@sweep(points(calls=14, commits=14), "before commit 4")
def test_every_expiry_is_in_the_journal_once_after_a_recover_that_is_killed(
    world: World, point: Point, record_property: Record
) -> None:
    world.add_hit(world.crash(units=2), 1)
    open_hits = sorted(world.open_hits())
    name = "recover of a unit with two HITs, then recover"
    world.strike(record_property, name, point, RECOVER, "--yes")
    assert world.recover().exit_code == 0
    assert world.open_hits() == []
    journal = world.sql("SELECT target FROM events WHERE kind = 'hit-expired' ORDER BY target")
    assert journal == [(hit_id,) for hit_id in open_hits]


@pytest.fixture
def crashed_with_server(world: World, served_run_toml: str) -> str:
    """A run whose process died when the first three HITs were out; its task server is still there. Its id."""
    assert world.kill_at(Point("call", "after", 6), LAUNCH, served_run_toml, "--yes")
    assert world.server_processes()
    (run_id,) = world.run_ids()
    return run_id


@sweep(points(calls=18, commits=13), "after call 5", "before commit 8")
def test_a_recover_of_a_run_with_a_server_that_is_killed_can_be_run_again(
    world: World, crashed_with_server: str, point: Point, record_property: Record
) -> None:
    name = "recover of a run with a server, then recover"
    world.strike(record_property, name, point, RECOVER, "--yes")
    world.assert_recovered()


@sweep(points(calls=33, commits=25), "after commit 3")
def test_a_recover_that_carries_a_run_with_a_server_on_and_is_killed_can_be_run_again(
    world: World, crashed_with_server: str, point: Point, record_property: Record
) -> None:
    name = "recover --resume of a run with a server, then the same"
    world.strike(record_property, name, point, RECOVER, "--resume", "--yes")
    world.assert_recovered("--resume")
    world.assert_done(crashed_with_server, UNITS)


@sweep(points(commits=1), "before commit 1")
def test_a_kill_servers_that_is_killed_is_made_good_by_recover(
    world: World, crashed_with_server: str, point: Point, record_property: Record
) -> None:
    name = "kill_servers, then recover"
    world.strike(record_property, name, point, KILL, "--run", crashed_with_server, "--yes")
    world.assert_recovered()


@sweep(points(commits=1), "after commit 1")
def test_a_run_is_carried_on_after_a_kill_servers_that_is_killed(
    world: World, crashed_with_server: str, point: Point, record_property: Record
) -> None:
    name = "kill_servers, then recover --resume"
    world.strike(record_property, name, point, KILL, "--run", crashed_with_server, "--yes")
    world.assert_recovered("--resume")
    world.assert_done(crashed_with_server, UNITS)
