"""launch_run --resume: what it carries on, and what it refuses."""

from __future__ import annotations

import signal

import pytest

from tests.support.gates import Call, Cut, let_pass
from tests.support.processes import wait_until
from tests.support.scripts import Script
from tests.support.strikes import LAUNCH
from tests.support.world import World

pytestmark = pytest.mark.gated


@pytest.fixture
def half_launched(world: World) -> str:
    """A crashed run of five units, two at once, of which two are out. Its id."""
    world.add_foreign_hits()
    started: list[Script] = []

    def kill_at_its_first_look(call: Call) -> None:
        if call.operation == "ListReviewableHITs":
            wait_until(lambda: bool(started))
            started[0].kill()
            raise Cut  # so that no call of it is on its way any more

    world.gate.before = kill_at_its_first_look
    started.append(world.start(LAUNCH, str(world.write_run(5, max_num_concurrent_units=2)), "--yes"))
    started[0].end()
    world.gate.before = let_pass
    assert world.units(started[0].run_id) == {"outstanding": 2, "planned": 3}
    world.work_in_pairs()
    return started[0].run_id


def resume(world: World, run_id: str, *arguments: str, code: int = 0) -> Script:
    return world.finish(LAUNCH, "--resume", run_id, "--yes", *arguments, code=code)


def test_a_crashed_run_is_carried_on_with_the_same_parameters(world: World, half_launched: str) -> None:
    launch = resume(world, half_launched, "--json")
    world.assert_done(half_launched, 5, workers=1)
    assert (
        "is running: of 5 units 2 are out, 0 have to be settled, 3 are still to be launched." in launch.said
    )
    assert launch.document()["state"] == "finished"
    assert world.most_open <= 2


def test_a_dry_run_tells_what_is_left_and_contacts_nobody(world: World, half_launched: str) -> None:
    calls = len(world.gate.calls)
    result = world.invoke("mturk/launch_run", "--resume", half_launched, "--dry-run")
    assert result.exit_code == 0
    assert "3 units, 3 assignments: $0.15 in rewards" in result.stdout
    assert world.json("mturk/launch_run", "--resume", half_launched, "--dry-run")["to_launch"] == 3
    assert len(world.gate.calls) == calls


def test_data_that_changed_is_refused_unless_told_otherwise(world: World, half_launched: str) -> None:
    (world.folder / "pilot-1" / "items.csv").write_text("text\nsomething else\n")
    refused = resume(world, half_launched, code=2)
    assert "has changed since run" in refused.said
    assert "--ignore-data-change" in refused.said
    resume(world, half_launched, "--ignore-data-change")
    world.assert_done(half_launched, 5, workers=1)
    assert {row for (row,) in world.sql("SELECT input FROM units")} == {
        f'{{"text": "message {number}"}}' for number in range(5)
    }


def test_data_that_is_gone_is_no_obstacle(world: World, half_launched: str) -> None:
    (world.folder / "pilot-1" / "items.csv").unlink()
    launch = resume(world, half_launched)
    assert "That does not matter: the registry has its 5 rows." in launch.said
    world.assert_done(half_launched, 5, workers=1)


def test_rows_that_were_not_read_before_the_crash_are_read_now(world: World) -> None:
    world.add_foreign_hits()
    path = str(world.write_run(2500))
    struck = world.start(LAUNCH, path, "--yes", struck=("SIGKILL", "after", "3"))
    assert struck.end() == -signal.SIGKILL
    assert world.units(struck.run_id) == {"planned": 2000}
    (world.folder / "pilot-1" / "items.csv").write_text("text\nsomething else\n")
    refused = resume(world, struck.run_id, code=2)
    assert "500 of 2500 rows are missing, and" in refused.said
    assert "has changed. No HIT was created." in refused.said
    world.write_run(2500)
    left = world.json("mturk/launch_run", "--resume", struck.run_id, "--dry-run")
    assert left["to_launch"] == 2500
    world.gate.after = lambda call: again.process.kill() if call.operation == "CreateHITType" else None
    again = world.start(LAUNCH, "--resume", struck.run_id, "--yes")
    again.end()
    assert world.units(struck.run_id) == {"planned": 2500}


def test_an_attended_run_is_refused_and_its_process_named(world: World) -> None:
    alive = world.start(LAUNCH, str(world.write_run(2)), "--yes")
    wait_until(lambda: len(world.open_hits()) == 2)
    refused = resume(world, alive.run_id, code=2)
    assert f"run {alive.run_id} is attended by process {alive.process.pid}" in refused.said
    assert "stop that process first" in refused.said


