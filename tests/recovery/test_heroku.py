"""A launch with its task server at Heroku is killed: one command takes down HITs and app, and nothing foreign."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from botocore.exceptions import ClientError

from crowdops import questions
from tests.crowds import wait_until
from tests.emulators.heroku import TOKEN
from tests.emulators.running import RunningEmulator, running_emulator
from tests.recovery.strikes import LAUNCH, Point, Wreckage, points
from tests.runs.conftest import FULL_SWEEP
from tests.runs.gates import Call, Cut, Gate, let_pass
from tests.runs.worlds import Launch

SAMPLE = ("after call 4", "after commit 5")
POINTS = [point for point in points(12, 20) if FULL_SWEEP or str(point) in SAMPLE]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with running_emulator("--boot-timeout", "10") as emulator:
        yield emulator


@pytest.fixture
def heroku(running: RunningEmulator, world: Wreckage) -> Iterator[RunningEmulator]:
    """An account with an app that is not ours and one that only looks so."""
    world.variables = {"HEROKU_HOST": running.url, "HEROKU_API_KEY": TOKEN}
    running.create_app("somebodys-blog")
    running.create_app("crowdops-look-alike-01234567")
    yield running
    running.sweep()


@pytest.fixture
def run_toml(world: Wreckage, heroku: RunningEmulator) -> str:
    world.add_foreign_hits()
    world.work_in_pairs()
    path = world.write_run(4, max_num_concurrent_units=2, assignments_per_unit=2)
    path.write_text(path.read_text() + '[server]\nkind = "heroku"\n')
    return str(path)


def assert_no_app_is_left(heroku: RunningEmulator) -> None:
    assert {app["name"] for app in heroku.get("/apps")} == {"somebodys-blog", "crowdops-look-alike-01234567"}


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_a_launch_with_a_heroku_app_that_is_killed_is_shut_down_by_recover(
    world: Wreckage,
    heroku: RunningEmulator,
    run_toml: str,
    point: Point,
    record_property: Callable[[str, object], None],
) -> None:
    if world.kill_at(point, LAUNCH, run_toml, "--yes"):
        record_property("strike", "launch_run with a Heroku app, then recover")
    result = world.recover()
    assert result.exit_code == 0, result.stderr
    world.assert_nothing_is_left()
    assert_no_app_is_left(heroku)


def test_the_plan_tells_what_an_app_costs_and_resume_keeps_it(
    world: Wreckage, heroku: RunningEmulator, run_toml: str
) -> None:
    assert world.kill_at(Point("call", "after", 4), LAUNCH, run_toml, "--yes")
    (run_id,) = world.run_ids()
    plan = world.script("local.recover", "--dry-run").stdout
    (line,) = [line for line in plan.splitlines() if line.startswith("server")]
    assert "$0.0097 an hour" in line
    assert line.endswith("take down")
    assert "kept for its run" in world.script("local.recover", "--resume", "--dry-run").stdout
    app = {app["name"] for app in heroku.get("/apps")}
    assert world.recover("--resume").exit_code == 0
    assert world.units(run_id) == {"finished": 4}
    assert len(app) == 3
    world.assert_nothing_is_left()
    assert_no_app_is_left(heroku)


def test_from_another_home_a_living_run_keeps_its_app(
    world: Wreckage, heroku: RunningEmulator, run_toml: str, colleague: Path
) -> None:
    world.crew = let_pass
    alive = world.start(LAUNCH, run_toml, "--yes")
    world.wait_for_units("outstanding", 2)
    ours = {app["name"] for app in heroku.get("/apps")}
    for options in ((), ("--resume",)):
        document = json.loads(world.recover("--home", str(colleague), "--json", *options).stdout)
        assert document["actions"] == []
        assert (document["orphan_servers"], document["orphan_hits"]) == (1, 2)
        assert [run["run_id"] for run in document["orphan_runs"]] == [alive.run_id]
    plain = world.recover("--home", str(colleague))
    assert "Nothing of this home is left over" in plain.stderr
    (line,) = [line for line in plain.stdout.splitlines() if line.startswith("server")]
    assert line.endswith(f"left alone; --orphans {alive.run_id}")
    assert {app["name"] for app in heroku.get("/apps")} == ours
    assert len(world.hand.open_hits()) == 2


def test_an_app_whose_home_is_lost_goes_when_its_run_is_meant(
    world: Wreckage, heroku: RunningEmulator, run_toml: str, colleague: Path
) -> None:
    assert world.kill_at(Point("call", "after", 4), LAUNCH, run_toml, "--yes")
    (run_id,) = world.run_ids()
    result = world.recover("--home", str(colleague), "--orphans", run_id)
    assert result.exit_code == 0, result.stderr
    assert world.hand.open_hits() == []
    assert_no_app_is_left(heroku)


def test_the_app_of_a_run_that_crashed_at_another_endpoint_is_kept_for_it(
    world: Wreckage, heroku: RunningEmulator, run_toml: str
) -> None:
    assert world.kill_at(Point("call", "after", 4), LAUNCH, run_toml, "--yes")
    ours = {app["name"] for app in heroku.get("/apps")}
    with Gate(world.crowd.url) as other:
        world.gate, first = other, world.gate
        result = world.recover("--json")
        world.gate = first
    document = json.loads(result.stdout)
    assert (document["actions"], len(document["elsewhere"])) == ([], 1)
    assert {app["name"] for app in heroku.get("/apps")} == ours
    assert world.recover().exit_code == 0
    world.assert_nothing_is_left()
    assert_no_app_is_left(heroku)


# An app that is gone takes its address with it


def work_where_pages_are(world: Wreckage) -> None:
    """Let a worker do one HIT at each look, but only one whose page can be seen."""

    def crew(call: Call) -> None:
        if call.operation == "ListReviewableHITs":
            for hit_id in world.hand.open_hits()[:2]:
                if is_page_there(world, hit_id):
                    world.hand.do(hit_id)
                    return

    world.crew = crew


def is_page_there(world: Wreckage, hit_id: str) -> bool:
    question = world.crowd.client().get_hit(HITId=hit_id)["HIT"]["Question"]
    try:
        return requests.get(questions.external_url(question) or "", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.fixture
def stranded(world: Wreckage, heroku: RunningEmulator) -> str:
    """A crashed run of four units with two HITs out, whose app somebody has deleted. Its id."""
    world.add_foreign_hits()
    path = world.write_run(4, max_num_concurrent_units=2)
    path.write_text(path.read_text() + '[server]\nkind = "heroku"\n')
    launch = world.start(LAUNCH, str(path), "--yes")
    world.wait_for_units("outstanding", 2)
    launch.process.kill()
    launch.end()
    (app,) = [app["id"] for app in heroku.get("/apps") if "pictures" in app["name"]]
    assert heroku.call("DELETE", f"/apps/{app}").ok
    work_where_pages_are(world)
    return launch.run_id


def assert_all_is_done(world: Wreckage, heroku: RunningEmulator, run_id: str) -> None:
    world.assert_nothing_is_left()
    assert world.units(run_id) == {"finished": 4}
    assert len(world.collected(run_id)) == 4
    assert_no_app_is_left(heroku)


def test_units_whose_pages_are_gone_are_launched_anew_at_the_new_address(
    world: Wreckage, heroku: RunningEmulator, stranded: str
) -> None:
    old = world.hand.open_hits()
    result = world.recover("--resume")
    assert result.exit_code == 0, result.stderr
    assert "The address of the pages has changed: 2 HITs that led to the old one are deleted" in result.stderr
    assert_all_is_done(world, heroku, stranded)
    for hit_id in old:
        with pytest.raises(ClientError, match="does not exist"):
            world.crowd.client().get_hit(HITId=hit_id)


def test_what_somebody_has_worked_on_at_the_old_address_is_kept(
    world: Wreckage, heroku: RunningEmulator, stranded: str
) -> None:
    first, second = world.hand.open_hits()
    world.hand.do(first)
    held = [world.hand.accept(second)]
    working = world.crew

    def crew(call: Call) -> None:
        if held and call.operation == "ListReviewableHITs" and world.gate.count("DeleteHIT") == 0:
            world.hand.submit(held.pop())  # the page was open in the browser all the time
        working(call)

    world.crew = crew
    result = world.recover("--resume")
    assert result.exit_code == 0, result.stderr
    assert "1 that somebody has worked on are ended" in result.stderr
    assert_all_is_done(world, heroku, stranded)
    assert {hit.hit_id for hit in world.hand.hits()} >= {first, second}


MOVES = ("GetHIT", "UpdateExpirationForHIT", "GetHIT", "DeleteHIT", "CreateHITWithHITType")
MOVE_POINTS = [
    (when, operation, number)
    for operation in dict.fromkeys(MOVES)
    for number in (1, 2, 3, 4)
    for when in ("before", "after")
]


@pytest.mark.parametrize(
    "when,operation,number",
    MOVE_POINTS if FULL_SWEEP else [("after", "DeleteHIT", 1), ("after", "CreateHITWithHITType", 1)],
)
def test_a_move_that_is_killed_is_finished_by_the_next_resume(
    world: Wreckage,
    heroku: RunningEmulator,
    stranded: str,
    when: str,
    operation: str,
    number: int,
    record_property: Callable[[str, object], None],
) -> None:
    before = world.gate.count(operation)
    started: list[Launch] = []

    def strike(call: Call) -> None:
        if call.operation == operation and world.gate.count(operation) == before + number:
            wait_until(lambda: bool(started))
            started[0].process.kill()
            started[0].end()
            raise Cut

    def before_call(call: Call) -> None:
        world.crew(call)
        if when == "before":
            strike(call)

    world.gate.before = before_call
    if when == "after":
        world.gate.after = strike
    started.append(world.start(LAUNCH, "--resume", stranded, "--yes"))
    struck = started[0].end() != 0
    world.gate.before = world.gate.after = let_pass
    if struck:
        record_property("strike", "--resume with a new Heroku app, then --resume")
        world.finish(LAUNCH, "--resume", stranded, "--yes")
    assert_all_is_done(world, heroku, stranded)
