"""serve_crowd becomes the crowd server: says its address, keeps its data in the home, stops on Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import requests

from tests.support.processes import free_port, wait_until
from tests.support.scripts import SCRIPTS, invoke

SCRIPT = "local/serve_crowd"
READY = "crowd server ready at "


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The script as a user runs it, on a free port, with the control API."""
    command = [
        sys.executable,
        str(SCRIPTS / f"{SCRIPT}.py"),
        "--port",
        "0",
        "--control",
        "--balance",
        "12.50",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_it_serves_both_sides_until_ctrl_c(crowd: subprocess.Popen[str], tmp_path: Path) -> None:
    assert crowd.stdout is not None
    line = crowd.stdout.readline()
    assert line.startswith(f"{READY}http://127.0.0.1:")
    url = line.removeprefix(READY).strip()
    session = boto3.Session(*read_key(tmp_path / "home"), region_name="us-east-1")
    client = session.client("mturk", endpoint_url=url)
    assert client.get_account_balance()["AvailableBalance"] == "12.50"
    assert "sign" in requests.get(url, timeout=10).text.lower()
    assert requests.get(f"{url}/_control/calls", timeout=10).json()["GetAccountBalance"]["ok"] == 1
    crowd.send_signal(signal.SIGINT)
    assert crowd.wait(15) == 0
    assert (tmp_path / "home" / "crowd" / "crowd.db").exists()


def read_key(home: Path) -> tuple[str, str]:
    """The key pair that the server has made at its first start."""
    lines = (home / "crowd" / "credentials").read_text().splitlines()
    values = dict(line.split(" = ") for line in lines if " = " in line)
    return values["aws_access_key_id"], values["aws_secret_access_key"]


def become(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Run the script in this process; returns the program that it would become, and its variables."""
    programs: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda path, command, variables: programs.append((command, variables)))
    result = invoke(SCRIPT, *arguments)
    assert result.exit_code == 0, result.stderr
    (program,) = programs
    return program


def test_it_serves_even_if_nobody_can_be_told() -> None:
    port = free_port()
    command = [sys.executable, str(SCRIPTS / f"{SCRIPT}.py"), "--port", str(port)]
    with open("/dev/full", "w") as full, subprocess.Popen(command, stdout=full) as process:
        try:
            wait_until(lambda: process.poll() is not None or is_healthy(port), 30)
            assert process.poll() is None
        finally:
            process.terminate()


def is_healthy(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def test_options_that_were_not_given_are_left_to_the_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program, variables = become(monkeypatch)
    folder = tmp_path / "home" / "crowd"
    assert program[:3] == [sys.executable, "-m", "crowdserver"]
    options = dict(zip(program[3::2], program[4::2], strict=True))
    assert variables["CROWDOPS_HOME"] == str(folder.parent)
    assert not [name for name in variables if name.startswith("CROWD_")]
    assert (options["--host"], options["--port"]) == ("127.0.0.1", "8730")
    assert not {"--control", "--rate-limit"} & set(program)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_options_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    command = (
        "--host localhost --port 9000 --control --rate-limit 20 --latency-ms 5 --processes 4"
        " --public-url https://lab.example/crowd --trusted-proxies 10.0.0.7"
    )
    program, _ = become(monkeypatch, *command.split())
    handed_on = " ".join(program)
    assert "--control" in program
    for option in ("--host localhost", "--port 9000", "--rate-limit 20", "--latency-ms 5", "--processes 4"):
        assert option in handed_on
    assert "--public-url https://lab.example/crowd --trusted-proxies 10.0.0.7" in handed_on


def test_secrets_are_handed_on_where_ps_does_not_show_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    env_file = tmp_path / "env"
    env_file.write_text("CROWD_DATABASE_URL=postgresql://me:hidden@host/crowd\n")
    env_file.chmod(0o600)
    monkeypatch.setenv("CROWDOPS_ENV_FILE", str(env_file))
    program, variables = become(monkeypatch, "--port", "9000")
    assert variables["CROWD_DATABASE_URL"] == "postgresql://me:hidden@host/crowd"
    assert "hidden" not in " ".join(program)
    monkeypatch.setenv("CROWD_DATABASE_URL", "postgresql://me:hidden@other/crowd")
    assert become(monkeypatch)[1]["CROWD_DATABASE_URL"] == "postgresql://me:hidden@other/crowd"


def test_a_file_with_the_database_that_others_can_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    env_file = tmp_path / "env"
    env_file.write_text("CROWD_DATABASE_URL=postgresql://me:hidden@host/crowd\n")
    env_file.chmod(0o640)
    monkeypatch.setenv("CROWDOPS_ENV_FILE", str(env_file))
    result = invoke(SCRIPT)
    assert result.exit_code == 2
    assert (
        f"{env_file} holds CROWD_DATABASE_URL and others can read it: chmod 600 {env_file}" in result.stderr
    )
    assert "hidden" not in result.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("--port", "70000"), ("--latency-ms", "-1"), ("--rate-limit", "none")]
)
def test_a_value_that_makes_no_sense_is_refused(option: str, value: str) -> None:
    result = invoke(SCRIPT, option, value)
    assert result.exit_code == 2
    assert option in result.stderr
