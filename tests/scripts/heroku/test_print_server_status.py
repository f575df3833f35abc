"""print_server_status: four facts about each server, what it cost, whose it is, and how many are foreign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from crowdops.servers import status
from tests.support import advice
from tests.support.fixtures import COLLEAGUE, COLLEAGUE_TOKEN
from tests.support.processes import wait_until
from tests.support.servers import UNKNOWN_RUN, HerokuServers, marked

KEYS = {
    "name",
    "kind",
    "run_id",
    "crowd",
    "task_name",
    "url",
    "exists",
    "scaled",
    "dyno_state",
    "answers",
    "leftover",
    "created_at",
    "cost_so_far",
    "marked",
    "note",
}


def test_each_server_has_its_facts(heroku: HerokuServers) -> None:
    living, ended = heroku.add_run("pilot-1", state="detached"), heroku.add_run("pilot-2")
    names = [heroku.launch_app(living), heroku.launch_app(ended)]
    found = heroku.status()
    assert found["foreign_apps"] == 0
    assert [server["name"] for server in found["servers"]] == names
    for server, run in zip(found["servers"], [living, ended], strict=True):
        assert set(server) == KEYS
        assert (server["kind"], server["run_id"], server["task_name"]) == (
            "heroku",
            run.run_id,
            run.task_name,
        )
        facts = ("exists", "scaled", "dyno_state", "answers", "marked")
        assert [server[key] for key in facts] == [True, 1, "up", True, True]
        assert server["leftover"] is (run is ended)
        assert datetime.fromisoformat(server["created_at"]) > datetime.now(UTC) - timedelta(minutes=5)
        assert Decimal(server["cost_so_far"]) < 1


def test_existing_scaled_running_and_answering_are_told_apart(heroku: HerokuServers) -> None:
    asleep, crashed = (
        heroku.launch_app(heroku.add_run("pilot-1")),
        heroku.launch_app(heroku.add_run("pilot-2")),
    )
    heroku.emulator.call("PATCH", f"/apps/{asleep}/formation/web", {"quantity": 0})
    heroku.emulator.order("boot-crash", count=9)
    heroku.emulator.call("DELETE", f"/apps/{crashed}/dynos")
    wait_until(lambda: heroku.status()["servers"][1]["dyno_state"] == "crashed")
    first, second = heroku.status()["servers"]
    assert (first["exists"], first["scaled"], first["dyno_state"], first["answers"]) == (True, 0, None, False)
    assert (second["exists"], second["scaled"], second["answers"]) == (True, 1, False)


def test_foreign_apps_are_counted_and_not_shown(heroku: HerokuServers) -> None:
    heroku.add_app("blog", {})
    heroku.add_app("crowdops-theirs-0000000e", marked(creator=COLLEAGUE))
    heroku.add_app("lab-site", {}, team="lab", token=COLLEAGUE_TOKEN)
    assert heroku.status() == {"servers": [], "foreign_apps": 3, "not_looked_at": []}


def test_a_server_without_its_registry_is_a_leftover_of_an_unknown_run(heroku: HerokuServers) -> None:
    heroku.add_app("crowdops-pilot-1-00000001", marked())
    (server,) = heroku.status()["servers"]
    assert (server["run_id"], server["task_name"], server["leftover"]) == (UNKNOWN_RUN, "pilot-1", True)


def test_selectors_show_the_servers_of_some_runs(heroku: HerokuServers) -> None:
    heroku.add_app("crowdops-a-00000001", marked(UNKNOWN_RUN, task_name="pilot-a"))
    heroku.add_app("crowdops-b-00000002", marked("20250101-000001-zzzz", task_name="pilot-b"))
    assert [s["name"] for s in heroku.status("--run", UNKNOWN_RUN)["servers"]] == ["crowdops-a-00000001"]
    assert [s["name"] for s in heroku.status("--task-name", "*-b")["servers"]] == ["crowdops-b-00000002"]
    assert len(heroku.status("--all-runs")["servers"]) == 2


def test_an_app_that_was_renamed_is_shown_and_never_taken_for_a_leftover(heroku: HerokuServers) -> None:
    name = heroku.launch_app(heroku.add_run())
    heroku.emulator.call("PATCH", f"/apps/{name}", {"name": "our-production"})
    (server,) = heroku.status()["servers"]
    assert (server["name"], server["leftover"]) == ("our-production", False)
    assert "renamed" in server["note"]
    assert heroku.kill("our-production")["exit_code"] == 1
    assert heroku.apps() == ["our-production"]


def test_config_vars_that_may_not_be_read_say_nothing_of_whose_app_it_is(heroku: HerokuServers) -> None:
    heroku.add_app("crowdops-a-00000001", marked())
    heroku.add_app("crowdops-b-00000002", marked())
    heroku.emulator.order("error-before", operation="GET /apps/{app}/config-vars", status=403, id="forbidden")
    document = heroku.status(exit_code=1)
    servers = document["servers"]
    assert sorted((server["marked"], server["leftover"]) for server in servers) == [
        (False, False),
        (True, True),
    ]
    (name,) = (server["name"] for server in servers if not server["marked"])
    assert "may not be read" in next(server["note"] for server in servers if not server["marked"])
    (unseen,) = document["not_looked_at"]
    assert (unseen["what"], unseen["why"][:35]) == (f"app {name}", "its config vars may not be read wit")


def test_a_list_of_many_parts_is_read_to_its_end(heroku: HerokuServers) -> None:
    for number in range(12):
        heroku.add_app(f"crowdops-many-{number:08x}", marked())
    assert len(heroku.status()["servers"]) == 12


def test_people_get_a_table_and_the_next_command(heroku: HerokuServers) -> None:
    heroku.add_app("crowdops-a-00000001", marked())
    heroku.add_app("crowdops-b-00000002", {})
    result = heroku.invoke("print_server_status")
    assert result.exit_code == 0
    assert "crowdops-a-00000001" in result.stdout and "unmarked" in result.stdout
    assert "1 of 2 servers is a leftover" in result.stderr
    assert "make heroku-kill ARGS='--all-runs --dry-run'" in result.stderr


def test_the_command_that_takes_leftovers_down_does_so(heroku: HerokuServers) -> None:
    for number in range(2):
        heroku.add_app(f"crowdops-a-0000000{number}", marked(heroku.add_run(f"pilot-{number}").run_id))
    said = heroku.invoke("print_server_status").stderr
    [command] = advice.printed(said, "make heroku-kill")
    named = f"{command} NAME=crowdops-a-00000000"
    for typed, left in ((named, ["crowdops-a-00000001"]), (command, [])):
        assert advice.type_in(heroku.world, typed, {}).exit_code == 0
        assert heroku.apps() == left
    assert command not in heroku.invoke("print_server_status").stderr


def test_the_looks_cost_three_calls_a_server(heroku: HerokuServers) -> None:
    for number in range(3):
        heroku.add_app(f"crowdops-many-{number:08x}", marked())
        heroku.add_app(f"foreign-{number}", {})
    before = sum(heroku.emulator.calls().values())
    heroku.status()
    assert sum(heroku.emulator.calls().values()) - before == 2 + 3 * 3


@pytest.mark.parametrize(
    "condition,leftover", [("attended", False), ("detached", False), ("crashed", True), ("ended", True)]
)
def test_only_a_run_that_is_at_its_end_or_crashed_leaves_servers_over(condition: str, leftover: bool) -> None:
    assert status.is_orphan({"run-1": condition, "run-2": "attended"}, "run-1") is leftover
    assert status.is_orphan({"run-2": "attended"}, "run-1") is True
    assert status.is_orphan({"run-1": condition}, None) is False
