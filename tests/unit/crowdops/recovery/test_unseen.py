"""What could not be looked at is not nothing: it is said, in words and in JSON, and the exit code is 1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crowdops.errors import Unreachable
from crowdops.providers.heroku import calls
from crowdops.providers.heroku.client import Heroku
from crowdops.providers.heroku.models import App
from tests.support.fixtures import COLLEAGUE_TOKEN
from tests.support.heroku.emulator import ACCOUNT_EMAIL
from tests.support.processes import free_port
from tests.support.servers import UNKNOWN_RUN, HerokuServers, marked

CONFIG = "GET /apps/{app}/config-vars"


@pytest.fixture(autouse=True)
def quick_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "FIRST_PAUSE_SECONDS", 0.001)


@pytest.fixture
def out_of_reach(heroku: HerokuServers) -> HerokuServers:
    """A key, and a Heroku that nobody can reach; the registry has an app there, of an ended run."""
    heroku.launch_app(heroku.add_run("pilot-1"))
    heroku.world.setenv(HEROKU_HOST=f"http://127.0.0.1:{free_port()}")
    return heroku


def look(heroku: HerokuServers, script: str, *arguments: str, exit_code: int = 1) -> tuple[Any, str]:
    """Run a script twice, with --json and without; return the document and what it said the second time."""
    document = heroku.world.json(script, *arguments, exit_code=exit_code)
    said = heroku.world.invoke(script, *arguments)
    assert said.exit_code == exit_code, said.stderr
    return document, f"{said.stdout}{said.stderr}"


def whats(document: Any) -> list[str]:
    return [one["what"] for one in document["not_looked_at"]]


STATUS = "mturk/print_outstanding_hit_status"

# The whole account

COMMANDS: list[Any] = [
    pytest.param(["local/recover", "--dry-run"], id="recover-dry"),
    pytest.param(["local/recover", "--yes"], id="recover"),
    pytest.param(["local/recover", "--yes", "--resume"], id="recover-resume"),
    pytest.param(["local/rebuild_registry", "--dry-run"], id="rebuild-dry"),
    pytest.param(["local/rebuild_registry"], id="rebuild"),
    pytest.param(["heroku/print_server_status"], id="status"),
    pytest.param(["heroku/kill_servers", "--yes"], id="kill"),
    pytest.param(["heroku/kill_servers", "--all-runs", "--dry-run"], id="kill-dry"),
]


def test_a_heroku_out_of_reach_is_no_empty_heroku(out_of_reach: HerokuServers) -> None:
    (row,) = out_of_reach.rows("up")
    for (command,) in (param.values for param in COMMANDS):
        document, said = look(out_of_reach, *command)
        (unseen,) = document["not_looked_at"]
        assert (unseen["what"], unseen["may_hold"]) == ("Heroku", [row.name]), command
        assert "cannot be reached" in unseen["why"]
        assert f"By the registry there is: {row.name}." in said
        assert "Not known: Heroku. Something may be left there." in said
        assert "left over" not in said
        quiet = out_of_reach.world.invoke(*command, "--quiet")
        assert (quiet.exit_code, "Not known: Heroku" in quiet.stderr) == (1, True), command
    assert [row.state for row in out_of_reach.rows()] == ["up"]


def test_cron_is_told_of_a_server_that_is_up_by_the_registry_without_asking_heroku(
    out_of_reach: HerokuServers,
) -> None:
    [row] = out_of_reach.rows()
    checked = out_of_reach.world.invoke(STATUS, "--check")
    assert checked.exit_code == 4
    assert f"The task server {row.name} is up by the registry, and its run {row.run_id} has no process." in (
        checked.stdout
    )
    document = out_of_reach.world.json(STATUS, "--check", exit_code=4)
    assert document["orphan_servers"] == [{"name": row.name, "kind": "heroku", "run_id": row.run_id}]
    out_of_reach.world.setenv(HEROKU_HOST=out_of_reach.emulator.url)
    assert out_of_reach.world.invoke("local/recover", "--yes").exit_code == 0
    assert out_of_reach.world.invoke(STATUS, "--check").exit_code == 0


def test_a_key_that_is_refused_hides_the_apps_as_well(out_of_reach: HerokuServers) -> None:
    out_of_reach.world.setenv(HEROKU_HOST=out_of_reach.emulator.url, HEROKU_API_KEY="expired")
    for command in ("recover", "rebuild_registry"):
        document, _ = look(out_of_reach, f"local/{command}", *(["--yes"] if command == "recover" else []))
        assert whats(document) == ["Heroku"]


def test_without_a_key_heroku_matters_to_who_has_an_app_there(
    heroku: HerokuServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEROKU_API_KEY")
    document, said = look(heroku, "local/recover", "--yes", exit_code=0)
    assert (document["not_looked_at"], len(document["remarks"])) == ([], 1)
    assert "Heroku was not looked at: HEROKU_API_KEY is not set." in said
    assert "Nothing is left over" in said
    monkeypatch.setenv("HEROKU_API_KEY", "emulator-token")
    name = heroku.launch_app(heroku.add_run())
    monkeypatch.delenv("HEROKU_API_KEY")
    document, said = look(heroku, "local/recover", "--yes")
    (unseen,) = document["not_looked_at"]
    assert (unseen["why"], unseen["may_hold"]) == ("HEROKU_API_KEY is not set", [name])


def test_a_run_that_is_named_and_not_found_is_only_wrong_if_all_was_looked_at(heroku: HerokuServers) -> None:
    asked = [
        ["local/recover", "--yes", "--orphans", UNKNOWN_RUN],
        ["local/rebuild_registry", "--run", UNKNOWN_RUN],
        ["local/rebuild_registry", "--task-name", "nobody-*"],
        ["heroku/kill_servers", "--yes", "--run", UNKNOWN_RUN],
    ]
    for command in asked:
        assert heroku.world.invoke(*command).exit_code == 2, command
    heroku.world.setenv(HEROKU_HOST=f"http://127.0.0.1:{free_port()}")
    for command in asked:
        result = heroku.world.invoke(*command)
        assert result.exit_code == 1, command
        assert "That is not known, because not everything could be looked at: Heroku" in result.stderr


# A part of it


@pytest.fixture
def two_apps(heroku: HerokuServers) -> Iterator[HerokuServers]:
    """Two leftover apps of one ended run, the config vars of one of which fail to be read."""
    run = heroku.add_run()
    for number in (1, 2):
        heroku.add_app(f"crowdops-pilot-1-0000000{number}", marked(run.run_id))
    yield heroku


def test_one_app_that_fails_to_be_read_hides_neither_itself_nor_the_other(two_apps: HerokuServers) -> None:
    two_apps.emulator.order("error-before", operation=CONFIG, status=422, message="Try later")
    document = two_apps.status(exit_code=1)
    (read,) = (server["name"] for server in document["servers"])
    (unseen,) = document["not_looked_at"]
    assert {unseen["what"], f"app {read}"} == {f"app {name}" for name in two_apps.apps()}
    assert "Try later" in unseen["why"]
    assert document["foreign_apps"] == 0


@pytest.mark.parametrize("status", [403, 422])
def test_the_others_are_taken_down_and_the_one_is_said(two_apps: HerokuServers, status: int) -> None:
    two_apps.emulator.order("error-before", operation=CONFIG, status=status, id="forbidden")
    result = two_apps.world.invoke("local/recover", "--yes", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    (left,) = two_apps.apps()
    assert [action["result"] for action in document["actions"]] == ["taken down"]
    assert whats(document) == [f"app {left}"]
    assert f"Not known: app {left}." in result.stderr
    assert two_apps.world.json("local/recover", "--yes")["not_looked_at"] == []
    assert two_apps.apps() == []


def test_kill_servers_says_the_same_of_a_part(two_apps: HerokuServers) -> None:
    two_apps.emulator.order("error-before", operation=CONFIG, status=422)
    killed = two_apps.kill()
    (left,) = two_apps.apps()
    assert (killed["done"], killed["exit_code"], whats(killed)) == (1, 1, [f"app {left}"])
    assert f"Not known: app {left}." in killed["said"]


def test_what_is_named_is_done_and_the_rest_is_not_asked_about(two_apps: HerokuServers) -> None:
    first, second = two_apps.apps()
    two_apps.emulator.order("error-before", operation=CONFIG, status=422)
    killed = two_apps.kill(first, second)
    assert killed["done"] == 1
    (failure,) = killed["failed"]
    assert two_apps.apps() == [failure["id"]]
    assert killed["exit_code"] == 1


def test_an_app_whose_dynos_fail_to_be_read_is_known_all_the_same(two_apps: HerokuServers) -> None:
    two_apps.emulator.order("error-before", operation="GET /apps/{app}/formation", status=422, count=9)
    document = two_apps.status(exit_code=1)
    assert [server["scaled"] for server in document["servers"]] == [None, None]
    assert [server["leftover"] for server in document["servers"]] == [True, True]
    assert len(document["not_looked_at"]) == 2
    two_apps.emulator.order("error-before", operation="GET /apps/{app}/formation", status=422, count=9)
    assert two_apps.kill()["done"] == 2


def test_a_list_of_apps_that_breaks_off_is_no_end_of_the_list(
    heroku: HerokuServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = heroku.add_run()
    heroku.add_app("crowdops-pilot-1-00000001", marked(run.run_id))
    kept = heroku.launch_app(heroku.add_run("pilot-2"))
    whole = Heroku.apps

    def broken(self: Heroku) -> Iterator[App]:
        yield from (app for app in whole(self) if app.name != kept)
        raise Unreachable("the second part did not come")

    monkeypatch.setattr(Heroku, "apps", broken)
    document = heroku.status(exit_code=1)
    assert [(server["name"], server["exists"]) for server in document["servers"]] == [
        ("crowdops-pilot-1-00000001", True)  # and the other one is not said to have vanished
    ]
    assert whats(document) == ["the list of apps at Heroku after the first 1"]
    assert heroku.world.json("local/recover", "--yes", exit_code=1)["orphan_servers"] == 1
    assert heroku.apps() == [kept]
    assert [row.state for row in heroku.rows()] == ["up"]


def test_calls_that_were_not_tried_any_more_are_unseen(
    heroku: HerokuServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        heroku.add_app(f"crowdops-many-{number:08x}", marked())

    def silent(self: Heroku, app_id: str) -> None:
        raise Unreachable("it does not answer any more")

    monkeypatch.setattr(Heroku, "visible_config", silent)
    document = heroku.status(exit_code=1)
    assert sorted(whats(document)) == sorted(f"app {name}" for name in heroku.apps())
    assert {"not tried" in one["why"] for one in document["not_looked_at"]} == {True, False}


# What this key cannot tell is not gone


def test_an_app_of_another_account_is_not_gone(heroku: HerokuServers) -> None:
    name = heroku.launch_app(heroku.add_run())
    heroku.world.setenv(HEROKU_API_KEY=COLLEAGUE_TOKEN)
    document = heroku.status(exit_code=1)
    (unseen,) = document["not_looked_at"]
    assert (unseen["what"], f"was created by {ACCOUNT_EMAIL}" in unseen["why"]) == (f"app {name}", True)
    killed = heroku.kill(name)
    assert (killed["done"], killed["already"], killed["exit_code"]) == (0, 0, 1)
    assert look(heroku, "local/recover", "--yes")[0]["actions"] == []
    assert [row.state for row in heroku.rows()] == ["up"]
    heroku.world.setenv(HEROKU_API_KEY="emulator-token")
    assert heroku.kill(name)["done"] == 1


def test_an_app_that_the_key_may_not_see_is_not_gone(heroku: HerokuServers) -> None:
    name = heroku.launch_app(heroku.add_run())
    heroku.emulator.order("error-before", operation="GET /apps/{app}", status=403, id="forbidden")
    killed = heroku.kill()
    assert (killed["done"], killed["already"], [failure["id"] for failure in killed["failed"]]) == (
        0,
        0,
        [name],
    )
    assert [row.state for row in heroku.rows()] == ["up"]
    assert heroku.kill()["done"] == 1


@pytest.mark.parametrize("orphans", [False, True], ids=["crashed", "of-another-home"])
def test_a_run_that_is_ended_with_its_server_still_there_is_a_failure(
    heroku: HerokuServers, colleague: Path, orphans: bool
) -> None:
    run = heroku.add_run(state="running")
    name = heroku.launch_app(run)
    heroku.emulator.order("error-before", operation="DELETE /apps/{app}", status=422, count=2)
    more = ["--home", str(colleague), "--orphans", run.run_id] if orphans else []
    result = heroku.world.invoke("local/recover", "--yes", *more)
    assert result.exit_code == 1, result.stderr
    assert f"server {name}: could not be taken down" in result.stderr
    assert heroku.apps() == [name]
    heroku.emulator.clear_faults()
    assert heroku.world.invoke("local/recover", "--yes", *more[:2]).exit_code == 0
    assert heroku.apps() == []
