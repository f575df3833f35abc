"""kill -9 of everything that acts, at every API call and every registry commit; then one command mends it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.recovery.strikes import LAUNCH, RECOVER, Point, Wreckage, points
from tests.runs.conftest import FULL_SWEEP

Record = Callable[[str, object], None]

# A run of six units, three at once, two assignments each: so many calls and commits does it make, and so do those
# who mend it. A point that is never reached is not counted.
UNITS, AT_ONCE = 6, 3
EXPIRE, DOWNLOAD = "mturk/expire_hits", "mturk/download_results"


def sample(calls: int, commits: int, *chosen: str) -> pytest.MarkDecorator:
    """Take every point in the full sweep, else those named, such as "after call 4"."""
    every = points(calls, commits)
    taken = every if FULL_SWEEP else [point for point in every if str(point) in chosen]
    assert len(taken) >= len(chosen)
    return pytest.mark.parametrize("point", taken, ids=str)


@pytest.fixture
def run_toml(world: Wreckage) -> str:
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
def crashed(world: Wreckage) -> str:
    """A crashed run with six HITs out: two are done, one is half done, one is being worked on. Its id."""
    world.add_foreign_hits()
    world.work_in_pairs()
    run_id = world.crash(UNITS)
    first, second, third, fourth, *_ = world.hand.open_hits()
    for hit_id in (first, second):
        world.hand.do(hit_id, "AWORKER1")
        world.hand.do(hit_id, "AWORKER2")
    world.hand.do(third, "AWORKER1")
    world.begun[fourth] = world.hand.accept(fourth, "AWORKER1")
    return run_id


def assert_recovered(world: Wreckage, *arguments: str) -> None:
    """One recover mends everything, and a second one finds nothing to do."""
    result = world.recover(*arguments)
    assert result.exit_code == 0, result.stderr
    world.assert_nothing_is_left()
    again = world.json("local.recover", "--yes")
    assert (again["crashed_runs"], again["actions"], again["orphan_hits"]) == ([], [], 0)


def assert_done(world: Wreckage, run_id: str) -> None:
    """Every unit of a run was done, once, by both workers."""
    world.assert_nothing_is_left()
    assert world.units(run_id) == {"finished": UNITS}
    assert len(world.hand.hits(run_id)) == UNITS
    assert len(world.collected(run_id)) == 2 * UNITS


def strike(world: Wreckage, record: Record, name: str, point: Point, script: str, *arguments: str) -> None:
    """Kill a script at a point; count it if it came so far."""
    if world.kill_at(point, script, *arguments):
        record("strike", name)


@sample(28, 26, "after call 4", "before commit 7", "after commit 12")
def test_a_launch_that_is_killed_is_shut_down_by_recover(
    world: Wreckage, run_toml: str, point: Point, record_property: Record
) -> None:
    strike(world, record_property, "launch_run, then recover", point, LAUNCH, run_toml, "--yes")
    assert_recovered(world)


@sample(28, 30, "after call 5", "after commit 4")
def test_a_launch_with_a_task_server_that_is_killed_is_shut_down_by_recover(
    world: Wreckage, served_run_toml: str, point: Point, record_property: Record
) -> None:
    strike(
        world,
        record_property,
        "launch_run with a server, then recover",
        point,
        LAUNCH,
        served_run_toml,
        "--yes",
    )
    assert_recovered(world)
    assert world.server_processes() == []


@sample(28, 26, "before call 4", "after call 7", "before commit 2")
def test_a_launch_that_is_killed_is_carried_on_by_resume(
    world: Wreckage, run_toml: str, point: Point, record_property: Record
) -> None:
    strike(world, record_property, "launch_run, then --resume", point, LAUNCH, run_toml, "--yes")
    if not world.run_ids():
        assert world.hand.hits() == []
        return
    run_id = world.run_ids()[0]
    is_over = world.query("SELECT state FROM task_runs") == [("finished",)]
    world.finish(LAUNCH, "--resume", run_id, "--yes", code=2 if is_over else 0)
    assert_done(world, run_id)


@sample(9, 8, "after call 3")
def test_an_expire_hits_that_is_killed_is_made_good_by_recover(
    world: Wreckage, crashed: str, point: Point, record_property: Record
) -> None:
    strike(world, record_property, "expire_hits, then recover", point, EXPIRE, "--run", crashed, "--yes")
    assert_recovered(world)


@sample(12, 8, "after call 4")
def test_a_download_that_is_killed_loses_nothing(
    world: Wreckage, crashed: str, point: Point, record_property: Record
) -> None:
    strike(world, record_property, "download_results, then recover", point, DOWNLOAD, "--run", crashed)
    assert_recovered(world)


@sample(24, 20, "after call 5", "before commit 6")
def test_a_recover_that_is_killed_can_be_run_again(
    world: Wreckage, crashed: str, point: Point, record_property: Record
) -> None:
    strike(world, record_property, "recover, then recover", point, RECOVER, "--yes")
    assert_recovered(world)


@sample(28, 20, "after call 6")
def test_a_recover_that_carries_on_and_is_killed_can_be_run_again(
    world: Wreckage, crashed: str, point: Point, record_property: Record
) -> None:
    strike(world, record_property, "recover --resume, then the same", point, RECOVER, "--resume", "--yes")
    assert_recovered(world, "--resume")
    assert_done(world, crashed)
