"""kill -9 of top_up_run, at every API call and every registry commit: no unit gets too much or too little."""

from __future__ import annotations

from collections import Counter

import pytest

from crowdserver.worker.refusals import Refused
from tests.support.gates import Call
from tests.support.strikes import LAUNCH
from tests.support.sweeps import Point, Record, points, sweep
from tests.support.top_ups import end_with_lacks
from tests.support.world import World

pytestmark = pytest.mark.gated

TOP_UP, UNITS, PER_UNIT = "mturk/top_up_run", 5, 2
COST, SERVED_COST = "0.60", "0.48"  # of so many answers to all units, and not of one more


def work(world: World) -> None:
    """Let four workers, who have done nothing so far, do whatever is open each time a run looks."""

    def crew(call: Call) -> None:
        if call.operation not in ("ListReviewableHITs", "UpdateExpirationForHIT"):
            return
        for hit_id in world.open_hits()[:2]:
            for number in range(5, 9):
                try:
                    world.do(hit_id, f"AWORKER{number}")
                except Refused:  # it is full, or he has done it
                    continue

    world.crew = crew
    world.watch_what_is_bound()


@pytest.fixture
def ended(world: World) -> str:
    """A run at its end that lacks five answers in every way there is. Its id."""
    world.add_foreign_hits()
    run = end_with_lacks(world, units=UNITS, max_cost=COST)
    work(world)
    return run.run_id


def assert_topped_up(world: World, run_id: str, units: int = UNITS) -> None:
    """Each unit has as many good answers as it needs, nothing is open or lost, and no more was ever bound."""
    result = world.invoke(TOP_UP, "--run", run_id, "--yes")
    assert "lacks nothing" in result.stderr, result.stderr
    rows = world.sql("SELECT unit_index FROM assignments WHERE status <> 'Rejected'")
    assert Counter(index for (index,) in rows) == dict.fromkeys(range(units), PER_UNIT)
    assert world.open_hits() == [] and world.collected() == world.submitted()
    assert world.places_bound() == dict.fromkeys(range(units), PER_UNIT)
    assert 0 < world.most_bound <= units * PER_UNIT
    assert [hit for hit in world.hits() if hit.pending] == []
    assert world.foreign_rows() == world.foreign and world.server_processes() == []
    assert not {"creating", "outstanding", "planned"} & world.units(run_id).keys()


def strike_and_mend(world: World, record: Record, name: str, point: Point, run_id: str) -> None:
    """Kill a top-up at a point, and carry on or ask again, whatever it has come to."""
    world.strike(record, name, point, TOP_UP, "--run", run_id, "--yes")
    if world.run(run_id).state in ("running", "draining"):
        world.finish(LAUNCH, "--resume", run_id, "--yes")
    if world.json(TOP_UP, "--run", run_id, "--dry-run")["answers"]:
        world.finish(TOP_UP, "--run", run_id, "--yes")


def end_served(world: World, run_toml: str) -> str:
    """See a run of four units with a task server through, reject one answer to unit 0, and return its id."""
    world.work_in_pairs()
    world.finish(LAUNCH, run_toml, "--yes")
    (run_id,) = world.run_ids()
    first, *_ = world.hit_ids(world.run(run_id))
    for answer in world.client.list_assignments_for_hit(HITId=first)["Assignments"]:
        if answer["WorkerId"] == "AWORKER1":
            world.client.reject_assignment(AssignmentId=answer["AssignmentId"], RequesterFeedback="no")
    work(world)
    return run_id


def assert_replaced_by_others(world: World, run_id: str) -> None:
    """Another HIT, to the new address of the pages, has the answer that was lacking, from somebody else."""
    assert_topped_up(world, run_id, units=4)
    workers = world.sql("SELECT worker_id FROM assignments WHERE unit_index = 0")
    assert len(workers) == len(set(workers)) == PER_UNIT + 1
    assert world.doubled_units() == [(run_id, 0)]


@sweep(points(calls=40, commits=40), "after call 6", "before commit 4")
def test_a_top_up_that_is_killed_is_carried_on_by_resume(
    world: World, ended: str, point: Point, record_property: Record
) -> None:
    strike_and_mend(world, record_property, "top_up_run, then --resume", point, ended)
    assert_topped_up(world, ended)


@sweep(points(calls=40, commits=40), "before call 9")
def test_a_top_up_that_is_killed_is_shut_down_by_recover_and_can_be_asked_for_again(
    world: World, ended: str, point: Point, record_property: Record
) -> None:
    world.strike(
        record_property, "top_up_run, then recover, top_up_run", point, TOP_UP, "--run", ended, "--yes"
    )
    assert world.recover().exit_code == 0
    assert world.open_hits() == [] and world.run(ended).state in ("finished", "stopped")
    if world.json(TOP_UP, "--run", ended, "--dry-run")["answers"]:
        world.finish(TOP_UP, "--run", ended, "--yes")
    assert_topped_up(world, ended)


@sweep(points(calls=45, commits=45), "after call 14")
def test_a_top_up_with_a_task_server_that_is_killed_is_carried_on(
    world: World, point: Point, record_property: Record
) -> None:
    world.add_foreign_hits()
    server = '[server]\nkind = "local"\n'
    run_toml = world.write_run(
        4, max_num_concurrent_units=2, assignments_per_unit=2, max_cost=SERVED_COST, more=server
    )
    run_id = end_served(world, str(run_toml))
    strike_and_mend(world, record_property, "top_up_run with a server, then --resume", point, run_id)
    assert_replaced_by_others(world, run_id)


@sweep(points(calls=45, commits=45, heroku=30), "before Heroku call 8")
def test_a_top_up_with_a_heroku_app_that_is_killed_is_carried_on(
    world: World, heroku_run_toml: str, point: Point, record_property: Record
) -> None:
    run_id = end_served(world, heroku_run_toml)
    strike_and_mend(world, record_property, "top_up_run with a Heroku app, then --resume", point, run_id)
    assert_replaced_by_others(world, run_id)
