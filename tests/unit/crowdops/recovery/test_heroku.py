"""A run with its task server at Heroku: what its app costs, whose it is, and what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.gates import let_pass
from tests.support.heroku.running import RunningEmulator
from tests.support.processes import free_port
from tests.support.strikes import FOREIGN_APPS, LAUNCH
from tests.support.sweeps import Point
from tests.support.world import World

pytestmark = pytest.mark.gated


def test_the_plan_tells_what_an_app_costs_and_resume_keeps_it(
    world: World, heroku_account: RunningEmulator, heroku_run_toml: str
) -> None:
    assert world.kill_at(Point("call", "after", 4), LAUNCH, heroku_run_toml, "--yes")
    (run_id,) = world.run_ids()
    plan = world.invoke("local/recover", "--dry-run").stdout
    (line,) = [line for line in plan.splitlines() if line.startswith("server")]
    assert "$0.0097 an hour" in line
    assert line.endswith("take down")
    assert "kept for its run" in world.invoke("local/recover", "--resume", "--dry-run").stdout
    app = {app["name"] for app in heroku_account.get("/apps")}
    assert world.recover("--resume").exit_code == 0
    assert world.units(run_id) == {"finished": 4}
    assert len(app) == 3
    world.assert_nothing_is_left()


def test_from_another_home_a_living_run_keeps_its_app(
    world: World, heroku_account: RunningEmulator, heroku_run_toml: str, colleague: Path
) -> None:
    world.crew = let_pass
    alive = world.start(LAUNCH, heroku_run_toml, "--yes")
    world.wait_for_units("outstanding", 2)
    ours = {app["name"] for app in heroku_account.get("/apps")}
    for options in ((), ("--resume",)):
        document = json.loads(world.recover("--home", str(colleague), "--json", *options).stdout)
        assert document["actions"] == []
        assert (document["orphan_servers"], document["orphan_hits"]) == (1, 2)
        assert [run["run_id"] for run in document["orphan_runs"]] == [alive.run_id]
    plain = world.recover("--home", str(colleague))
    assert "Nothing of this home is left over" in plain.stdout
    (line,) = [line for line in plain.stdout.splitlines() if line.startswith("server")]
    assert line.endswith(f"left alone; --orphans {alive.run_id}")
    assert {app["name"] for app in heroku_account.get("/apps")} == ours
    assert len(world.open_hits()) == 2


def test_an_app_whose_home_is_lost_goes_when_its_run_is_meant(
    world: World, heroku_account: RunningEmulator, heroku_run_toml: str, colleague: Path
) -> None:
    assert world.kill_at(Point("call", "after", 4), LAUNCH, heroku_run_toml, "--yes", threads=1)
    world.crew = let_pass  # the HITs are open when recover finds them
    (run_id,) = world.run_ids()
    result = world.recover("--home", str(colleague), "--orphans", run_id)
    assert result.exit_code == 0, result.stderr
    assert world.open_hits() == []
    assert {app["name"] for app in heroku_account.get("/apps")} == set(FOREIGN_APPS)


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param(3, id="no HIT was made"),
        pytest.param(4, id="all HITs are done"),
    ],
)
def test_an_app_whose_home_is_lost_goes_even_if_nothing_is_open(
    world: World, heroku_account: RunningEmulator, heroku_run_toml: str, colleague: Path, calls: int
) -> None:
    world.crew = let_pass
    assert world.kill_at(Point("call", "after", calls), LAUNCH, heroku_run_toml, "--yes", threads=1)
    for hit_id in world.open_hits():
        world.do(hit_id, "AWORKER1")
        world.do(hit_id, "AWORKER2")
    (run_id,) = world.run_ids()
    result = world.recover("--home", str(colleague), "--orphans", run_id)
    assert result.exit_code == 0, result.stderr
    assert {app["name"] for app in heroku_account.get("/apps")} == set(FOREIGN_APPS)


def test_the_app_of_a_run_whose_server_does_not_answer_is_kept_for_it(
    world: World, heroku_account: RunningEmulator, heroku_run_toml: str
) -> None:
    assert world.kill_at(Point("call", "after", 4), LAUNCH, heroku_run_toml, "--yes")
    ours = {app["name"] for app in heroku_account.get("/apps")}
    run = world.run(world.run_ids()[0])
    world.put_elsewhere(run, f"http://127.0.0.1:{free_port()}")
    result = world.recover("--json")
    assert result.exit_code == 1
    world.put_elsewhere(run, world.gate.url, None)
    document = json.loads(result.stdout)
    assert (document["actions"], len(document["elsewhere"])) == ([], 1)
    assert {app["name"] for app in heroku_account.get("/apps")} == ours
    assert world.recover().exit_code == 0
    world.assert_nothing_is_left()
