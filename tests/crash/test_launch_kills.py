"""kill -9 at exactly known moments of a launch, and a service that fails in every way it can."""

import signal

import pytest

from tests.support.gates import Call, Cut
from tests.support.processes import wait_until
from tests.support.scripts import Script
from tests.support.sweeps import Point, Record, note, points, sweep
from tests.support.world import World

pytestmark = pytest.mark.gated

FAULTS = {
    "a third throttled": {"operation": "*", "kind": "throttle", "probability": 0.3},
    "errors before": {"operation": "*", "kind": "error-before", "count": 3},
    "errors after": {"operation": "*", "kind": "error-after", "count": 3},
    "creations that fail": {"operation": "CreateHITWithHITType", "kind": "error-before", "count": 5},
    "answers dropped": {"operation": "CreateHITWithHITType", "kind": "drop-after", "count": 5},
    "slow answers": {"operation": "CreateHITWithHITType", "kind": "slow", "count": 2, "seconds": 1.2},
}


def work(world: World, call: Call) -> None:
    """Do two of the open HITs whenever the run looks."""
    if call.operation == "ListReviewableHITs":
        for hit_id in world.open_hits()[:2]:
            world.do(hit_id)


def kill_at(world: World, point: Point) -> Script:
    """Launch a run of eight units, four at once, and kill it at a point."""
    options = {"max_num_concurrent_units": 4, "variables": {"CROWDOPS_THREADS": "2"}}
    if point.what == "commit":
        world.gate.before = lambda call: work(world, call)
        return world.launch_run(struck=("SIGKILL", point.when, str(point.number)), **options)
    started: list[Script] = []

    def strike(call: Call) -> None:
        if call.number == point.number:
            wait_until(lambda: bool(started))
            started[0].press(signal.SIGKILL)
            started[0].end()
            raise Cut

    def before(call: Call) -> None:
        work(world, call)
        if point.when == "before":
            strike(call)

    world.gate.before = before
    if point.when == "after":
        world.gate.after = strike
    started.append(world.launch_run(**options))
    return started[0]


def assert_nothing_is_lost(world: World, launch: Script) -> None:
    """The run was killed: it is seen as crashed, and one command each takes it down and collects its work."""
    assert world.doubled_units() == []
    if not world.run_ids():
        assert world.hits() == []
        return
    run_id = world.run_ids()[0]
    known = {hit_id for (hit_id,) in world.sql("SELECT hit_id FROM units WHERE hit_id IS NOT NULL")}
    unknown = [hit for hit in world.hits() if hit.hit_id not in known]
    assert len(unknown) <= world.units(run_id).get("creating", 0)
    assert f"{run_id}" in (shown := world.invoke("local/print_runs")).stdout
    is_over = world.sql("SELECT state FROM task_runs") == [("finished",)]  # killed after its last commit
    assert ("crashed" in shown.stdout) != is_over
    check = world.invoke("mturk/print_outstanding_hit_status", "--check")
    if world.open_hits():
        assert check.exit_code == 4
        assert run_id in check.stdout
        assert f"make resume RUN={run_id}, or end it: make recover" in check.stdout
    else:
        assert (check.exit_code, check.stdout) == (0, "")
    expired = world.invoke("mturk/expire_hits", "--run", run_id, "--yes")
    assert expired.exit_code == 0, expired.stderr
    assert world.open_hits() == []
    collected = world.invoke("mturk/download_results", "--run", run_id)
    assert collected.exit_code == 0, collected.stderr
    assert world.collected() == world.submitted()
    assert world.invoke("mturk/print_outstanding_hit_status", "--check").exit_code == 0


@sweep(
    points(calls=44, commits=32),
    "after call 4",
    "before call 9",
    "after commit 5",
    "before commit 7",
)
def test_a_run_that_is_killed_leaves_nothing_that_cannot_be_found(
    world: World, point: Point, record_property: Record
) -> None:
    launch = kill_at(world, point)
    code = launch.end()
    assert code in (-signal.SIGKILL, 0), launch.said
    note(record_property, "launch_run, then expire_hits and download_results", point, code != 0)
    if code:
        assert_nothing_is_lost(world, launch)


def finish(world: World, units: int, **options: str) -> Script:
    """Launch a run whose units are all done as soon as they are out, and wait for its end."""

    def do_all(call: Call) -> None:
        if call.operation == "ListReviewableHITs":
            for hit_id in world.open_hits():
                world.do(hit_id)

    world.gate.before = do_all
    launch = world.launch_run(units=units, variables=options)
    assert launch.end() == 0, launch.said
    assert world.doubled_units() == []
    assert world.units(launch.run_id) == {"finished": units}
    assert len(world.collected()) == units
    assert world.collected() == world.submitted()
    assert "Traceback" not in launch.said
    return launch


@pytest.mark.parametrize("name", FAULTS)
def test_a_launch_ends_as_if_nothing_had_happened_in_spite_of(world: World, name: str) -> None:
    world.crowd.control("faults", FAULTS[name])
    finish(world, 6, CROWDOPS_TIMEOUT="3")


def test_answers_that_are_lost_for_longer_than_the_time_limit_are_settled_by_their_tokens(
    world: World,
) -> None:
    def lose(call: Call) -> None:
        if call.operation == "CreateHITWithHITType" and "The run goes on trying." not in world.said:
            raise Cut

    world.gate.after = lose
    launch = finish(world, 6, CROWDOPS_TIMEOUT="2.5", CROWDOPS_THREADS="3")
    assert launch.said.count("The run goes on trying.") == 1
    assert launch.said.count("The endpoint answers again.") == 1


def test_a_duplicate_answer_that_names_no_hit_is_settled_by_the_mark(world: World) -> None:
    world.crowd.control("wording", {"duplicate_token": "plain"})
    world.crowd.control("faults", {"operation": "CreateHITWithHITType", "kind": "error-after", "count": 3})
    finish(world, 6)


def test_a_list_that_lags_does_not_make_a_second_hit(world: World) -> None:
    world.crowd.control("wording", {"duplicate_token": "plain"})
    world.crowd.control("lag", {"list_seconds": 30})
    world.crowd.control("faults", {"operation": "CreateHITWithHITType", "kind": "error-after", "count": 2})
    moved: list[Call] = []

    def catch_up(call: Call) -> None:
        if call.operation == "ListHITs" and world.gate.count("ListHITs") == 3 and not moved:
            moved.append(call)
            world.crowd.advance(60)

    world.gate.after = catch_up
    finish(world, 4)
    assert world.gate.count("ListHITs") >= 3
