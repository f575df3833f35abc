"""invite_worker prints a link that signs in one worker."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.support.processes import free_port
from tests.support.scripts import invoke, run_script
from tests.support.world import World

SCRIPT = "local/invite_worker"


def test_the_link_is_the_only_thing_on_stdout(world: World) -> None:
    first = world.invoke(SCRIPT, "--name", "Ada")
    second = world.invoke(SCRIPT, "--worker-id", "ASECOND")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout.startswith(f"{world.crowd.url}/sign-in/")
    assert first.stdout.count("\n") == second.stdout.count("\n") == 1
    assert first.stderr.endswith("(Ada) signs in with this link:\n")
    assert second.stderr == "Worker ASECOND signs in with this link:\n"
    assert "Ada" in requests.get(first.stdout.strip(), timeout=10).text
    assert "ASECOND" in requests.get(second.stdout.strip(), timeout=10).text


def test_a_second_link_replaces_the_first(world: World) -> None:
    first = world.invoke(SCRIPT, "-q", "--worker-id", "AMOVED", "--name", "Ada")
    second = world.invoke(SCRIPT, "-q", "--worker-id", "AMOVED")
    assert (first.stderr, second.stderr) == ("", "")
    assert requests.get(first.stdout.strip(), timeout=10).status_code == 403
    assert "Ada" in requests.get(second.stdout.strip(), timeout=10).text


def test_json_is_one_document(world: World) -> None:
    made = json.loads(world.invoke(SCRIPT, "--json", "--name", "Ada").stdout)
    assert sorted(made) == ["ends_at", "name", "url", "worker_id"]
    assert made["name"] == "Ada"
    left = datetime.fromisoformat(made["ends_at"]) - datetime.now(UTC)
    assert timedelta(days=89) < left <= timedelta(days=90)


def test_a_bad_worker_id_is_refused(world: World) -> None:
    result = world.invoke(SCRIPT, "--worker-id", "me")
    assert (result.exit_code, result.stdout) == (2, "")
    assert (
        result.stderr
        == "error: 'me' is no worker id: give A and then 1 to 63 capital letters A-Z or digits.\n"
    )


@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_amazon_has_no_workers_to_invite(world: World, environment: str) -> None:
    result = world.invoke(SCRIPT, "--environment", environment)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"the environment {environment} has none" in result.stderr


def test_without_a_crowd_server_it_says_so_in_one_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_MTURK", url)
    result = invoke(SCRIPT)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"error: {url} cannot be reached: Connection refused\n"


def test_it_runs_by_its_path(world: World) -> None:
    result = run_script(SCRIPT, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["url"].startswith(world.crowd.url)
