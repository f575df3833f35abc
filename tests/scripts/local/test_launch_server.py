"""local/launch_server: from a run in the registry to a server that answers, or to none and a clear word."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import stat
from contextlib import closing
from typing import Any

import psutil
import pytest
import requests

from crowdops.servers.local import start
from tests.support.processes import is_over, wait_until
from tests.support.servers import LocalServers

MARKS = ("CROWDOPS_MANAGED", "CROWDOPS_RUN_ID", "CROWDOPS_TASK_NAME", "CROWDOPS_SERVER")

SECRETS = (
    "AWS_SECRET_ACCESS_KEY",
    "HEROKU_API_KEY",
    "DATABASE_URL",
    "CROWDOPS_TEAM",
    "CROWD_DATABASE_URL",
    "CROWD_SECRET_ACCESS_KEY",
    "PGPASSWORD",
    "GITHUB_TOKEN",
    "HTTPS_PROXY",
)


def test_two_runs_are_served_with_their_own_rows(local: LocalServers) -> None:
    run, other = local.add_run("pilot-1", rows=3), local.add_run("pilot-2")
    made, second = local.launch(run), local.launch(other)
    assert (made["kind"], made["state"], made["run_id"]) == ("local", "up", run.run_id)
    assert made["url"] != second["url"]
    for url, run_id in ((made["url"], run.run_id), (second["url"], other.run_id)):
        assert requests.get(f"{url}/health", timeout=5).json()["run_id"] == run_id
    assert "message 2" in local.page(run, 2).text
    assert local.page(other, 2).status_code == 404


def test_a_server_listens_on_this_machine_only_and_its_log_is_private(local: LocalServers) -> None:
    run = local.add_run()
    made = local.launch(run)
    port = int(made["url"].rpartition(":")[2])
    listening = {
        connection.laddr
        for process in local.processes()
        for connection in psutil.Process(process.pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", port)}
    log = local.home / "runs" / run.run_id / "server.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_server_carries_its_marks_and_none_of_our_secrets(
    local: LocalServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "postgresql://a-secret")
    run = local.add_run()
    name = local.launch(run)["name"]
    for process in local.processes():
        assert [process.variables[mark] for mark in MARKS] == ["1", run.run_id, "pilot-1", name]
        assert "postgresql://a-secret" not in process.variables.values()


def test_an_own_app_inherits_no_secret_either(local: LocalServers, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "postgresql://a-secret")
    monkeypatch.setenv("LC_TIME", "C.UTF-8")
    app = local.folder / "app"
    app.mkdir()
    (app / "Procfile").write_text("web: env GREETING=hi python3 -m http.server --bind 127.0.0.1 $PORT\n")
    result = local.invoke("launch_server", "--app-dir", str(app))
    assert result.exit_code == 0, result.stderr
    for process in local.processes():
        assert "postgresql://a-secret" not in process.variables.values()
        assert process.variables["LC_TIME"] == "C.UTF-8"


def test_a_second_launch_finds_the_first_ones_server(local: LocalServers) -> None:
    run = local.add_run()
    first = local.launch(run)
    pids = [process.pid for process in local.processes()]
    second = local.launch(run)
    assert (second["name"], second["url"]) == (first["name"], first["url"])
    assert [process.pid for process in local.processes()] == pids


def test_a_second_launch_replaces_a_server_that_hangs_at_the_same_address(
    local: LocalServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROWDOPS_TIMEOUT", "0.5")
    monkeypatch.setattr("crowdops.providers.processes.TERM_SECONDS", 0.3)
    run = local.add_run()
    first = local.launch(run)
    hung = [psutil.Process(process.pid) for process in local.processes()]
    for process in hung:
        process.suspend()
    assert local.launch(run)["url"] == first["url"]
    assert all(is_over(process) for process in hung)
    assert local.page(run, 1).ok


def test_a_server_that_was_taken_down_comes_back_at_the_address_in_its_hits(local: LocalServers) -> None:
    run = local.add_run(allowed_concurrent=1)
    first = local.launch(run)
    assert local.kill()["done"] == 1
    again = local.launch(run)
    assert (again["url"], again["name"]) == (first["url"], first["name"])
    assert len(local.rows()) == 1


def test_a_launch_that_was_cut_off_while_the_folder_was_built_builds_it_again(local: LocalServers) -> None:
    run = local.add_run(rows=3)
    assert local.strike("after", 1, run.run_id) == -signal.SIGKILL
    half = local.home / "runs" / run.run_id / "server"
    half.mkdir(parents=True, exist_ok=True)
    (half / "Procfile").write_text("web: exit 1\n")
    local.kill()
    local.launch(run)
    assert "message 2" in local.page(run, 2).text


def test_leases_outlive_a_server_that_is_taken_down_and_launched_again(local: LocalServers) -> None:
    run = local.add_run(allowed_concurrent=1)
    query = {"assignmentId": "3A", "hitId": "3H", "workerId": "AWORKER", "turkSubmitTo": "http://127.0.0.1:1"}
    local.launch(run)
    assert local.page(run, 0, **query).ok
    local.kill()
    local.launch(run)
    assert local.page(run, 1, **{**query, "assignmentId": "3B"}).status_code == 409
    assert local.page(run, 0, **query).ok


def test_a_server_that_the_registry_does_not_know_is_taken_over(local: LocalServers) -> None:
    run = local.add_run()
    first = local.launch(run)
    pids = [process.pid for process in local.processes()]
    with closing(sqlite3.connect(local.home / "registry.db")) as database:
        database.execute("DELETE FROM servers")
        database.commit()
    assert local.launch(run)["url"] == first["url"]
    assert [process.pid for process in local.processes()] == pids
    assert [row.state for row in local.rows()] == ["up"]


def test_the_server_outlives_the_terminal_of_whoever_launched_it(local: LocalServers) -> None:
    run = local.add_run()
    local.launch(run)
    first = local.processes()[0]
    assert first.session == first.pid != os.getsid(0)
    assert not psutil.Process(first.pid).terminal()


def test_any_app_with_a_procfile_is_served_for_no_run(local: LocalServers) -> None:
    folder = local.write_app()
    result = local.invoke("launch_server", "--app-dir", str(folder))
    assert result.exit_code == 0, result.stderr
    url = result.stdout.strip()
    assert requests.get(url, timeout=5).text == "our own app"
    (server,) = local.listed()
    assert (server["run_id"], server["task_name"], server["leftover"]) == (None, "own-app", False)
    assert local.kill("--all-runs")["selected"] == 0
    assert local.kill(server["name"])["done"] == 1
    assert local.processes() == []
    assert folder.exists()


FAILURES: list[Any] = [
    pytest.param("echo to be read; exit 3", ["ended as it started", "to be read"], id="crash"),
    pytest.param("no-such-program --serve", ["ended as it started", "no-such-program"], id="no-program"),
    pytest.param("echo listening; sleep 60", ["nothing right answers at http://", "listening"], id="deaf"),
]


@pytest.mark.parametrize("command,texts", FAILURES)
def test_a_failed_launch_says_why_and_leaves_nothing(
    local: LocalServers, monkeypatch: pytest.MonkeyPatch, command: str, texts: list[str]
) -> None:
    monkeypatch.setattr(start, "BOOT_SECONDS", 1)
    folder = local.write_app(command=command)
    result = local.invoke("launch_server", "--app-dir", str(folder))
    assert result.exit_code == 1
    for text in texts:
        assert text in result.stderr
    assert local.processes() == []
    assert [row.state for row in local.rows()] == ["gone"]
    assert local.listed() == []


def test_only_the_log_of_this_launch_is_shown(local: LocalServers) -> None:
    run = local.add_run()
    local.launch(run)
    local.kill()
    (local.home / "runs" / run.run_id / "server" / "run.json").write_text("{")
    result = local.invoke("launch_server", run.run_id)
    assert result.exit_code == 1
    assert "run.json is not JSON" in result.stderr
    assert "Listening at" not in result.stderr


def test_a_port_that_somebody_else_took_is_named_in_the_failure(local: LocalServers) -> None:
    run = local.add_run()
    port = int(local.launch(run)["url"].rpartition(":")[2])
    local.kill()
    with socket.create_server(("127.0.0.1", port)):
        result = local.invoke("launch_server", run.run_id)
    assert result.exit_code == 1
    assert f"its address stands in HITs, and another program has port {port}." in result.stderr


def test_a_failed_server_is_kept_on_request_and_can_be_killed(
    local: LocalServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "BOOT_SECONDS", 1)
    folder = local.write_app(command="sleep 1000 & sleep 1000")
    result = local.invoke("launch_server", "--app-dir", str(folder), "--keep")
    assert result.exit_code == 1
    (server,) = local.listed()
    assert f"{server['name']} was kept as it is." in result.stderr
    assert (server["exists"], server["answers"]) == (True, False)
    assert local.kill(server["name"])["done"] == 1
    assert local.processes() == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_press_during_a_launch_takes_the_server_down_again(
    local: LocalServers, sign: signal.Signals
) -> None:
    folder = local.write_app(command="sleep 1000 & sleep 1000")
    launched = local.start("local/launch_server", "--app-dir", str(folder))
    wait_until(lambda: len(local.processes()) > 1)
    launched.press(sign)
    assert launched.end() == 130
    assert local.processes() == []
    assert [row.state for row in local.rows()] == ["gone"]


BAD_USES: list[Any] = [
    pytest.param([], "Say what to serve", id="nothing"),
    pytest.param(["20261122-114502-k3f9"], "The registry has no run", id="unknown-run"),
    pytest.param(["RUN", "--app-dir", "."], "Say what to serve", id="both"),
    pytest.param(["--app-dir", "NOWHERE"], "has no Procfile", id="no-procfile"),
    pytest.param(["--app-dir", "CLOCK"], "has no web process", id="no-web-process"),
]


@pytest.mark.parametrize("args,text", BAD_USES)
def test_bad_use_is_refused_before_anything_is_started(
    local: LocalServers, args: list[str], text: str
) -> None:
    run = local.add_run()
    clock = local.write_app("clock")
    (clock / "Procfile").write_text("clock: sleep 1000\n")
    names = {"RUN": run.run_id, "NOWHERE": str(local.folder), "CLOCK": str(clock)}
    result = local.invoke("launch_server", *(names.get(arg, arg) for arg in args))
    assert result.exit_code == 2
    assert text in result.stderr
    assert local.rows() == []
    assert local.processes() == []
