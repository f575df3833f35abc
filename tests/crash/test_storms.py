"""Crashes while the service fails in every way: runs are launched, carried on and ended all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from crowdserver.storage import schema
from tests.support import sweeps
from tests.support.gates import Call
from tests.support.strikes import LAUNCH
from tests.support.sweeps import Point
from tests.support.world import World

pytestmark = pytest.mark.gated


def fault(operation: str, kind: str, **more: float) -> Callable[[World], None]:
    return lambda world: world.crowd.control("faults", {"operation": operation, "kind": kind, **more})


def lag(**seconds: int) -> Callable[[World], None]:
    return lambda world: world.crowd.control("lag", seconds)


def skew(seconds: int) -> Callable[[World], None]:
    """Let the service's clock be wrong."""

    def turn(world: World) -> None:
        with world.crowd.database.write() as tx:
            tx.execute(update(schema.server).values(clock_offset=seconds))

    return turn


WEATHER: dict[str, Callable[[World], None]] = {
    "a third throttled": fault("*", "throttle", probability=0.3),
    "errors before the effect": fault("*", "error-before", probability=0.15),
    "errors after the effect": fault("*", "error-after", probability=0.15),
    "connections dropped after the effect": fault("*", "drop-after", probability=0.15),
    "creations answered too late": fault("CreateHITWithHITType", "slow", count=3, seconds=1.2),
    "expirations answered too late": fault("UpdateExpirationForHIT", "slow", count=2, seconds=1.2),
    "lists 15 s behind": lag(list_seconds=15),
    "counters 60 s behind": lag(counter_seconds=60),
    "a clock five minutes fast": skew(300),
    "a clock five minutes slow": skew(-300),
}
SAMPLE = ("connections dropped after the effect", "a clock five minutes slow")


@pytest.fixture(params=list(WEATHER) if sweeps.FULL else SAMPLE)
def stormy(world: World, request: pytest.FixtureRequest) -> World:
    """A world with bad weather, foreign HITs, and workers; lists catch up as soon as somebody waits."""
    world.add_foreign_hits()
    world.work_in_pairs()
    working = world.crew

    def crew(call: Call) -> None:
        working(call)
        if request.param == "lists 15 s behind" and world.gate.count("ListReviewableHITs") % 4 == 3:
            world.crowd.advance(20)

    world.crew = crew
    WEATHER[request.param](world)
    return world


@pytest.fixture
def run_toml(stormy: World) -> str:
    return str(stormy.write_run(6, max_num_concurrent_units=3, assignments_per_unit=2))


def calm(world: World) -> None:
    world.crowd.control("faults", method="DELETE")
    world.crowd.control("lag", {"list_seconds": 0, "counter_seconds": 0})


def recover(world: World, **settings: Any) -> None:
    launch = world.finish("local/recover", "--yes", CROWDOPS_TIMEOUT="3", **settings)
    assert "Traceback" not in launch.said


def test_a_killed_run_is_shut_down_as_if_nothing_had_happened(
    stormy: World, run_toml: str, record_property: sweeps.Record
) -> None:
    assert stormy.kill_at(Point("call", "before", 9), LAUNCH, run_toml, "--yes")
    sweeps.count(record_property, "launch_run in bad weather, then recover")
    recover(stormy)
    calm(stormy)
    stormy.assert_nothing_is_left()


def test_a_killed_run_is_carried_on_as_if_nothing_had_happened(
    stormy: World, run_toml: str, record_property: sweeps.Record
) -> None:
    assert stormy.kill_at(Point("call", "before", 9), LAUNCH, run_toml, "--yes")
    sweeps.count(record_property, "launch_run in bad weather, then --resume")
    for run_id in stormy.run_ids():
        stormy.finish(LAUNCH, "--resume", run_id, "--yes", CROWDOPS_TIMEOUT="3")
        assert stormy.units(run_id) == {"finished": 6}
        assert len(stormy.collected(run_id)) == 12
    calm(stormy)
    stormy.assert_nothing_is_left()


def test_hits_are_expired_and_collected_as_if_nothing_had_happened(stormy: World) -> None:
    run_id = stormy.crash(units=4, assignments=2).run_id
    for hit_id in stormy.open_hits()[:2]:
        stormy.do(hit_id, "AWORKER1")
    stormy.finish("mturk/expire_hits", "--run", run_id, "--yes", CROWDOPS_TIMEOUT="3")
    assert stormy.open_hits() == []
    calm(stormy)
    stormy.crowd.advance(90)
    stormy.finish("mturk/download_results", "--run", run_id, "-o", str(stormy.folder / "results.csv"))
    stormy.assert_nothing_is_left()