def test_a_run_that_has_ended_or_is_not_known_is_refused(world: World, half_launched: str) -> None:
    resume(world, half_launched)
    assert "is finished: there is nothing to carry on" in resume(world, half_launched, code=2).said
    assert "--resume needs the id of a run" in resume(world, "", code=2).said
    assert (
        "The registry has no run '20200101-000000-none'" in resume(world, "20200101-000000-none", code=2).said
    )


def test_a_detached_run_needs_no_process(world: World) -> None:
    launch = world.start(LAUNCH, str(world.write_run(2)), "--yes", "--detach")
    assert launch.end() == 0
    assert "is detached: it needs no process" in resume(world, launch.run_id, code=2).said


@pytest.mark.parametrize("more", [("--detach",), ("--set", "task_reward=0.07")])
def test_what_a_run_is_cannot_be_changed_while_it_is_resumed(
    world: World, half_launched: str, more: tuple[str, ...]
) -> None:
    refused = resume(world, half_launched, *more, code=2)
    assert "--resume carries a run on as it was launched" in refused.said


def test_a_run_that_was_being_stopped_is_seen_to_its_end(world: World) -> None:
    world.add_foreign_hits()
    launch = world.start(LAUNCH, str(world.write_run(5, max_num_concurrent_units=2)), "--yes")
    world.wait_for_units("outstanding", 2)
    held = [world.accept(world.open_hits()[0])]
    launch.press()
    launch.hear("Waiting for accepted work")
    launch.kill()
    world.crew = lambda call: world.submit(held.pop()) if held and call.operation == "ListHITs" else None
    resumed = resume(world, launch.run_id)
    assert "nothing more is launched" in resumed.said
    assert world.units(launch.run_id) == {"planned": 3, "finished": 1, "expired": 1}
    world.assert_nothing_is_left()


def test_hits_that_the_registry_believed_unborn_are_taken_over(world: World) -> None:
    world.add_foreign_hits()
    run_id = world.crash(units=4, task_lifetime_in_seconds=30 * 86400).run_id
    world.sql("UPDATE units SET state = 'planned', hit_id = NULL, intended_at = NULL WHERE unit_index < 3")
    world.crowd.advance(25 * 3600)  # tokens are good for a day: now only the marks protect from a second HIT
    world.work_in_pairs()
    launch = resume(world, run_id)
    assert "3 HITs of the run were out without the registry's knowledge; they are taken over." in launch.said
    world.assert_done(run_id, 4, workers=1)


@pytest.fixture
def served(world: World) -> str:
    """A crashed run of five units, two at once, whose task server has survived. Its id."""
    world.add_foreign_hits()
    path = world.write_run(5, max_num_concurrent_units=2)
    path.write_text(path.read_text() + '[server]\nkind = "local"\n')
    launch = world.start(LAUNCH, str(path), "--yes")
    world.wait_for_units("outstanding", 2)
    launch.kill()
    world.work_in_pairs()
    return launch.run_id


def test_a_task_server_that_survived_goes_on_serving(world: World, served: str) -> None:
    survivors = world.server_processes()
    assert survivors
    still_there: list[bool] = []
    working = world.crew

    def crew(call: Call) -> None:
        working(call)
        still_there.append(set(survivors) <= set(world.server_processes()))

    world.crew = crew
    resume(world, served)
    assert any(still_there)
    world.assert_done(served, 5, workers=1)
    assert world.server_processes() == []


def test_a_task_server_that_died_as_well_comes_up_at_its_address(world: World, served: str) -> None:
    (url,) = world.sql("SELECT url FROM servers")
    for process in world.server_processes():
        process.kill()
    launch = resume(world, served)
    assert "does not answer; restarting it" in launch.said
    assert world.sql("SELECT url, state FROM servers") == [(*url, "gone")]
    world.assert_done(served, 5, workers=1)
    assert world.server_processes() == []


def test_units_whose_hit_somebody_deleted_fail_and_do_not_hold_the_run_up(world: World) -> None:
    world.add_foreign_hits()
    run_id = world.crash(units=3, assignments=1).run_id
    client, deleted = world.crowd.client(), world.open_hits()[0]
    client.update_expiration_for_hit(HITId=deleted, ExpireAt=0)
    client.delete_hit(HITId=deleted)
    world.sql("UPDATE units SET created_at = '2026-01-01T00:00:00.000000Z'")
    world.work_in_pairs()
    launch = resume(world, run_id, code=1)
    assert "1 HIT of the run was deleted by somebody" in launch.said
    assert world.units(run_id) == {"failed": 1, "finished": 2}


