"""How many API calls a run costs, by the crowd server's own count, and whose HITs a run touches."""

import pytest

from tests.support.gates import Call
from tests.support.processes import wait_until
from tests.support.world import World

pytestmark = pytest.mark.gated


def workers(world: World, each: int, assignments: int = 1) -> None:
    """Let so many of the open HITs be done, completely, whenever a run looks."""

    def work(call: Call) -> None:
        if call.operation == "ListReviewableHITs":
            for hit_id in world.open_hits()[:each]:
                for number in range(assignments):
                    world.do(hit_id, f"AWORKER{number}")

    world.gate.before = work


def total(counted: dict[str, dict[str, int]]) -> int:
    return sum(number["ok"] + number["failed"] for number in counted.values())


@pytest.mark.parametrize("assignments", [1, 2])
def test_a_run_costs_three_calls_a_unit_and_two_a_poll(world: World, assignments: int) -> None:
    units = 60
    workers(world, 8, assignments)
    launch = world.launch_run(units=units, max_num_concurrent_units=20, assignments_per_unit=assignments)
    assert launch.end() == 0
    counted = world.crowd.calls()
    polls = world.sql("SELECT count(*) FROM events WHERE kind = 'hit-collected'")[0][0] // 8 + 1
    assert world.units(launch.run_id) == {"finished": units}
    assert len(world.collected()) == units * assignments
    assert total(counted) <= 3 * units + 2 * polls + 10, counted
    assert counted["CreateHITWithHITType"]["ok"] == units
    assert counted["ListAssignmentsForHIT"]["ok"] == units
    assert counted["UpdateHITReviewStatus"]["ok"] == units
    assert launch.document()["api_calls"] == total(counted)


def test_what_a_look_has_freed_is_launched_right_after_it(world: World) -> None:
    workers(world, 2)
    launch = world.launch_run(
        units=5, max_num_concurrent_units=2, variables={"CROWDOPS_POLL_INTERVAL": "3600"}
    )
    world.wait_for_units("finished", 2)
    world.wait_for_units("outstanding", 2)
    assert world.units(launch.run_id) == {"finished": 2, "outstanding": 2, "planned": 1}
    launch.kill()


@pytest.mark.parametrize("units", [1, 150])
def test_a_look_at_an_unchanged_pool_costs_at_most_two_calls(world: World, units: int) -> None:
    world.launch_run(units=units)
    world.wait_for_units("outstanding", units)
    looks = world.gate.count("ListReviewableHITs")
    wait_until(lambda: world.gate.count("ListReviewableHITs") > looks + 1)
    before, looks = len(world.gate.calls), world.gate.count("ListReviewableHITs")
    wait_until(lambda: world.gate.count("ListReviewableHITs") > looks + 3)
    made = world.gate.calls[before:]
    assert {call.operation for call in made} == {"ListReviewableHITs"}
    # The pool is empty: a list without an entry is one call, so each of these is a look of its own.
    assert len(made) <= 2 * (world.gate.count("ListReviewableHITs") - looks)


def test_runs_with_equal_parameters_share_a_hit_type_and_never_touch_each_others_hits(world: World) -> None:
    first = world.launch_run(units=4)
    wait_until(lambda: len(world.open_hits()) == 4, 30)
    second = world.launch_run(units=5)
    wait_until(lambda: len(world.open_hits()) == 9, 30)
    types = world.sql("SELECT DISTINCT hit_type_id FROM task_runs")
    assert len(types) == 1
    second.kill()
    # Work comes in for both, while only the first run looks.
    for hit_id in world.open_hits(second.run_id)[:3] + world.open_hits(first.run_id):
        world.do(hit_id)
    assert first.end() == 0
    assert world.collected(first.run_id) == world.submitted(first.run_id)
    assert len(world.collected(first.run_id)) == 4
    assert world.collected(second.run_id) == set()
    assert [hit.reviewing for hit in world.hits(second.run_id)] == [False] * 5
    assert [hit.reviewing for hit in world.hits(first.run_id)] == [True] * 4
    world.invoke("mturk/expire_hits", "--run", second.run_id, "--yes")
    world.invoke("mturk/download_results", "--run", second.run_id)
    assert len(world.collected(second.run_id)) == 3
    assert len(world.collected(first.run_id)) == 4
