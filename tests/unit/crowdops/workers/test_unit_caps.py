"""maximum_units_per_worker holds for a worker across all runs of a task_name."""

import pytest

from crowdserver.worker.refusals import Refused
from tests.support.gates import Call
from tests.support.world import World

pytestmark = pytest.mark.gated


def test_a_worker_who_has_done_enough_is_offered_no_more_in_any_run_of_the_task_name(world: World) -> None:
    done: dict[str, int] = {"AWORKER1": 0, "AWORKER2": 0}
    refused: list[str] = []

    def work(call: Call) -> None:
        if call.operation != "ListReviewableHITs":
            return
        for hit_id in world.open_hits()[:1]:
            for worker in done:
                try:
                    world.do(hit_id, worker)
                    done[worker] += 1
                    break
                except Refused as refusal:
                    refused.append(f"{worker}: {refusal}")

    world.gate.before = work
    first = world.launch_run(units=5, max_num_concurrent_units=1, maximum_units_per_worker=3)
    assert first.end() == 0, first.said
    assert done == {"AWORKER1": 3, "AWORKER2": 2}
    second = world.launch_run(units=1, maximum_units_per_worker=3)
    assert second.end() == 0, second.said
    assert done == {"AWORKER1": 3, "AWORKER2": 3}
    assert refused and all(text.startswith("AWORKER1: ") for text in refused)


def test_work_that_was_not_collected_yet_counts_when_another_run_is_launched(world: World) -> None:
    first = world.launch(units=2, maximum_units_per_worker=1)
    world.do(world.hit_ids(first)[0], "AWORKER1")
    second = world.launch(units=1, maximum_units_per_worker=1)
    with pytest.raises(Refused):
        world.accept(world.hit_ids(second)[0], "AWORKER1")
    world.do(world.hit_ids(second)[0], "AWORKER2")


def test_a_cap_costs_no_calls_where_there_is_none(world: World) -> None:
    def work(call: Call) -> None:
        for hit_id in world.open_hits():
            world.do(hit_id)

    world.gate.before = work
    launch = world.launch_run(units=2)
    assert launch.end() == 0
    assert "CreateQualificationType" not in world.crowd.calls()
