"""local/print_server_status: every server of this home, whether it runs and answers, and what to type."""

from __future__ import annotations

import time

import psutil
import pytest

from crowdops.providers import processes
from crowdops.registry import locks
from tests.support.processes import SOON
from tests.support.servers import LocalServers


def test_nothing_runs_and_nothing_is_said_to(local: LocalServers) -> None:
    local.add_run()
    result = local.invoke("print_server_status")
    assert (result.exit_code, result.stderr) == (0, "0 of 0 servers are leftovers; 0 foreign.\n")
    assert len(result.stdout.splitlines()) == 2  # the headings
    assert local.status() == {"servers": [], "foreign_apps": 0, "not_looked_at": []}


def test_a_server_has_its_facts(local: LocalServers) -> None:
    run = local.add_run("pilot-1", state="running")
    name = local.launch(run)["name"]
    with locks.hold(local.home, run.run_id):
        (server,) = local.listed()
    facts = {"kind": "local", "run_id": run.run_id, "task_name": "pilot-1", "exists": True, "answers": True}
    assert {key: server[key] for key in facts} == facts
    assert (server["name"], server["dyno_state"], server["leftover"]) == (name, "up", False)
    assert server["url"].startswith("http://127.0.0.1:")


def test_selectors_show_the_servers_of_some_runs(local: LocalServers) -> None:
    first, second = local.add_run("pilot-1"), local.add_run("other-1")
    names = {run.task_name: local.launch(run)["name"] for run in (first, second)}
    assert [server["name"] for server in local.listed("--run", first.run_id)] == [names["pilot-1"]]
    assert [server["name"] for server in local.listed("--task-name", "other-*")] == [names["other-1"]]


def test_a_server_that_hangs_is_shown_as_not_answering(
    local: LocalServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROWDOPS_TIMEOUT", "0.5")
    monkeypatch.setattr(processes, "TERM_SECONDS", 0.2)
    local.launch(local.add_run())
    for process in local.processes():
        psutil.Process(process.pid).suspend()
    began = time.monotonic()
    (server,) = local.listed()
    assert time.monotonic() - began < SOON
    assert (server["exists"], server["dyno_state"], server["answers"]) == (True, "up", False)
    assert local.kill()["done"] == 1


def test_the_table_says_what_to_type(local: LocalServers) -> None:
    name = local.launch(local.add_run())["name"]
    result = local.invoke("print_server_status")
    assert name in result.stdout
    assert "1 of 1 server is a leftover" in result.stderr
    assert "Take the leftovers down: make kill-servers\n" in result.stderr
