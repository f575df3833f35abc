"""kill -9 of a deploy at its calls: what is left is seen, and goes with one command."""

from __future__ import annotations

import pytest

from tests.support import sweeps
from tests.support.processes import wait_until
from tests.support.servers import HerokuServers

CALLS = (
    "GET /account",
    "POST /apps",
    "PATCH /apps/{app}/config-vars",
    "POST /sources",
    "POST /apps/{app}/builds",
    "GET /apps/{app}/builds/{build}",
    "GET /apps/{app}/releases/{release}",
    "PATCH /apps/{app}/formation/{process_type}",
    "GET /apps/{app}/dynos",
)
POINTS = [(moment, call) for call in CALLS for moment in ("hold-before", "hold-after")]
SAMPLE = [
    ("hold-before", "POST /apps"),
    ("hold-after", "POST /apps"),
    ("hold-after", "PATCH /apps/{app}/config-vars"),
    ("hold-after", "GET /apps/{app}/dynos"),
]
SWEPT = POINTS if sweeps.FULL else SAMPLE


def cut_off(heroku: HerokuServers, moment: str, call: str, *args: str) -> None:
    """Kill -9 a launch_server while Heroku is at a call of it; the call then goes on."""
    heroku.emulator.order(moment, operation=call)
    launch = heroku.start("heroku/launch_server", *args)
    wait_until(lambda: heroku.emulator.held() == 1 or launch.process.poll() is not None)
    assert launch.process.poll() is None, launch.said
    launch.kill()
    heroku.emulator.clear_faults()
    if (moment, call) == ("hold-before", "POST /apps"):
        wait_until(heroku.apps)  # Heroku creates it all the same, after its client died


@pytest.mark.parametrize("moment,call", SWEPT)
@pytest.mark.parametrize("state", ["finished", "running"], ids=["ended", "crashed"])
def test_a_deploy_that_was_cut_off_is_seen_and_taken_down(
    heroku: HerokuServers, moment: str, call: str, state: str, record_property: sweeps.Record
) -> None:
    run = heroku.add_run(state=state)
    cut_off(heroku, moment, call, run.run_id)
    sweeps.count(record_property, "heroku/launch_server, then heroku/kill_servers")
    left = heroku.apps()
    seen = heroku.status()["servers"]
    assert [server["name"] for server in seen if server["exists"]] == left
    assert all(server["leftover"] and server["run_id"] == run.run_id for server in seen)
    found = heroku.kill()
    assert (found["selected"], found["failed"], found["exit_code"]) == (len(seen), [], 0)
    assert heroku.apps() == []
    again = heroku.kill()
    assert (again["selected"], again["exit_code"]) == (0, 0)
    assert heroku.status()["servers"] == []


CROWD_CALLS = (
    *CALLS,
    "POST /apps/{app}/addons",
    "GET /apps/{app}/addons/{addon}",
    "GET /apps/{app}/config-vars",
)
CROWD_POINTS = [(moment, call) for call in CROWD_CALLS for moment in ("hold-before", "hold-after")]
CROWD_SAMPLE = [("hold-after", "POST /apps")]  # before it is marked


@pytest.mark.parametrize("moment,call", CROWD_POINTS if sweeps.FULL else CROWD_SAMPLE)
def test_a_crowd_server_that_was_cut_off_is_shown_as_one_and_goes_by_its_name(
    heroku: HerokuServers, moment: str, call: str, record_property: sweeps.Record
) -> None:
    cut_off(heroku, moment, call, "--crowd")
    sweeps.count(record_property, "heroku/launch_server --crowd, then heroku/kill_servers")
    left = heroku.apps()
    seen = [server for server in heroku.status()["servers"] if server["exists"]]
    assert [server["name"] for server in seen] == left
    assert [(server["crowd"], server["leftover"]) for server in seen] == [(True, False)] * len(left)
    assert heroku.kill("--all-runs")["selected"] == 0
    assert heroku.apps() == left
    for name in left:
        assert heroku.kill(name)["done"] == 1
    assert heroku.apps() == []


def test_every_call_of_a_deploy_is_swept(heroku: HerokuServers) -> None:
    before = heroku.emulator.calls()
    heroku.launch_app(heroku.add_run())
    after = heroku.emulator.calls()
    assert {call for call in after if after[call] != before.get(call)} == set(CALLS)


def test_an_app_that_appears_after_everything_was_taken_down_is_found_again(heroku: HerokuServers) -> None:
    run = heroku.add_run()
    heroku.emulator.order("hold-before", operation="POST /apps")
    launch = heroku.start("heroku/launch_server", run.run_id)
    wait_until(lambda: heroku.emulator.held() == 1)
    launch.kill()
    assert heroku.kill()["already"] == 1
    heroku.emulator.clear_faults()
    wait_until(heroku.apps)
    assert heroku.kill()["done"] == 1
    assert heroku.apps() == []


def test_an_app_that_was_cut_off_before_it_was_marked_is_not_taken_from_whoever_configured_it(
    heroku: HerokuServers,
) -> None:
    cut_off(heroku, "hold-after", "POST /apps", heroku.add_run().run_id)
    (name,) = heroku.apps()
    heroku.emulator.call("PATCH", f"/apps/{name}/config-vars", {"DATABASE_URL": "postgres://somewhere"})
    assert heroku.status()["servers"][0]["leftover"] is False
    assert heroku.kill()["selected"] == 0
    assert heroku.apps() == [name]
    assert heroku.kill(name)["done"] == 1


def test_a_cut_off_deploy_of_an_app_for_no_run_goes_by_its_name(heroku: HerokuServers) -> None:
    folder = heroku.folder / "own-app"
    folder.mkdir()
    (folder / "Procfile").write_text("web: python -m http.server $PORT\n")
    cut_off(heroku, "hold-after", "POST /apps", "--app-dir", str(folder))
    (name,) = heroku.apps()
    assert heroku.kill("--all-runs")["selected"] == 0
    assert heroku.kill(name)["done"] == 1
    assert heroku.status()["servers"] == []


def test_two_launches_of_one_run_do_not_meet(heroku: HerokuServers) -> None:
    run = heroku.add_run()
    heroku.emulator.order("hold-before", operation="POST /apps/{app}/builds")
    heroku.start("heroku/launch_server", run.run_id)
    wait_until(lambda: heroku.emulator.held() == 1)
    result = heroku.invoke("launch_server", run.run_id)
    assert result.exit_code == 2
    assert "is attended by" in result.stderr
    assert len(heroku.apps()) == 1
