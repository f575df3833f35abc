"""kill -9 of extend_hits, at every API call and every registry commit; the same command then goes on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.sweeps import Point, Record, note, points, sweep
from tests.support.world import World

pytestmark = pytest.mark.gated

EXTEND = "mturk/extend_hits"
UNITS, PLACES, MORE, HOURS = 3, 2, 2, 5  # a day and five hours are left then


@sweep(points(calls=9, commits=11), "after call 5", "after commit 3")
def test_an_extension_that_is_killed_is_gone_on_with_by_the_same_command(
    world: World, point: Point, record_property: Record
) -> None:
    world.add_foreign_hits()
    run = world.launch(units=UNITS, assignments=PLACES, max_cost="0.72")  # enough for this, and no more
    first, *_ = world.hit_ids(run)
    world.do(first, "AWORKER1")
    world.do(first, "AWORKER2")
    world.invoke("mturk/download_results", "--run", run.run_id)
    command = (EXTEND, "--run", run.run_id, "--assignments", str(MORE), "--hours", str(HOURS), "--yes")
    world.watch_what_is_bound()
    note(record_property, "extend_hits, then extend_hits", point, world.kill_at(point, *command))
    if " extended, " not in world.said:
        world.finish(*command)
    for hit_id in world.hit_ids(run):
        hit = world.client.get_hit(HITId=hit_id)["HIT"]
        assert hit["MaxAssignments"] == PLACES + MORE and hit["HITStatus"] == "Assignable"
        hours = (hit["Expiration"] - datetime.now(UTC)).total_seconds() / 3600
        assert round(hours) == 24 + HOURS
    assert world.units(run.run_id) == {"outstanding": UNITS}
    assert world.places_bound() == dict.fromkeys(range(UNITS), PLACES + MORE)
    assert world.most_bound <= UNITS * (PLACES + MORE)
    assert world.foreign_rows() == world.foreign and len(world.hits(run.run_id)) == UNITS
    (order,) = world.sql("SELECT count(*) FROM extension_orders")
    assert order == (1,)
