"""Runs at their end whose units lack answers."""

from __future__ import annotations

from typing import Any

from crowdops.registry import Run
from tests.support.home import Home


def end_with_lacks(world: Home, *, units: int = 5, **parts: Any) -> Run:
    """Leave a run at its end: two answers a unit, of which unit 0 has both, 1 has one, and 2 has none.

    Unit 3 has both, of which that of AWORKER1 is rejected; so has 4, and somebody has deleted its HIT.
    """
    run = world.launch(units=units, assignments=2, **parts)
    hits = world.hit_ids(run)
    for hit_id in [hits[0], *hits[3:]]:
        world.do(hit_id, "AWORKER1")
        world.do(hit_id, "AWORKER2")
    world.do(hits[1], "AWORKER1")
    for hit_id in hits[3:]:
        for submitted in world.client.list_assignments_for_hit(HITId=hit_id)["Assignments"]:
            if submitted["WorkerId"] == "AWORKER1":
                world.client.reject_assignment(AssignmentId=submitted["AssignmentId"], RequesterFeedback="no")
            elif hit_id == hits[-1]:
                world.client.approve_assignment(AssignmentId=submitted["AssignmentId"])
    world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    world.invoke("mturk/download_results", "--run", run.run_id)
    world.client.delete_hit(HITId=hits[-1])
    assert world.run(run.run_id).state == "finished"
    return world.run(run.run_id)
