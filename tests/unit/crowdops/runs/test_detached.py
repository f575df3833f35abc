"""Runs that need no process."""

import signal
import time

import pytest

from crowdops.hits.create import Creator
from crowdops.runs.attended import AttendedRun
from tests.support.gates import Call
from tests.support.processes import wait_until
from tests.support.world import World

pytestmark = pytest.mark.gated


def test_a_detached_run_leaves_once_all_is_launched_and_is_collected_later(world: World) -> None:
    launch = world.launch_run("--detach", units=6)
    assert launch.end() == 0
    run_id = launch.run_id
    assert (
        f"It needs no process. Look: make status RUN={run_id}. End it: make expire RUN={run_id}"
        in launch.said
    )
    assert launch.document()["state"] == "running"
    assert world.units(run_id) == {"outstanding": 6}
    assert "running, detached" in world.invoke("local/print_runs").stdout
    assert world.invoke("mturk/print_outstanding_hit_status", "--check").exit_code == 0
    for hit_id in world.open_hits()[:4]:
        world.do(hit_id)
    world.invoke("mturk/download_results", "--run", run_id)
    assert len(world.collected()) == 4
    assert world.json("local/print_runs")["runs"][0]["state"] == "running"
    for hit_id in world.open_hits():
        world.do(hit_id)
    world.invoke("mturk/download_results", "--run", run_id)
    assert world.json("local/print_runs")["runs"][0]["state"] == "finished"
    assert world.units(run_id) == {"finished": 6}


def test_a_detached_run_waits_for_no_look_however_long_it_launches(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.setenv(CROWDOPS_POLL_INTERVAL="0.1", CROWDOPS_THREADS="4")
    world.gate.before = lambda call: time.sleep(0.03)
    monkeypatch.setattr(AttendedRun, "wait", lambda *_: pytest.fail("It waits, and all is launched."))
    passes = []
    create = Creator.create
    monkeypatch.setattr(Creator, "create", lambda *given: passes.append(create(*given)))
    path = str(world.write_run(units=40))
    result = world.invoke("mturk/launch_run", path, "--yes", "--detach")
    assert result.exit_code == 0, result.stderr
    assert world.sql("SELECT state FROM task_runs") == [("running",)]
    assert world.units(world.sql("SELECT run_id FROM task_runs")[0][0]) == {"outstanding": 40}
    assert len(passes) == 1  # between two of them no call is under way


def test_detaching_a_run_with_a_cap_is_refused(world: World) -> None:
    path = str(world.write_run(units=3, max_num_concurrent_units=2))
    result = world.invoke("mturk/launch_run", path, "--yes", "--detach")
    assert result.exit_code == 2
    assert "--detach launches everything at once, and max_num_concurrent_units forbids it" in result.stderr
    assert world.gate.calls == []


def test_a_detached_run_that_is_killed_while_it_launches_has_crashed(world: World) -> None:
    def strike(call: Call) -> None:
        if world.gate.count("CreateHITWithHITType") == 3:
            launch.press(signal.SIGKILL)

    world.gate.before = strike
    launch = world.launch_run("--detach", units=6, variables={"CROWDOPS_THREADS": "1"})
    assert launch.end() == -signal.SIGKILL
    assert "launching, crashed" in world.invoke("local/print_runs").stdout
    check = world.invoke("mturk/print_outstanding_hit_status", "--check")
    assert check.exit_code == 4
    assert launch.run_id in check.stdout


def test_one_press_while_a_detached_run_launches_ends_it(world: World) -> None:
    def strike(call: Call) -> None:
        if call.operation == "CreateHITWithHITType" and world.gate.count(call.operation) == 3:
            launch.press()
            launch.hear("Stopping")

    launch = world.launch_run("--detach", units=6, variables={"CROWDOPS_THREADS": "1"})
    world.gate.before = strike
    assert launch.end() == 0
    assert world.open_hits() == []
    assert world.units(launch.run_id) == {"planned": 3, "expired": 3}
    assert world.sql("SELECT state FROM task_runs") == [("finished",)]


def test_a_detached_launch_that_cannot_settle_a_unit_looks_again_no_faster_than_it_polls(
    world: World,
) -> None:
    world.crowd.control("wording", {"duplicate_token": "plain"})
    world.crowd.control("lag", {"list_seconds": 50})
    world.crowd.control("faults", {"operation": "CreateHITWithHITType", "kind": "error-after", "count": 1})
    launch = world.launch_run("--detach", units=2, variables={"CROWDOPS_POLL_INTERVAL": "0.5"})
    wait_until(lambda: world.gate.count("ListHITs") == 3, 30)
    world.crowd.advance(60)
    assert launch.end() == 0
    assert world.gate.count("ListHITs") <= 6
    assert world.units(launch.run_id) == {"outstanding": 2}
