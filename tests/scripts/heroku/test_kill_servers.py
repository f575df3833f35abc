"""kill_servers: what is ours and left over goes; whatever lacks one of our three signs stays, always."""

from __future__ import annotations

from typing import Any

import pytest

from crowdops.registry import locks
from tests.support.fixtures import COLLEAGUE, COLLEAGUE_TOKEN
from tests.support.heroku.emulator import ACCOUNT_EMAIL
from tests.support.servers import UNKNOWN_RUN, HerokuServers, marked


def add_leftovers(heroku: HerokuServers) -> list[str]:
    """Two apps of ours, of an ended and of a crashed run; returns their names."""
    ended, crashed = heroku.add_run("ended-1"), heroku.add_run("crashed-1", state="running")
    heroku.add_app("crowdops-ended-1-00000001", marked(ended.run_id, task_name="ended-1"))
    heroku.add_app("crowdops-crashed-1-00000002", marked(crashed.run_id, task_name="crashed-1"))
    return ["crowdops-crashed-1-00000002", "crowdops-ended-1-00000001"]


def add_look_alikes(heroku: HerokuServers) -> list[str]:
    """Apps that lack a sign, or whose run lives; returns their names."""
    living = heroku.add_run("living-1", state="detached")
    heroku.add_app("crowdops-living-1-0000000a", marked(living.run_id, task_name="living-1"))
    heroku.add_app("crowdops-bare-0000000b", {})
    heroku.add_app("crowdops-half-0000000c", {"CROWDOPS_MANAGED": "1", "CROWDOPS_RUN_ID": UNKNOWN_RUN})
    heroku.add_app("crowdops-no-0000000d", {**marked(), "CROWDOPS_MANAGED": "0"})
    heroku.add_app("crowdops-theirs-0000000e", marked(creator=COLLEAGUE))
    heroku.add_app("crowdops-blog", {"TITLE": "About running crowds"})
    heroku.add_app("my-crowdops-pilot-0000000f", marked())
    heroku.add_app("pilot-1", marked())
    heroku.add_app("crowdops-team-00000010", {}, team="lab")
    heroku.add_app("crowdops-mate-00000011", marked(creator=COLLEAGUE), team="lab", token=COLLEAGUE_TOKEN)
    shared = heroku.add_app("crowdops-shared-00000012", marked(), token=COLLEAGUE_TOKEN)
    invited = {"user": ACCOUNT_EMAIL}
    answer = heroku.emulator.call("POST", f"/apps/{shared}/collaborators", invited, token=COLLEAGUE_TOKEN)
    assert answer.ok, answer.text
    return [name for name in heroku.apps() if "ended" not in name and "crashed" not in name]


@pytest.mark.parametrize("selectors", [[], ["--all-runs"], ["--task-name", "*"]], ids=["none", "all", "glob"])
def test_look_alikes_stay_and_leftovers_go(heroku: HerokuServers, selectors: list[str]) -> None:
    leftovers, others = add_leftovers(heroku), add_look_alikes(heroku)
    assert len(others) == 11
    found = heroku.kill(*selectors)
    assert (found["selected"], found["done"], found["failed"]) == (len(leftovers), len(leftovers), [])
    assert heroku.apps() == others


def test_a_second_kill_has_nothing_to_do(heroku: HerokuServers) -> None:
    add_leftovers(heroku)
    assert heroku.kill()["done"] == 2
    found = heroku.kill()
    assert (found["selected"], found["done"], found["already"], found["exit_code"]) == (0, 0, 0, 0)


def test_a_dry_run_only_reads(heroku: HerokuServers) -> None:
    leftovers = add_leftovers(heroku)
    before = heroku.emulator.calls()
    result = heroku.invoke("kill_servers", "--dry-run")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in leftovers)
    after = heroku.emulator.calls()
    assert {operation for operation in after if after[operation] != before.get(operation)} <= {
        operation for operation in after if operation.startswith("GET ")
    }
    assert heroku.apps() == leftovers


def test_without_a_terminal_yes_is_required_before_anything_goes(heroku: HerokuServers) -> None:
    leftovers = add_leftovers(heroku)
    before = heroku.emulator.calls()
    result = heroku.invoke("kill_servers")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    after = heroku.emulator.calls()
    assert all(name.startswith("GET ") for name in after if after[name] != before.get(name))
    assert heroku.apps() == leftovers


