"""Where the outcome of check_runs goes beside stdout. None of it changes the line or the exit code."""

from __future__ import annotations

import errno
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crowdops.console import output
from crowdops.registry import locks
from crowdops.watching import alerts, ping
from crowdops.watching import check as check_of_runs
from tests.support.forks import REPOSITORY
from tests.support.ping_servers import UUID, PingServer, WebhookServer
from tests.support.scripts import Invoked
from tests.support.world import World

CHECK = "local/check_runs"
SECRET = "token-of-the-hook"


@pytest.fixture
def switch() -> Iterator[PingServer]:
    """A dead man's switch."""
    with PingServer() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[WebhookServer]:
    """A receiver of webhooks."""
    with WebhookServer() as server:
        yield server


def check(world: World, *options: str) -> Invoked:
    """Check without asking anybody, and see that nothing is on stderr."""
    with world.registry():
        result = world.invoke(CHECK, "--cached", *options)
    assert result.stderr == ""
    return result


def timeless(result: Invoked) -> tuple[int, str]:
    """An exit code and a stdout without what takes time."""
    return result.exit_code, re.sub(r"\b(time|backup_age)=[\d.]+s", "", result.stdout)


def test_the_outcome_goes_everywhere(
    world: World, switch: PingServer, hook: WebhookServer, tmp_path: Path
) -> None:
    metrics = tmp_path / "collector" / "crowdops.prom"
    metrics.parent.mkdir()
    options = ["--prometheus", str(metrics), "--ping", switch.ping_url, "--notify", hook.notify_url()]
    assert check(world, *options).exit_code == 0
    assert switch.status == "up" and hook.documents == []
    world.crash("pilot-2")
    alone = check(world)
    result = check(world, *options)
    assert timeless(result) == timeless(alone) and result.exit_code == 2
    assert switch.pings[-1].exit_status == 2
    assert switch.pings[-1].body == result.stdout.splitlines()[0]
    assert [document["type"] for document in hook.documents] == ["failure"]
    assert 'crowdops_runs{state="running",task_name="pilot-2"} 1.0' in metrics.read_text()
    assert metrics.stat().st_mode & 0o777 == 0o644


def test_the_variables_do_as_the_options(world: World, switch: PingServer, hook: WebhookServer) -> None:
    world.setenv(CROWDOPS_PING_URL=switch.ping_url, CROWDOPS_NOTIFY_URLS=hook.notify_url())
    world.crash()
    assert check(world, "--ping", "", "--notify", "").exit_code == 2
    assert switch.pings == [] and hook.documents == []
    check(world)
    assert switch.status == "down" and len(hook.documents) == 1


@pytest.mark.parametrize("behaviour", ["hang", "drip", "break", "fail", "redirect"])
def test_a_switch_that_misbehaves_changes_nothing(
    world: World, switch: PingServer, behaviour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ping, "START_SECONDS", 0.2)
    monkeypatch.setattr(ping, "END_SECONDS", 0.5)
    switch.behaviour = behaviour
    world.crash()
    alone = check(world)
    assert timeless(check(world, "--ping", switch.ping_url)) == timeless(alone)
    said = check(world, "-v", "--ping", switch.ping_url).stdout
    assert said.splitlines()[-1].startswith("The dead man's switch was not told") and UUID not in said


def test_a_switch_that_is_down_changes_nothing(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/ping/{UUID}"
    assert timeless(check(world, "--ping", url)) == timeless(check(world))
    assert json.loads(check(world, "--json", "-v", "--ping", url).stdout)["state"] == "OK"


def test_who_could_not_be_told_is_said(world: World, hook: WebhookServer) -> None:
    url = hook.notify_url(SECRET)
    hook.behaviour = "fail"
    world.crash()
    alone = check(world)
    line, trouble = check(world, "--notify", url).stdout.splitlines()
    assert line.split(" | ")[0] == alone.stdout.split(" | ")[0]
    assert trouble.startswith("Number 1 of --notify (json://) was not told: ") and SECRET not in trouble
    assert json.loads(check(world, "--json", "--notify", url).stdout)["state"] == "CRITICAL"


def test_metrics_that_cannot_be_written_are_said(world: World, tmp_path: Path) -> None:
    result = check(world, "--prometheus", str(tmp_path / "gone" / "crowdops.prom"))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].endswith("crowdops.prom: No such file or directory.")
    assert check(world, "-q", "--prometheus", str(tmp_path / "gone" / "crowdops.prom")).stdout == ""
    document = json.loads(
        check(world, "--json", "--prometheus", str(tmp_path / "gone" / "crowdops.prom")).stdout
    )
    assert document["troubles"] == [result.stdout.splitlines()[1]]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--prometheus", "HOME/crowdops.prom"], "is in the home"),
        (["--ping", SECRET], "What --ping says is no URL"),
        (["--ping-warnings"], "--ping-warnings means nothing without --ping"),
        (["--notify", f"slak://{SECRET}"], "is of no service"),
        (["--remind-after", "4"], "--remind-after means nothing without --notify"),
    ],
)
def test_what_is_of_no_use_is_unknown(world: World, options: list[str], why: str) -> None:
    result = check(world, *[option.replace("HOME", str(world.home)) for option in options])
    assert result.exit_code == 3
    assert result.stdout.startswith("CROWDOPS UNKNOWN: ") and why in result.stdout
    assert SECRET not in result.stdout


