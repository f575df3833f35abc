"""Work that never came: units that ended without an answer, or were never launched, are not done."""

from __future__ import annotations

import time

import pytest

from crowdops.registry.tally import tally
from tests.support.gates import Call, Instead
from tests.support.processes import wait_until
from tests.support.scripts import Script
from tests.support.world import World

pytestmark = pytest.mark.gated


def end_unseen(world: World, hit_ids: list[str]) -> None:
    """Let HITs come to their end without an answer, as if their lifetime were over."""
    for hit_id in hit_ids:
        world.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)


def launch_and_lose(world: World, done: int, **parts: object) -> Script:
    """Launch five units; so many are done, and the others end without an answer."""
    launch = world.launch_run(units=5, **parts)
    world.wait_for_units("outstanding", 5)
    hits = world.open_hits()
    for hit_id in hits[:done]:
        world.do(hit_id)
    end_unseen(world, hits[done:])
    return launch


def test_a_run_whose_hits_end_unanswered_says_so_and_fails(world: World) -> None:
    launch = launch_and_lose(world, 3)
    assert launch.end() == 1
    assert "is finished: 3 of 5 units have answers, 2 ended without an answer, 3 assignments" in launch.said
    assert "Why: Fewer answers came in than were asked for: 3 of 5." in launch.said
    assert "pilot-1: 3/5 · outstanding 0 · planned 0 · ended without an answer 2" in launch.said
    document = launch.document()
    assert (document["answered"], document["unanswered"], document["never_launched"]) == (3, 2, 0)
    assert document["finished"] == 3
    [shown] = world.json("local/print_runs")["runs"]
    assert (shown["answered"], shown["unanswered"]) == (3, 2)
    assert shown["reason"].startswith("Fewer answers came in")


def test_a_unit_with_some_of_its_answers_has_answers_and_the_run_lacks_some(world: World) -> None:
    launch = launch_and_lose(world, 5, assignments_per_unit=2)
    end_unseen(world, world.open_hits())
    assert launch.end() == 1
    assert "5 of 5 units have answers; 5 of 10 answers, 5 assignments" in launch.said
    assert "Why: Fewer answers came in than were asked for: 5 of 10." in launch.said


def test_a_run_that_was_stopped_tells_what_was_never_launched_and_has_not_failed(world: World) -> None:
    launch = world.launch_run(units=5, max_num_concurrent_units=2)
    world.wait_for_units("outstanding", 2)
    launch.press()
    assert launch.end() == 0
    assert "0 of 5 units have answers, 2 ended without an answer, 3 never launched" in launch.said
    assert launch.document()["never_launched"] == 3
    assert launch.document()["reason"] is None


def test_a_hit_that_is_deleted_behind_an_attended_run_is_the_reason_for_its_exit_code(world: World) -> None:
    launch = world.launch_run(units=2)
    world.wait_for_units("outstanding", 2)
    gone, done = world.open_hits()
    world.gate.shut()
    world.crowd.client().update_expiration_for_hit(HITId=gone, ExpireAt=0)
    world.crowd.client().delete_hit(HITId=gone)
    world.do(done)
    world.gate.open()
    wait_until(lambda: len(world.collected()) == 1)
    launch.press()
    assert launch.end() == 1
    assert f"Why: 1 unit failed: somebody deleted HIT {gone}." in launch.said


def test_units_that_cannot_be_launched_are_the_reason_for_a_detached_launch_that_fails(world: World) -> None:
    def refuse(call: Call) -> None:
        if call.operation == "CreateHITWithHITType" and world.gate.count(call.operation) == 1:
            raise Instead("ParameterValidationError", "The question is refused.")

    world.gate.before = refuse
    launch = world.launch_run("--detach", units=2)
    assert launch.end() == 1
    assert "Why: 1 unit failed: " in launch.said
    assert "The question is refused" in launch.said.partition("Why: ")[2]


def test_a_deleted_hit_keeps_what_its_unit_had(world: World) -> None:
    run = world.launch(units=2)
    world.do(world.hit_ids(run)[0])
    end_unseen(world, world.hit_ids(run)[1:])
    world.invoke("mturk/download_results", "--run", run.run_id)
    world.sql("UPDATE units SET state = 'disposed'")
    with world.registry() as registry:
        counted = tally(registry, run)
    assert (counted.answered, counted.unanswered, counted.outstanding) == (1, 1, 0)
    assert counted.is_over and counted.is_short


def test_what_comes_in_behind_a_run_that_is_about_to_end_is_seen_by_its_last_look(world: World) -> None:
    """When its last HIT was collected, somebody asks for one more answer to it, and a worker gives it."""

    def extend(call: Call) -> None:
        if call.operation == "UpdateHITReviewStatus" and world.gate.count(call.operation) == 1:
            (hit_id,) = [hit.hit_id for hit in world.hits()]
            world.crowd.client().create_additional_assignments_for_hit(
                HITId=hit_id, NumberOfAdditionalAssignments=1
            )
            world.do(hit_id, "AWORKER2")

    launch = world.launch_run(units=1)
    world.wait_for_units("outstanding", 1)
    world.gate.before = extend
    world.do(world.open_hits()[0])
    assert launch.end() == 0, launch.said
    assert world.collected() == world.submitted()
    assert len(world.collected()) == 2
    assert world.gate.count("ListHITs") <= 6


def test_a_hit_that_is_opened_again_behind_a_run_that_ends_is_expired(world: World) -> None:
    def extend(call: Call) -> None:
        if call.operation == "ListHITs" and world.gate.count(call.operation) == 1:
            world.crowd.client().update_expiration_for_hit(
                HITId=world.hits()[0].hit_id, ExpireAt=time.time() + 86400
            )

    launch = world.launch_run(units=2)
    world.wait_for_units("outstanding", 2)
    world.gate.before = extend
    launch.press()
    assert launch.end() == 0, launch.said
    assert world.open_hits() == []
    assert world.units(launch.run_id) == {"expired": 2}


def test_a_press_before_a_resumed_run_launches_anything_ends_the_hits_that_are_out(world: World) -> None:
    run = world.crash(units=3)

    def strike(call: Call) -> None:
        if call.operation == "ListHITs" and world.gate.count(call.operation) == 1:
            again.press()
            again.hear("Stopping")

    world.gate.before = strike
    again = world.start("mturk/launch_run", "--resume", run.run_id, "--yes")
    assert again.end() == 0, again.said
    assert world.open_hits() == []