@pytest.mark.parametrize(
    "position",
    [
        pytest.param(0, id="done before the list is read"),
        pytest.param(1, id="handed in after the list is read"),
    ],
)
def test_a_hit_that_somebody_extended_is_outstanding_again(world: World, position: int) -> None:
    """Of the open HITs, a worker does the first when the list is asked for, and begins the second.

    That one is handed in at the call for the list's next page: on the list it is accepted work, and when it
    is read it has ended.
    """
    world.add_foreign_hits()
    run_id = world.crash(units=2, assignments=1).run_id
    extended = world.open_hits()[position]
    world.sql(f"UPDATE units SET state = 'expired' WHERE hit_id = '{extended}'")
    world.work_in_pairs()
    resume(world, run_id)
    world.assert_done(run_id, 2, workers=1)


@pytest.fixture
def stopped(world: World) -> str:
    """A run of five units, two at once, that Ctrl-C ended when two were out. Its id."""
    world.add_foreign_hits()
    launch = world.start(LAUNCH, str(world.write_run(5, max_num_concurrent_units=2)), "--yes")
    world.wait_for_units("outstanding", 2)
    launch.press()
    assert launch.end() == 0, launch.said
    assert f"Launch the rest after all: make resume RUN={launch.run_id}" in launch.said
    world.work_in_pairs()
    return launch.run_id


def assert_rest_was_launched(world: World, run_id: str, resumed: Script) -> None:
    """Of five units, the two that had ended unanswered stay so, and the others were done."""
    world.assert_nothing_is_left()
    assert world.units(run_id) == {"expired": 2, "finished": 3}
    assert len(world.hits(run_id)) == 5
    assert world.run(run_id).state == "finished"
    assert "Fewer answers came in than were asked for: 3 of 5." in resumed.said


def test_a_run_that_was_stopped_gets_what_was_never_launched(world: World, stopped: str) -> None:
    plan = world.json("mturk/launch_run", "--resume", stopped, "--dry-run")
    assert (plan["to_launch"], plan["state"]) == (3, "finished")
    assert world.run(stopped).state == "finished"
    resumed = resume(world, stopped, code=1)
    assert "2 units ended without an answer; they are not launched again." in resumed.said
    assert_rest_was_launched(world, stopped, resumed)
    again = resume(world, stopped, code=2)
    assert "is finished: there is nothing to carry on. 3 of 5 units have answers" in again.said
    assert f"make top-up RUN={stopped}" in again.said


def test_a_run_that_lost_its_patience_is_carried_on(world: World) -> None:
    world.add_foreign_hits()
    path = world.write_run(5, max_num_concurrent_units=2, no_submission_patience=1)
    launch = world.start(LAUNCH, str(path), "--yes")
    assert launch.end() == 1
    world.work_in_pairs()
    resumed = resume(world, launch.run_id, code=1)
    assert_rest_was_launched(world, launch.run_id, resumed)


def test_a_run_that_was_recovered_is_carried_on(world: World, half_launched: str) -> None:
    world.crew = let_pass
    result = world.recover()
    assert f"3 units were never launched; to launch them after all: make resume RUN={half_launched}" in (
        result.stderr
    )
    assert world.run(half_launched).state == "stopped"
    world.work_in_pairs()
    assert_rest_was_launched(world, half_launched, resume(world, half_launched, code=1))


def test_a_detached_run_that_was_stopped_launches_the_rest_and_leaves(world: World) -> None:
    def strike(call: Call) -> None:
        if call.operation == "CreateHITWithHITType" and world.gate.count(call.operation) == 3:
            launch.press()
            launch.hear("Stopping")

    launch = world.launch_run("--detach", units=6, variables={"CROWDOPS_THREADS": "1"})
    world.gate.before = strike
    assert launch.end() == 0
    resume(world, launch.run_id)
    assert world.units(launch.run_id) == {"expired": 3, "outstanding": 3}
    run = world.run(launch.run_id)
    assert (run.state, run.detached, run.ended_at) == ("running", True, None)


def test_a_run_that_failed_is_not_carried_on(world: World) -> None:
    run = world.crash()
    world.set_state(run, "failed", "its pages did not come up")
    said = resume(world, run.run_id, code=2).said
    assert "has failed: there is nothing to carry on." in said
    assert "its pages did not come up" in said