def test_checks_do_not_overlap_and_the_second_tells_nobody(
    world: World, switch: PingServer, hook: WebhookServer
) -> None:
    world.crash()
    options = ["-t", "0.2", "--ping", switch.ping_url, "--notify", hook.notify_url()]
    with locks.alone(world.home, "check_runs"):
        before = sorted(world.home.rglob("*"))
        result = check(world, *options)
        assert sorted(world.home.rglob("*")) == before
    assert result.exit_code == 3
    assert result.stdout.startswith("CROWDOPS UNKNOWN: another check_runs is at work: process ")
    assert switch.requests == [] and hook.requests == []
    assert check(world, *options[2:]).exit_code == 2


def test_a_check_that_cannot_look_is_told_as_unknown(
    world: World, switch: PingServer, hook: WebhookServer, tmp_path: Path
) -> None:
    (tmp_path / "crowdops.prom").write_text("those of the last check")
    options = ["--ping", switch.ping_url, "--notify", hook.notify_url(), "--run", "20000101-000000-none"]
    for _ in range(2):
        result = check(world, *options, "--prometheus", str(tmp_path / "crowdops.prom"))
        assert result.exit_code == 3
    assert switch.pings[-1].exit_status == 3 and "20000101-000000-none" in switch.pings[-1].body
    assert [document["type"] for document in hook.documents] == ["failure"]
    assert "20000101-000000-none" in hook.documents[0]["message"]
    assert (tmp_path / "crowdops.prom").read_text() == "those of the last check"


@pytest.mark.parametrize(
    "options", [["--run", "20000101-000000-none"], ["--environment", "sandbox"]], ids=str
)
def test_a_check_that_fails_says_so_before_it_tells_anybody(
    world: World, switch: PingServer, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    send = alerts.send
    monkeypatch.setattr(alerts, "send", lambda *given: said.append(output.has_begun()) or send(*given))
    if "sandbox" in options:
        monkeypatch.setattr(check_of_runs, "check", lambda *given: 1 / 0)
    for more in ([], ["--json"]):
        result = check(world, *options, *more, "--ping", switch.ping_url)
        assert result.exit_code == 3 and result.stdout.count("UNKNOWN") == 1 + len(more)
    assert said == [True, True]


def test_what_the_machine_refuses_a_check_is_told_in_words(
    world: World, switch: PingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error", "registry.db")

    monkeypatch.setattr(check_of_runs, "check", refused)
    result = check(world, "--ping", switch.ping_url)
    assert result.exit_code == 3 and "registry.db: Input/output error." in result.stdout
    assert switch.pings[-1].exit_status == 3 and "registry.db: Input/output error." in switch.pings[-1].body


def test_no_secret_is_left_anywhere(world: World, switch: PingServer, hook: WebhookServer) -> None:
    world.setenv(CROWDOPS_PING_URL=switch.ping_url, CROWDOPS_NOTIFY_URLS=hook.notify_url(SECRET))
    world.crash()
    shown = check(world, "-vv").stdout + check(world, "--json").stdout
    shown += world.invoke("local/wut").stdout + world.invoke("local/wut", "CROWDOPS_PING_URL").stdout
    kept = [path.read_bytes() for path in world.home.rglob("*") if path.is_file()]
    for secret in (UUID, SECRET):
        assert secret not in shown
        assert not [data for data in kept if secret.encode() in data]


def test_a_check_that_tells_nobody_imports_nothing_for_it(world: World) -> None:
    with world.registry():
        pass
    program = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from scripts.local.check_runs import main\n"
        "assert CliRunner().invoke(main, ['--cached']).exit_code == 0\n"
        "print({'apprise', 'prometheus_client', 'requests'} & set(sys.modules))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, cwd=REPOSITORY
    )
    assert (ended.stdout, ended.stderr) == ("set()\n", "")
