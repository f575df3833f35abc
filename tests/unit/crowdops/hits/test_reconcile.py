"""Registry and HITs brought in line when a run is carried on or ended: whatever changed behind its back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crowdops.config.settings import Settings
from crowdops.context import Context
from crowdops.hits import reconcile, scan
from tests.support.gates import Call, Instead
from tests.support.strikes import LAUNCH
from tests.support.world import World

pytestmark = pytest.mark.gated


@pytest.fixture
def run_id(world: World) -> str:
    """A crashed run of two units with one assignment each, both out, and HITs of somebody else. Its id."""
    world.add_foreign_hits()
    return world.crash(units=2, assignments=1).run_id


def carry_on(world: World, run_id: str) -> None:
    world.finish(LAUNCH, "--resume", run_id, "--yes")


def end_unit(world: World, hit_id: str, state: str) -> None:
    world.sql(f"UPDATE units SET state = '{state}' WHERE hit_id = '{hit_id}'")


@pytest.mark.parametrize("state", ["finished", "expired"])
@pytest.mark.parametrize("is_reviewing", [False, True], ids=["reviewable", "reviewing"])
def test_an_answer_that_came_in_after_the_end_of_a_unit_is_collected(
    world: World, run_id: str, state: str, is_reviewing: bool
) -> None:
    done, other = world.open_hits()
    world.do(done)
    end_unit(world, done, state)
    if is_reviewing:
        world.crowd.client().update_hit_review_status(HITId=done)
    world.work_in_pairs()
    carry_on(world, run_id)
    world.assert_done(run_id, 2, workers=1)


@pytest.mark.parametrize("position", [0, 1])
def test_a_hit_that_cannot_be_read_again_is_taken_for_what_the_list_said(
    world: World, run_id: str, position: int
) -> None:
    end_unit(world, world.open_hits()[position], "expired")
    world.work_in_pairs()
    working = world.crew

    def crew(call: Call) -> None:
        working(call)
        if call.operation == "GetHIT":
            raise Instead("RequestError", "Not this time.")

    world.crew = crew
    carry_on(world, run_id)
    world.assert_done(run_id, 2, workers=1)


def test_a_hit_that_was_expired_here_and_extended_by_somebody_is_expired_again(
    world: World, run_id: str
) -> None:
    world.sql("UPDATE units SET expired_at = '2026-01-01T00:00:00.000000Z'")
    result = world.recover()
    assert result.exit_code == 0, result.stderr
    world.assert_nothing_is_left()


def test_work_on_a_hit_whose_unit_has_ended_is_waited_for(world: World, run_id: str) -> None:
    hit_id = world.open_hits()[0]
    accepted = [world.accept(hit_id)]
    end_unit(world, hit_id, "expired")

    def crew(call: Call) -> None:
        if accepted and call.operation == "ListReviewableHITs" and world.gate.count("ListReviewableHITs") > 1:
            world.submit(accepted.pop())

    world.crew = crew
    assert world.recover().exit_code == 0
    world.assert_nothing_is_left()
    assert world.units(run_id) == {"finished": 1, "expired": 1}


def test_a_hit_that_is_extended_beside_an_attended_run_is_collected_again(world: World) -> None:
    """Its unit has ended with one of two answers; then somebody extends the HIT, and the second comes in."""
    world.add_foreign_hits()
    run_id = world.crash(units=2, assignments=2).run_id
    first, second = world.open_hits()
    client = world.crowd.client()
    world.do(first, "AWORKER1")
    client.update_expiration_for_hit(HITId=first, ExpireAt=0)

    def crew(call: Call) -> None:
        answers = len(world.collected(run_id))
        if call.operation == "ListReviewableHITs" and to_do.get(answers):
            for hit_id, worker in to_do.pop(answers):
                if hit_id not in world.open_hits():
                    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
                    client.update_expiration_for_hit(HITId=hit_id, ExpireAt=in_an_hour)
                world.do(hit_id, worker)

    # By the number of answers that are stored: what is done next.
    to_do = {1: [(first, "AWORKER2")], 2: [(second, "AWORKER1"), (second, "AWORKER2")]}
    world.crew = crew
    carry_on(world, run_id)
    world.assert_done(run_id, 2)


def test_it_costs_a_call_for_each_hit_in_doubt_and_none_for_the_others(world: World) -> None:
    run_id = world.crash(units=6, assignments=1).run_id
    hits = world.open_hits()
    end_unit(world, hits[0], "expired")
    settings = Settings("local", world.gate.url, world.home, timeout=10, poll_interval=0.1, threads=4)
    with Context.open(settings) as context:
        run = context.registry.run(run_id)
        assert run is not None
        listed = scan.scan(context).hits_by_run[run_id]
        calls = len(world.gate.calls)
        assert reconcile.reconcile(context, run, listed) == (0, 0, [])
        assert [call.operation for call in world.gate.calls[calls:]] == ["GetHIT"]
        assert reconcile.reconcile(context, run, listed) == (0, 0, [])
        assert len(world.gate.calls) == calls + 1
    assert world.units(run_id) == {"outstanding": 6}
