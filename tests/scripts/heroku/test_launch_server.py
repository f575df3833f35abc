"""launch_server: from a run in the registry to an app that answers, or to no app and a clear word."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from crowdops.context import Context
from crowdops.errors import ServerFailed
from crowdops.registry import Server
from crowdops.servers import bundle, links, status
from crowdops.servers.bundle import of_run
from crowdops.servers.heroku import backend, deploy
from tests.support import screens
from tests.support.heroku.emulator import ACCOUNT_EMAIL
from tests.support.heroku.sources import FILES
from tests.support.processes import wait_until
from tests.support.servers import HerokuServers
from tests.support.terminals import Terminal


def write_app(folder: Path, **changes: str | None) -> Path:
    """An app folder; None leaves a file out."""
    folder.mkdir()
    for name, text in (FILES | {key.replace("_", "."): value for key, value in changes.items()}).items():
        if text is not None:
            (folder / name).write_text(text)
    return folder


def test_a_run_is_served_with_its_own_rows(heroku: HerokuServers) -> None:
    run, other = heroku.add_run("pilot-1", rows=3), heroku.add_run("pilot-2")
    name = heroku.launch_app(run)
    heroku.launch_app(other)
    server = next(row for row in heroku.rows("up") if row.run_id == run.run_id)
    assert (server.name, server.kind) == (name, "heroku")
    assert server.url
    assert requests.get(f"{server.url}/health", timeout=5).json()["run_id"] == run.run_id
    token = links.read_token(heroku.home / "runs" / run.run_id)
    page = requests.get(links.unit_url(server.url, token, 2), timeout=5)
    assert "message 2" in page.text
    strange = links.read_token(heroku.home / "runs" / other.run_id)
    assert requests.get(links.unit_url(server.url, strange, 2), timeout=5).status_code == 403


def test_a_terminal_tells_what_a_deploy_is_at(heroku: HerokuServers) -> None:
    run = heroku.add_run("my-new-task-pilot-1", rows=1)
    with Terminal("heroku/launch_server", run.run_id, size=(80, 24)) as terminal:
        app = r"(crowdops-[a-z0-9-]+)"
        name = terminal.expect(f"Created the app {app}\n")[1]
        terminal.expect(rf"Building {name} \.\.\.\n")
        terminal.expect(rf"\r\x1b\[JUploading 0\.\d MB to {name}")
        terminal.expect(rf"\r\x1b\[JBuilding {name}\r")
        terminal.expect(rf"\r\x1b\[JStarting 1 dyno [\s\S]*\r\x1b\[JWaiting for {name} to answer")
        assert terminal.end() == 0
    screens.assert_fits(terminal.screen, 80)
    assert screens.lines(terminal.screen)[-1] == heroku.rows("up")[0].url


def test_an_app_carries_all_marks_and_a_name_that_says_what_it_is(heroku: HerokuServers) -> None:
    run = heroku.add_run("My.Long_Task-name-2026")
    name = heroku.launch_app(run)
    assert name.startswith("crowdops-my-long-task-") and len(name) <= 30
    config = heroku.emulator.get(f"/apps/{name}/config-vars")
    assert {key: value for key, value in config.items() if key != "CROWDOPS_RUN_TOKEN"} == {
        "CROWDOPS_MANAGED": "1",
        "CROWDOPS_RUN_ID": run.run_id,
        "CROWDOPS_TASK_NAME": "My.Long_Task-name-2026",
        "CROWDOPS_CREATOR": ACCOUNT_EMAIL,
    }


def test_the_config_is_set_in_one_call(heroku: HerokuServers) -> None:
    before = heroku.emulator.calls().get("PATCH /apps/{app}/config-vars", 0)
    heroku.launch_app(heroku.add_run())
    assert heroku.emulator.calls()["PATCH /apps/{app}/config-vars"] == before + 1


def test_a_second_launch_finds_the_first_ones_app(heroku: HerokuServers) -> None:
    run = heroku.add_run()
    name = heroku.launch_app(run)
    assert heroku.launch_app(run) == name
    assert heroku.apps() == [name]


def test_a_second_launch_mends_an_app_that_was_scaled_to_nothing(heroku: HerokuServers) -> None:
    run = heroku.add_run()
    name = heroku.launch_app(run)
    heroku.emulator.call("PATCH", f"/apps/{name}/formation/web", {"quantity": 0})
    assert heroku.launch_app(run) == name
    assert heroku.status()["servers"][0]["answers"] is True


def test_a_launch_after_somebody_deleted_the_app_deploys_another(heroku: HerokuServers) -> None:
    run = heroku.add_run()
    name = heroku.launch_app(run)
    heroku.emulator.call("DELETE", f"/apps/{name}")
    other = heroku.launch_app(run)
    assert other != name
    assert heroku.apps() == [other]


def test_size_number_and_team_are_those_of_the_run_unless_set(heroku: HerokuServers) -> None:
    run = heroku.add_run(server='dyno_size = "standard-1x"\ndynos = 2\nteam = "lab"')
    name = heroku.launch_app(run, "--set", "dynos=3")
    web = next(entry for entry in heroku.emulator.get(f"/apps/{name}/formation") if entry["type"] == "web")
    assert (web["quantity"], web["size"]) == (3, "Standard-1X")
    assert heroku.emulator.get(f"/apps/{name}")["team"]["name"] == "lab"


def test_any_app_with_a_procfile_is_deployed_for_no_run(heroku: HerokuServers) -> None:
    folder = write_app(heroku.folder / "own-app")
    (folder / ".env").write_text("SECRET=1\n")
    result = heroku.invoke("launch_server", "--app-dir", str(folder), "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["run_id"], found["state"]) == (None, "up")
    assert requests.get(found["url"], timeout=5).json()["dyno"] == "web.1"
    (server,) = heroku.status()["servers"]
    assert (server["run_id"], server["leftover"], server["answers"]) == (None, False, True)
    assert heroku.kill("--all-runs")["selected"] == 0
    assert heroku.kill(found["name"])["done"] == 1
    assert heroku.apps() == []


def test_a_runs_own_app_takes_the_place_of_the_task_server(heroku: HerokuServers) -> None:
    folder = write_app(heroku.folder / "own-app")
    run = heroku.add_run(server=f'app_dir = "{folder}"')
    name = heroku.launch_app(run)
    (server,) = heroku.status()["servers"]
    assert (server["name"], server["run_id"], server["answers"]) == (name, run.run_id, True)
    assert requests.get(server["url"], timeout=5).json()["greeting"] is None


def test_a_name_that_is_taken_is_replaced_by_another(heroku: HerokuServers) -> None:
    heroku.emulator.order("name-taken", count=2)
    name = heroku.launch_app(heroku.add_run())
    assert heroku.apps() == [name]
    assert [row.state for row in heroku.rows()].count("gone") == 2


def test_three_taken_names_end_the_launch(heroku: HerokuServers) -> None:
    heroku.emulator.order("name-taken", count=3)
    result = heroku.invoke("launch_server", heroku.add_run().run_id)
    assert result.exit_code == 1
    assert "names in a row were taken" in result.stderr


FAILURES: list[Any] = [
    pytest.param("app-limit", {}, ["app limit of 100", "Leftovers of ours"], id="app-limit"),
    pytest.param("verification-required", {}, ["payment information"], id="no-payment"),
    pytest.param("build-failure", {}, ["build of app", "This build was ordered to fail"], id="build"),
    pytest.param("boot-crash", {}, ["crashed as it started", "ordered_to_crash"], id="boot-crash"),
    pytest.param("wrong-port", {}, ["did not listen on $PORT", "Error R10"], id="wrong-port"),
    pytest.param("slow-boot", {"seconds": 30}, ["dynos are starting"], id="slow-boot"),
]


@pytest.mark.parametrize("kind,fields,texts", FAILURES)
def test_a_failed_deploy_says_why_and_leaves_no_app(
    heroku: HerokuServers,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    fields: dict[str, Any],
    texts: list[str],
) -> None:
    monkeypatch.setattr(deploy, "BOOT_SECONDS", 2 if kind == "slow-boot" else 30)
    heroku.emulator.order(kind, count=9, **fields)
    result = heroku.invoke("launch_server", heroku.add_run().run_id)
    heroku.emulator.clear_faults()
    assert result.exit_code == 1
    for text in texts:
        assert text in result.stderr
    assert heroku.apps() == []
    assert heroku.rows("creating", "up") == []


def test_a_failed_app_is_kept_on_request_and_is_a_leftover(heroku: HerokuServers) -> None:
    heroku.emulator.order("build-failure")
    run = heroku.add_run()
    result = heroku.invoke("launch_server", run.run_id, "--keep")
    assert result.exit_code == 1
    (name,) = heroku.apps()
    assert f"The app {name} was kept" in result.stderr
    (server,) = heroku.status()["servers"]
    assert (server["leftover"], server["exists"], server["answers"]) == (True, True, False)
    assert heroku.kill()["done"] == 1


def test_an_app_without_a_web_process_is_refused(heroku: HerokuServers) -> None:
    folder = write_app(heroku.folder / "clock", Procfile="clock: sleep 1000\n")
    result = heroku.invoke("launch_server", "--app-dir", str(folder))
    assert result.exit_code == 1
    assert "has no web process" in result.stderr
    assert heroku.apps() == []


def test_dynos_that_serve_something_else_do_not_count_as_up(
    heroku: HerokuServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def is_answering(server: Server, timeout: float) -> bool:
        asked.append(server)
        return status.is_answering(server, timeout)

    # Its time is up once the dynos are and the page was asked, however long they took to boot here.
    late = SimpleNamespace(
        monotonic=lambda: time.monotonic() + (deploy.BOOT_SECONDS if asked else 0), sleep=time.sleep
    )
    monkeypatch.setattr(deploy, "is_answering", is_answering)
    monkeypatch.setattr(deploy, "time", late)
    run, other = heroku.add_run("pilot-1"), heroku.add_run("pilot-2")
    real = of_run
    monkeypatch.setattr(bundle, "of_run", lambda context, asked: real(context, other))
    result = heroku.invoke("launch_server", run.run_id)
    assert result.exit_code == 1
    assert "its dynos are up, and its page does not answer" in result.stderr
    assert heroku.apps() == []


def test_a_lost_answer_to_the_creation_is_settled_by_reading(heroku: HerokuServers) -> None:
    heroku.emulator.order("drop-after", operation="POST /apps")
    name = heroku.launch_app(heroku.add_run())
    assert heroku.apps() == [name]


def test_a_creation_that_never_arrived_leaves_nothing(heroku: HerokuServers) -> None:
    heroku.emulator.order("drop-before", operation="POST /apps")
    result = heroku.invoke("launch_server", heroku.add_run().run_id)
    assert result.exit_code == 1
    assert "Whether the app" in result.stderr
    assert heroku.apps() == []
    assert (heroku.kill()["already"], heroku.kill()["selected"]) == (1, 0)


@pytest.mark.parametrize(
    "sign,code", [(signal.SIGINT, 130), (signal.SIGTERM, 130)], ids=["ctrl-c", "sigterm"]
)
def test_a_press_during_a_deploy_deletes_the_app_again(
    heroku: HerokuServers, sign: signal.Signals, code: int
) -> None:
    heroku.emulator.order("slow-build", seconds=5)
    launch = heroku.start("heroku/launch_server", heroku.add_run().run_id)
    wait_until(lambda: any(app["web_url"] for app in heroku.emulator.get("/apps")))
    wait_until(lambda: heroku.emulator.get(f"/apps/{heroku.apps()[0]}/builds"))
    launch.press(sign)
    assert launch.end() == code, launch.said
    assert "was deleted again" in launch.said
    assert heroku.apps() == []
    assert heroku.rows("creating", "up") == []


BAD_USES: list[Any] = [
    pytest.param([], "Say what to serve", id="nothing"),
    pytest.param(["20261122-114502-k3f9"], "The registry has no run", id="unknown-run"),
    pytest.param(["RUN", "--app-dir", "."], "Say what to serve", id="both"),
    pytest.param(["RUN", "--set", "dynos=many"], "not a whole number from 1 to 100", id="dynos"),
    pytest.param(["RUN", "--set", "task_reward=1"], "a server has dyno_size, dynos, team", id="parameter"),
    pytest.param(["RUN", "--set", "dynos=2"], "Heroku allows one", id="two-basic-dynos"),
    pytest.param(["RUN", "--set", "team=lab", "--set", "dyno_size=eco"], "personal apps", id="eco-in-team"),
    pytest.param(["--app-dir", "NOWHERE"], "has no Procfile", id="no-procfile"),
]


@pytest.mark.parametrize("args,text", BAD_USES)
def test_bad_use_is_refused_before_any_call(heroku: HerokuServers, args: list[str], text: str) -> None:
    run = heroku.add_run()
    before = heroku.emulator.calls()
    names = {"RUN": run.run_id, "NOWHERE": str(heroku.folder)}
    result = heroku.invoke("launch_server", *(names.get(arg, arg) for arg in args))
    assert result.exit_code == 2
    assert text in result.stderr
    assert heroku.emulator.calls() == before


def test_a_cap_on_several_dynos_needs_a_database_that_they_share(
    heroku: HerokuServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://there-was-one/once")
    run = heroku.add_run(allowed_concurrent=2, server='dyno_size = "standard-1x"\ndynos = 2')
    monkeypatch.delenv("DATABASE_URL")
    result = heroku.invoke("launch_server", run.run_id)
    assert result.exit_code == 2
    assert "DATABASE_URL" in result.stderr
    assert heroku.apps() == []


def test_without_a_key_it_says_where_to_get_one(
    heroku: HerokuServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = heroku.add_run()
    monkeypatch.delenv("HEROKU_API_KEY")
    result = heroku.invoke("launch_server", run.run_id)
    assert result.exit_code == 2
    assert "HEROKU_API_KEY" in result.stderr
    assert heroku.rows() == []


@pytest.mark.parametrize("after", [0, 3])
def test_a_launch_that_is_told_to_stop_leaves_no_app(heroku: HerokuServers, after: int) -> None:
    heroku.emulator.order("slow-build", seconds=3)
    run, asked = heroku.add_run(), iter(range(100))
    with (
        Context.open(heroku.settings, quiet=True) as context,
        pytest.raises(ServerFailed, match="Stopped before"),
    ):
        stops = lambda: next(asked) >= after  # noqa: E731
        backend.launch(context, run, "token-of-sixteen-or-more", keep=False, should_stop=stops)
    assert heroku.apps() == []
    assert heroku.rows("creating", "up") == []
