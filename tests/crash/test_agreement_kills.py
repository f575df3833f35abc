"""kill -9 of a run whose answers have to agree, at every API call and every registry commit."""

from __future__ import annotations

import pytest

from tests.support.quality import quality, said, work_as
from tests.support.strikes import LAUNCH
from tests.support.sweeps import Point, Record, note, points, sweep
from tests.support.world import World

pytestmark = pytest.mark.gated

TOP_UP = "mturk/top_up_run"
SAY = {0: "aaa", 1: "abaa", 2: "abcdefg"}
WANTED = {index: len(letters) for index, letters in SAY.items()}
COST = "0.84"  # of so many answers, and not of one more


def kill_launch(world: World, point: Point) -> bool:
    """Kill the launch of a run whose answers have to agree, while workers answer. Whether it was killed."""
    world.add_foreign_hits()
    path = world.write_run(3, assignments_per_unit=3, max_cost=COST, more=quality())
    work_as(world, SAY)
    world.crew = world.gate.before
    world.watch_what_is_bound()
    return world.kill_at(point, LAUNCH, str(path), "--yes")


@sweep(points(calls=45, commits=50), "after call 14", "before commit 12")
def test_a_run_until_they_agree_that_is_killed_is_carried_on(
    world: World, point: Point, record_property: Record
) -> None:
    struck = kill_launch(world, point)
    note(record_property, "launch_run until they agree, then --resume", point, struck)
    for run_id in world.run_ids():
        if world.run(run_id).state not in ("finished", "stopped"):
            world.finish(LAUNCH, "--resume", run_id, "--yes")
        if world.json(TOP_UP, "--run", run_id, "--dry-run")["answers"]:
            world.finish(TOP_UP, "--run", run_id, "--yes")
        assert said(world) == WANTED
        assert world.collected() == world.submitted()
        rows = world.json("mturk/download_results", "--run", run_id, "--offline")
        assert world.places_bound() == WANTED and world.most_bound <= sum(WANTED.values())
        whys = {row["unit_index"]: row["quality"]["why"] for row in rows}
        assert whys == {0: "agreed", 1: "agreed", 2: "at_most"}
    assert world.open_hits() == [] and world.doubled_units() == []
    assert world.foreign_rows() == world.foreign


@sweep(points(calls=45, commits=50), "after call 17")
def test_a_run_until_they_agree_that_is_killed_is_ended_by_recover_and_topped_up(
    world: World, point: Point, record_property: Record
) -> None:
    struck = kill_launch(world, point)
    note(record_property, "launch_run until they agree, then recover, top_up_run", point, struck)
    assert world.recover().exit_code == 0
    assert world.open_hits() == []
    for run_id in world.run_ids():
        if world.run(run_id).hit_type_id is None:
            continue  # nothing of it was ever out
        if world.json(TOP_UP, "--run", run_id, "--dry-run")["answers"]:
            world.finish(TOP_UP, "--run", run_id, "--yes")
        assert said(world) == WANTED and world.collected() == world.submitted()
        assert world.places_bound() == WANTED and world.most_bound <= sum(WANTED.values())
    assert world.open_hits() == [] and world.doubled_units() == []
