"""local/kill_servers: what is ours and left over goes, and nothing else is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from crowdops.providers import processes
from crowdops.registry import locks
from tests.support.processes import is_over, wait_until
from tests.support.servers import LocalServers

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(1000)"]


@contextmanager
def stranger(**variables: str) -> Iterator[psutil.Process]:
    """A process that is no server of this home, with these variables in its environment."""
    process = subprocess.Popen(
        SLEEPER, env={**os.environ, **variables}, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert process.stdout and process.stdout.readline() == b"up\n"
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_leftovers_are_taken_down_and_a_second_time_there_is_nothing_to_do(local: LocalServers) -> None:
    crashed, ended = local.add_run("pilot-1", state="running"), local.add_run("pilot-2")
    names = {local.launch(run)["name"] for run in (crashed, ended)}
    assert {(server["name"], server["leftover"]) for server in local.listed()} == {
        (name, True) for name in names
    }
    first, second = local.kill(), local.kill()
    assert (first["selected"], first["done"], first["failed"], first["exit_code"]) == (2, 2, [], 0)
    assert (second["selected"], second["done"], second["already"], second["exit_code"]) == (0, 0, 0, 0)
    assert local.processes() == []
    assert {row.state for row in local.rows()} == {"gone"}


def test_a_dry_run_shows_the_leftovers_and_changes_nothing(local: LocalServers) -> None:
    names = [local.launch(local.add_run(task_name))["name"] for task_name in ("pilot-1", "pilot-2")]
    pids = {process.pid for process in local.processes()}
    result = local.invoke("kill_servers", "--dry-run")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in names)
    assert "Dry run: 2 would be ended" in result.stderr
    assert {process.pid for process in local.processes()} == pids


def test_without_a_terminal_and_without_yes_nothing_is_done(local: LocalServers) -> None:
    local.launch(local.add_run())
    result = local.invoke("kill_servers")
    assert result.exit_code == 2
    assert "There is no terminal to ask on." in result.stderr
    assert local.processes() != []


def test_selectors_mean_the_runs_leftovers(local: LocalServers) -> None:
    first, second, third = (local.add_run(name) for name in ("pilot-1", "pilot-2", "other-1"))
    names = {run.run_id: local.launch(run)["name"] for run in (first, second, third)}
    assert local.kill("--run", second.run_id)["done"] == 1
    assert {server["name"] for server in local.listed()} == {names[first.run_id], names[third.run_id]}
    assert local.kill("--task-name", "pilot-*")["done"] == 1
    assert [server["name"] for server in local.listed("--task-name", "other-*")] == [names[third.run_id]]


def test_a_living_runs_server_goes_only_when_its_name_is_typed(local: LocalServers) -> None:
    attended, detached = local.add_run("pilot-1", state="running"), local.add_run("pilot-2", state="detached")
    names = [local.launch(run)["name"] for run in (attended, detached)]
    with locks.hold(local.home, attended.run_id):
        assert [server["leftover"] for server in local.listed()] == [False, False]
        for selector in ((), ("--all-runs",), ("--run", attended.run_id), ("--task-name", "pilot-*")):
            assert local.kill(*selector)["selected"] == 0
        assert f"run {detached.run_id} is alive" in local.kill("--run", detached.run_id)["said"]
        assert [server["answers"] for server in local.listed()] == [True, True]
        assert local.kill(*names)["done"] == 2
    assert local.processes() == []


def test_a_run_that_comes_to_life_meanwhile_is_spared(
    local: LocalServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = local.add_run(state="running")
    local.launch(run)
    monkeypatch.setattr("crowdops.servers.orphans.is_living", lambda context, run_id: True)
    killed = local.kill()
    assert killed["exit_code"] == 1
    assert "has come to life meanwhile" in killed["failed"][0]["error"]
    assert local.page(run, 0).ok


def test_one_server_that_cannot_be_ended_does_not_stop_the_rest(
    local: LocalServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (local.launch(local.add_run(name))["name"] for name in ("pilot-1", "pilot-2"))
    stubborn = {process.pid for process in local.processes() if process.variables["CROWDOPS_SERVER"] == first}
    real = psutil.Process.send_signal

    def send(process: psutil.Process, sign: int) -> None:
        if process.pid in stubborn:
            raise psutil.AccessDenied(process.pid)
        real(process, sign)

    monkeypatch.setattr(psutil.Process, "send_signal", send)
    killed = local.kill()
    assert (killed["done"], [failure["id"] for failure in killed["failed"]], killed["exit_code"]) == (
        1,
        [first],
        1,
    )
    assert "is another user's and cannot be ended" in killed["failed"][0]["error"]
    assert [server["name"] for server in local.listed()] == [first]
    assert second not in {process.variables["CROWDOPS_SERVER"] for process in local.processes()}


def test_all_processes_of_a_server_end_even_those_that_left_its_session(local: LocalServers) -> None:
    folder = local.write_app(
        command="setsid sleep 1000 & sleep 1000 & python3 -m http.server $PORT --bind 127.0.0.1"
    )
    assert local.invoke("launch_server", "--app-dir", str(folder)).exit_code == 0
    running = [psutil.Process(process.pid) for process in local.processes()]
    assert len({process.session for process in local.processes()}) == 2
    assert len(running) >= 4
    (server,) = local.listed()
    assert local.kill(server["name"])["done"] == 1
    assert all(is_over(process) for process in running)


def test_processes_that_hide_their_marks_end_with_their_session(local: LocalServers) -> None:
    folder = local.write_app(command="env -i /bin/sleep 1000 & python3 -m http.server $PORT --bind 127.0.0.1")
    assert local.invoke("launch_server", "--app-dir", str(folder)).exit_code == 0
    leader = local.processes()[0]
    hidden = [psutil.Process(found.pid) for found in processes.find_session(leader) if not found.variables]
    assert [process.name() for process in hidden] == ["sleep"]
    (server,) = local.listed()
    local.kill(server["name"])
    assert all(is_over(process) for process in hidden)


def test_a_server_that_ignores_sigterm_is_killed(
    local: LocalServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "TERM_SECONDS", 0.3)
    command = "trap '' TERM; python3 -m http.server $PORT --bind 127.0.0.1; sleep 1000"
    folder = local.write_app(command=command)
    assert local.invoke("launch_server", "--app-dir", str(folder)).exit_code == 0
    (server,) = local.listed()
    assert local.kill(server["name"])["done"] == 1
    assert local.processes() == []


# Only ever ours


def test_processes_that_only_look_like_ours_are_neither_shown_nor_touched(
    local: LocalServers, tmp_path: Path
) -> None:
    run = local.add_run()
    name = local.launch(run)["name"]
    home = str(local.home.resolve())
    other = str(tmp_path / "another-lab")
    like_ours = {"CROWDOPS_RUN_ID": run.run_id, "CROWDOPS_SERVER": name}
    with (
        stranger(CROWDOPS_HOME=home) as without_mark,
        stranger(CROWDOPS_MANAGED="1", CROWDOPS_HOME=other, **like_ours) as of_another_home,
        stranger(CROWDOPS_MANAGED="0", CROWDOPS_HOME=home, **like_ours) as with_another_mark,
    ):
        assert [server["name"] for server in local.listed()] == [name]
        assert local.kill("--all-runs")["done"] == 1
        assert local.kill(name)["already"] == 1
        for process in (without_mark, of_another_home, with_another_mark):
            assert not is_over(process)


def test_of_a_named_server_of_another_home_it_is_said_why_it_was_left(
    local: LocalServers, tmp_path: Path
) -> None:
    other = str(tmp_path / "another-lab")
    name = "local-20250101-000000-zzzz"
    with stranger(CROWDOPS_MANAGED="1", CROWDOPS_HOME=other, CROWDOPS_SERVER=name) as process:
        killed = local.kill(name)
        assert (killed["selected"], killed["already"], killed["exit_code"]) == (1, 0, 1)
        (failure,) = killed["failed"]
        assert f"to take it down, give --home {other}" in failure["error"]
        assert not is_over(process)
    again = local.kill(name)
    assert (again["already"], again["failed"], again["exit_code"]) == (1, [], 0)


def hide(monkeypatch: pytest.MonkeyPatch, hidden: set[int]) -> None:
    """Let nobody read the environment of these processes."""
    real = psutil.Process.environ

    def environ(process: psutil.Process) -> dict[str, str]:
        if process.pid in hidden:
            raise psutil.AccessDenied(process.pid)
        return dict(real(process))

    monkeypatch.setattr(psutil.Process, "environ", environ)


def test_a_server_that_may_not_be_looked_into_is_found_by_its_pid_and_ended(
    local: LocalServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.launch(local.add_run())
    running = [psutil.Process(process.pid) for process in local.processes()]
    hide(monkeypatch, {process.pid for process in running})
    (server,) = local.listed()
    assert (server["exists"], server["answers"], server["leftover"]) == (True, True, True)
    killed = local.kill()
    assert (killed["done"], killed["already"], killed["exit_code"]) == (1, 0, 0)
    assert all(is_over(process) for process in running)


def test_a_task_server_of_unknown_home_that_may_not_be_looked_into_is_not_nothing(
    local: LocalServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.launch(local.add_run())
    running = {process.pid for process in local.processes()}
    local.world.sql("DELETE FROM servers")
    with monkeypatch.context() as patched:
        hide(patched, running)
        document = local.status(exit_code=1)
        assert document["servers"] == []
        assert {one["what"] for one in document["not_looked_at"]} == {f"process {pid}" for pid in running}
        killed = local.kill("--all-runs")
        assert (killed["selected"], killed["exit_code"]) == (0, 1)
        for script, *arguments in (("recover", "--yes"), ("rebuild_registry", "--dry-run")):
            result = local.world.invoke(f"local/{script}", *arguments)
            assert result.exit_code == 1
            assert "Not known: process" in result.stderr
    assert local.kill()["done"] == 1


def test_a_pid_that_another_process_has_by_now_is_left_alone(local: LocalServers) -> None:
    run = local.add_run()
    local.launch(run)
    for process in local.processes():
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: local.processes() == [])
    with stranger() as process, local.registry() as registry:
        (row,) = registry.servers("up")
        detail = {**row.detail, "pid": process.pid, "started": process.create_time() - 3600}
        registry.set_server(row.server_id, "up", row.url, detail)
        (server,) = local.listed()
        assert (server["exists"], server["answers"], server["leftover"]) == (False, False, True)
        assert server["note"] == "the registry has it, and it does not run"
        killed = local.kill()
        assert (killed["selected"], killed["already"], killed["exit_code"]) == (1, 1, 0)
        assert not is_over(process)
    assert local.listed() == []


def test_a_name_that_is_nobodys_is_refused(local: LocalServers) -> None:
    local.launch(local.add_run())
    refused = local.invoke("kill_servers", "postgres", "--yes")
    assert refused.exit_code == 2
    assert "postgres is none of our servers" in refused.stderr
    assert local.processes() != []
    gone = local.kill("local-20200101-000000-abcd")
    assert (gone["selected"], gone["already"], gone["exit_code"]) == (1, 1, 0)


# After a crash


def test_without_the_registry_servers_are_found_by_their_marks_alone(local: LocalServers) -> None:
    runs = [local.add_run("pilot-1"), local.add_run("pilot-2")]
    names = {local.launch(run)["name"] for run in runs}
    for path in local.home.glob("registry.db*"):
        path.unlink()
    found = local.listed()
    assert {(s["name"], s["run_id"], s["task_name"], s["leftover"]) for s in found} == {
        (f"local-{run.run_id}", run.run_id, run.task_name, True) for run in runs
    }
    assert all(server["answers"] for server in found)
    assert local.kill()["selected"] == 0, "runs that this registry does not know are not meant by default"
    assert local.kill("--all-runs")["done"] == len(names)
    assert local.processes() == []
