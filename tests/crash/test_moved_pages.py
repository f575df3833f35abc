"""Units whose pages have moved: an app that is gone takes its address with it."""

from __future__ import annotations

import pytest
import requests
from botocore.exceptions import ClientError

from crowdops.formats import question_xml
from tests.support.gates import Call
from tests.support.heroku.running import RunningEmulator
from tests.support.strikes import LAUNCH
from tests.support.sweeps import Point, Record, points, sweep
from tests.support.world import World

pytestmark = pytest.mark.gated


def work_where_pages_are(world: World) -> None:
    """Let a worker do one HIT at each look, but only one whose page can be seen."""

    def crew(call: Call) -> None:
        if call.operation == "ListReviewableHITs":
            for hit_id in world.open_hits()[:2]:
                if is_page_there(world, hit_id):
                    world.do(hit_id)
                    return

    world.crew = crew


def is_page_there(world: World, hit_id: str) -> bool:
    question = world.crowd.client().get_hit(HITId=hit_id)["HIT"]["Question"]
    try:
        return requests.get(question_xml.external_url(question) or "", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.fixture
def stranded(world: World, heroku_account: RunningEmulator) -> str:
    """A crashed run of four units with two HITs out, whose app somebody has deleted. Its id."""
    world.add_foreign_hits()
    path = world.write_run(4, max_num_concurrent_units=2)
    path.write_text(path.read_text() + '[server]\nkind = "heroku"\n')
    launch = world.start(LAUNCH, str(path), "--yes")
    world.wait_for_units("outstanding", 2)
    launch.kill()
    (app,) = [app["id"] for app in heroku_account.get("/apps") if "pilot" in app["name"]]
    assert heroku_account.call("DELETE", f"/apps/{app}").ok
    # Old enough that a HIT which is on no list would be taken for one that somebody has deleted.
    world.sql("UPDATE units SET created_at = '2026-01-01T00:00:00.000000Z' WHERE hit_id IS NOT NULL")
    work_where_pages_are(world)
    return launch.run_id


def test_units_whose_pages_are_gone_are_launched_anew_at_the_new_address(
    world: World, heroku_account: RunningEmulator, stranded: str
) -> None:
    old = world.open_hits()
    result = world.recover("--resume")
    assert result.exit_code == 0, result.stderr
    assert "The address of the pages has changed: 2 HITs that led to the old one are deleted" in result.stderr
    world.assert_done(stranded, 4, workers=1)
    for hit_id in old:
        with pytest.raises(ClientError, match="does not exist"):
            world.crowd.client().get_hit(HITId=hit_id)


def test_what_somebody_has_worked_on_at_the_old_address_is_kept(
    world: World, heroku_account: RunningEmulator, stranded: str
) -> None:
    first, second = world.open_hits()
    world.do(first)
    held = [world.accept(second)]
    working = world.crew

    def crew(call: Call) -> None:
        if held and call.operation == "ListReviewableHITs" and world.gate.count("DeleteHIT") == 0:
            world.submit(held.pop())  # the page was open in the browser all the time
        working(call)

    world.crew = crew
    result = world.recover("--resume")
    assert result.exit_code == 0, result.stderr
    assert "1 that somebody has worked on is ended" in result.stderr
    world.assert_done(stranded, 4, workers=1)
    assert {hit.hit_id for hit in world.hits()} >= {first, second}


@sweep(points(calls=35, commits=32, heroku=22), "after call 10")
def test_a_move_that_is_killed_is_finished_by_the_next_resume(
    world: World, heroku_account: RunningEmulator, stranded: str, point: Point, record_property: Record
) -> None:
    name = "--resume that moves HITs to a new Heroku app, then --resume"
    world.strike(record_property, name, point, LAUNCH, "--resume", stranded, "--yes")
    if world.sql("SELECT state FROM task_runs") != [("finished",)]:
        world.finish(LAUNCH, "--resume", stranded, "--yes")
    world.assert_done(stranded, 4, workers=1)
