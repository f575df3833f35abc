"""The official `heroku` CLI, unmodified, against the emulator.

The CLI is installed once with npm into $XDG_CACHE_HOME/crowdops-tests and stays there. It runs with a HOME of
its own and with proxies that lead nowhere: only the emulator can be reached.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.support.heroku.emulator import ACCOUNT_EMAIL, TOKEN
from tests.support.heroku.running import RunningEmulator
from tests.support.heroku.sources import deploy, states
from tests.support.processes import wait_until
from tests.unit.support.heroku.test_heroku3 import client_of

VERSION = "11.10.0"
INSTALL_SECONDS = 540
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crowdops-tests"
NOWHERE = "http://127.0.0.1:9"
Cli = Callable[..., subprocess.CompletedProcess[str]]

# 395 MB and half a minute: only where it is asked for. What is installed once is used ever after.
MAY_INSTALL = os.environ.get("CROWDOPS_HEROKU_CLI") == "install"
# The first run may have to install the CLI.
pytestmark = pytest.mark.timeout(INSTALL_SECONDS + 60)


@pytest.fixture(scope="module")
def program() -> Path:
    """The CLI's entry, installed if need be; the test is skipped where that is not possible."""
    folder = CACHE / f"heroku-cli-{VERSION}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            if not MAY_INSTALL:
                pytest.skip(
                    "the official heroku CLI is not installed; CROWDOPS_HEROKU_CLI=install does it (395 MB)"
                )
            install(folder)
    return folder / "node_modules" / "heroku" / "bin" / "run.js"


def install(folder: Path) -> None:
    """Install beside and rename, so that an interrupted install leaves nothing that looks complete."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("the official CLI needs node and npm, which are not installed")
    package = f"heroku@{VERSION}"
    with tempfile.TemporaryDirectory(dir=CACHE) as draft:
        command = [
            "npm",
            "install",
            "--prefix",
            f"{draft}/cli",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            package,
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        if done.returncode != 0:
            pytest.skip(f"npm cannot install {package}: {done.stderr.strip().splitlines()[-1]}")
        (Path(draft) / "cli").rename(folder)


@pytest.fixture
def cli(program: Path, emulator: RunningEmulator, tmp_path: Path) -> Cli:
    """Run the CLI as the emulator's account."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "HEROKU_HOST": emulator.url,
            "HEROKU_API_KEY": TOKEN,
            "HEROKU_PARTICLEBOARD_URL": emulator.url,
            "DISABLE_TELEMETRY": "true",
            "HEROKU_DISABLE_AUTOUPDATE": "1",
            "HEROKU_SKIP_NEW_VERSION_CHECK": "true",
            "HTTP_PROXY": NOWHERE,
            "HTTPS_PROXY": NOWHERE,
            "NO_PROXY": "127.0.0.1,localhost",
        }
        command = ["node", str(program), *arguments]
        return subprocess.run(
            command,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_the_official_cli_sees_an_app_run(cli: Cli, emulator: RunningEmulator) -> None:
    deploy(emulator, "seen-at-a-glance")
    wait_until(lambda: states(emulator, "seen-at-a-glance") == {"web.1": "up"})
    assert "web.1: up" in cli("ps", "-a", "seen-at-a-glance").stdout


@pytest.mark.long
def test_the_official_cli_sees_apps_and_their_dynos(cli: Cli, emulator: RunningEmulator) -> None:
    app = deploy(emulator, "seen-by-cli")
    emulator.create_app("bare-app")
    emulator.call("PATCH", "/apps/seen-by-cli/config-vars", {"GREETING": "good day", "OTHER": "2"})
    wait_until(lambda: states(emulator, "seen-by-cli") == {"web.1": "up"})
    listed = {entry["name"]: entry["web_url"] for entry in json.loads(cli("apps", "--json").stdout)}
    assert (set(listed), listed["seen-by-cli"]) == ({"seen-by-cli", "bare-app"}, app["web_url"])
    info = json.loads(cli("apps:info", "--json", "-a", "seen-by-cli").stdout)
    assert (info["app"]["owner"]["email"], info["dynos"][0]["name"], info["addons"]) == (
        ACCOUNT_EMAIL,
        "web.1",
        [],
    )
    assert "web.1: up" in cli("ps", "-a", "seen-by-cli").stdout
    assert json.loads(cli("config", "--json", "-a", "seen-by-cli").stdout) == {
        "GREETING": "good day",
        "OTHER": "2",
    }
    logs = cli("logs", "-n", "1500", "-a", "seen-by-cli")
    assert (logs.returncode, "app[web.1]: listening soon" in logs.stdout) == (0, True)


@pytest.mark.long
def test_the_official_cli_and_heroku3_see_scale_and_destroy_the_same_app(
    cli: Cli, emulator: RunningEmulator
) -> None:
    app = deploy(emulator, "cli-s-own")
    heroku3 = client_of(emulator)
    heroku3.app("cli-s-own").scale_formation_process("web", 1)
    assert json.loads(cli("ps", "--json", "-a", "cli-s-own").stdout)[0]["name"] == "web.1"
    emulator.create_app("bystander")
    down = cli("ps:scale", "web=0", "-a", "cli-s-own")
    assert (down.returncode, "now running web at 0:Basic" in down.stderr) == (0, True)
    assert states(emulator, "cli-s-own") == {}
    up = cli("ps:scale", "web=2:standard-1x", "-a", "cli-s-own")
    assert (up.returncode, "now running web at 2:Standard-1X" in up.stderr) == (0, True)
    wait_until(lambda: states(emulator, "cli-s-own") == {"web.1": "up", "web.2": "up"})
    assert sorted(dyno.name for dyno in heroku3.app("cli-s-own").dynos()) == ["web.1", "web.2"]
    destroyed = cli("apps:destroy", "-a", "cli-s-own", "--confirm", "cli-s-own")
    assert (destroyed.returncode, "Destroying cli-s-own" in destroyed.stderr) == (0, True)
    assert [left.name for left in heroku3.apps()] == ["bystander"]
    with pytest.raises(requests.ConnectionError):
        requests.get(app["web_url"], timeout=10)