def test_one_failure_does_not_stop_the_rest(heroku: HerokuServers) -> None:
    leftovers = add_leftovers(heroku)
    heroku.emulator.order("error-before", operation="DELETE /apps/{app}", status=503)
    found = heroku.kill()
    assert (found["selected"], found["done"], found["exit_code"]) == (2, 1, 1)
    (failure,) = found["failed"]
    assert failure["id"] in leftovers
    assert heroku.apps() == [failure["id"]]


def test_an_app_that_is_renamed_between_list_and_deletion_stays(heroku: HerokuServers) -> None:
    leftovers = add_leftovers(heroku)
    heroku.emulator.order("rename-app", operation="GET /apps", app=leftovers[0], name="production-site")
    found = heroku.kill()
    assert (found["done"], found["exit_code"]) == (1, 1)
    assert "named production-site now" in found["failed"][0]["error"]
    assert heroku.apps() == ["production-site"]


def test_an_app_whose_marks_change_between_list_and_deletion_stays(
    heroku: HerokuServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crowdops.servers import orphans

    add_leftovers(heroku)
    real = orphans.choose

    def choose(*args: Any, **kwargs: Any) -> Any:
        name = "crowdops-ended-1-00000001"
        heroku.emulator.call("PATCH", f"/apps/{name}/config-vars", {"CROWDOPS_CREATOR": COLLEAGUE})
        return real(*args, **kwargs)

    monkeypatch.setattr(orphans, "choose", choose)
    found = heroku.kill()
    assert (found["done"], found["exit_code"]) == (1, 1)
    assert f"created by {COLLEAGUE}" in found["failed"][0]["error"]
    assert heroku.apps() == ["crowdops-ended-1-00000001"]


def test_a_run_that_comes_to_life_before_the_deletion_keeps_its_server(
    heroku: HerokuServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crowdops.servers import kill

    run = heroku.add_run("crashed-1", state="running")
    heroku.add_app("crowdops-crashed-1-00000002", marked(run.run_id))
    real = kill.kill

    def kill_once_it_lives(*args: Any, **kwargs: Any) -> Any:
        with locks.hold(heroku.home, run.run_id):
            return real(*args, **kwargs)

    monkeypatch.setattr(kill, "kill", kill_once_it_lives)
    found = heroku.kill()
    assert (found["done"], found["exit_code"]) == (0, 1)
    assert "has come to life meanwhile" in found["failed"][0]["error"]
    assert heroku.apps() == ["crowdops-crashed-1-00000002"]


def test_leftovers_of_unknown_runs_need_all_runs(heroku: HerokuServers) -> None:
    heroku.add_app("crowdops-pilot-1-00000001", marked())
    heroku.add_app("crowdops-pilot-1-00000002", marked())
    found = heroku.kill()
    assert (found["selected"], found["exit_code"]) == (0, 0)
    assert "--all-runs" in found["said"] and "crowdops-pilot-1-00000001" in found["said"]
    assert heroku.kill("--all-runs")["done"] == 2


def test_selectors_go_by_the_marks_even_without_a_registry(heroku: HerokuServers) -> None:
    heroku.add_app("crowdops-a-00000001", marked(UNKNOWN_RUN, task_name="pilot-a"))
    heroku.add_app("crowdops-b-00000002", marked("20250101-000001-zzzz", task_name="pilot-b"))
    heroku.add_app("crowdops-c-00000003", marked("20250101-000002-zzzz", task_name="main-c"))
    assert heroku.kill("--run", UNKNOWN_RUN)["done"] == 1
    assert heroku.kill("--task-name", "pilot-*")["done"] == 1
    assert heroku.apps() == ["crowdops-c-00000003"]


def test_a_run_that_nobody_knows_is_refused(heroku: HerokuServers) -> None:
    result = heroku.invoke("kill_servers", "--run", UNKNOWN_RUN, "--yes")
    assert result.exit_code == 2
    assert UNKNOWN_RUN in result.stderr


def test_a_living_runs_server_goes_only_by_its_name(heroku: HerokuServers) -> None:
    living = heroku.add_run("living-1", state="detached")
    name = "crowdops-living-1-0000000a"
    heroku.add_app(name, marked(living.run_id))
    spared = heroku.kill("--run", living.run_id)
    assert (spared["selected"], spared["exit_code"]) == (0, 0)
    assert "is alive" in spared["said"]
    assert heroku.apps() == [name]
    assert heroku.kill(name)["done"] == 1
    assert heroku.apps() == []


def test_an_unmarked_app_is_reported_and_goes_only_by_its_name(heroku: HerokuServers) -> None:
    heroku.add_app("crowdops-bare-0000000b", {})
    heroku.add_app("crowdops-team-00000010", {}, team="lab")
    assert {(s["name"], s["marked"], s["leftover"]) for s in heroku.status()["servers"]} == {
        ("crowdops-bare-0000000b", False, False),
        ("crowdops-team-00000010", False, False),
    }
    found = heroku.kill("crowdops-bare-0000000b", "crowdops-team-00000010")
    assert (found["done"], found["failed"]) == (2, [])
    found = heroku.kill("crowdops-bare-0000000b")
    assert (found["selected"], found["already"], found["exit_code"]) == (1, 1, 0)


FOREIGN = ["crowdops-theirs-0000000e", "pilot-1", "no-such-app"]


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_app_does_not_even_go_by_its_name(heroku: HerokuServers, name: str) -> None:
    heroku.add_app("crowdops-theirs-0000000e", marked(creator=COLLEAGUE))
    heroku.add_app("pilot-1", marked())
    heroku.invoke("kill_servers", name, "--yes")
    assert heroku.apps() == ["crowdops-theirs-0000000e", "pilot-1"]


LEFT: list[Any] = [
    pytest.param("crowdops-mate-0000000e", f"it was created by {COLLEAGUE}", id="a-colleagues"),
    pytest.param("crowdops-shut-0000000f", "it belongs to another account", id="not-to-be-seen"),
    pytest.param("crowdops-lent-00000010", f"it belongs to {COLLEAGUE}", id="shared"),
]


@pytest.mark.parametrize("options", [["--yes"], ["--dry-run"]], ids=["yes", "dry-run"])
@pytest.mark.parametrize("name,why", LEFT)
def test_of_a_named_app_that_is_not_ours_it_is_said_why_it_was_left(
    heroku: HerokuServers, name: str, why: str, options: list[str]
) -> None:
    heroku.add_app(LEFT[0].values[0], marked(creator=COLLEAGUE), team="lab", token=COLLEAGUE_TOKEN)
    heroku.add_app(LEFT[1].values[0], marked(), token=COLLEAGUE_TOKEN)
    shared = heroku.add_app(LEFT[2].values[0], marked(), token=COLLEAGUE_TOKEN)
    path, invited = f"/apps/{shared}/collaborators", {"user": ACCOUNT_EMAIL}
    assert heroku.emulator.call("POST", path, invited, token=COLLEAGUE_TOKEN).ok
    ours = heroku.launch_app(heroku.add_run())
    before = heroku.apps()
    document = heroku.world.json("heroku/kill_servers", name, ours, *options, exit_code=1)
    assert (document["selected"], document["already"]) == (2, 0)
    (failure,) = document["failed"]
    assert (failure["id"], why in failure["error"]) == (name, True), failure
    assert heroku.apps() == [app for app in before if app != ours or options == ["--dry-run"]]
    said = heroku.invoke("kill_servers", name, *options).stderr
    assert f"{name}: left alone: {why}" in said


def test_a_team_app_of_ours_is_killed_and_a_colleagues_is_not(heroku: HerokuServers) -> None:
    heroku.add_app("crowdops-ours-00000001", marked(), team="lab")
    heroku.add_app("crowdops-mate-00000002", marked(creator=COLLEAGUE), team="lab", token=COLLEAGUE_TOKEN)
    assert heroku.kill("--all-runs")["done"] == 1
    assert heroku.apps() == ["crowdops-mate-00000002"]


def test_an_app_that_somebody_deleted_meanwhile_is_already_gone(heroku: HerokuServers) -> None:
    name = heroku.launch_app(heroku.add_run())
    heroku.emulator.call("DELETE", f"/apps/{name}")
    (server,) = heroku.status()["servers"]
    assert (server["exists"], server["leftover"]) == (False, True)
    found = heroku.kill()
    assert (found["selected"], found["done"], found["already"]) == (1, 0, 1)
    assert heroku.kill()["selected"] == 0


def test_a_deletion_whose_answer_is_lost_is_finished_by_the_next_one(heroku: HerokuServers) -> None:
    heroku.launch_app(heroku.add_run())
    heroku.emulator.order("drop-after", operation="DELETE /apps/{app}")
    assert heroku.kill()["exit_code"] == 1
    found = heroku.kill()
    assert (found["already"], found["exit_code"]) == (1, 0)
    assert heroku.rows("creating", "up") == []
