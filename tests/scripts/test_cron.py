"""The files of examples/cron as they stand, but for the paths that a user replaces."""

from __future__ import annotations

import os
import plistlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crowdops.registry import Registry
from tests.support.forks import REPOSITORY
from tests.support.world import World

EXAMPLES = REPOSITORY / "examples" / "cron"
PYTHON, PLACE = "/path/to/crowdops/.venv/bin/python", "/path/to/crowdops"
PATIENT = " -t 600"  # a busy machine is no silent endpoint


def replaced(name: str) -> str:
    """A file's text with the paths of this repository."""
    return (EXAMPLES / name).read_text().replace(PYTHON, sys.executable).replace(PLACE, str(REPOSITORY))


def cron_command(name: str) -> str:
    """What cron hands to the shell: the line without its times, up to a % that is not escaped."""
    lines = [line for line in replaced(name).splitlines() if line and not line.startswith("#")]
    (line,) = [line for line in lines if not re.match(r"[A-Z]+=", line)]
    command = line.split(maxsplit=5)[5]
    return re.split(r"(?<!\\)%", command)[0].replace(r"\%", "%")


def service_command() -> list[str]:
    """What systemd starts."""
    (line,) = re.findall(r"^ExecStart=(.*)$", replaced("crowdops-check.service"), re.MULTILINE)
    return shlex.split(line)


def launchd_command() -> list[str]:
    """What launchd starts."""
    return list(plistlib.loads(replaced("org.crowdops.check.plist").encode())["ProgramArguments"])


def run_bare(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in the environment that cron gives, and with no settings of whoever runs the tests."""
    bare = {"HOME": str(home), "LOGNAME": "somebody", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
    words = [f"{name}={value}" for name, value in {**bare, "CROWDOPS_ENV_FILE": os.devnull}.items()]
    return subprocess.run(
        ["env", "-i", *words, *command], check=False, capture_output=True, text=True, cwd=home
    )


def test_the_crontab_line_says_what_is_wrong_and_nothing_else(world: World, tmp_path: Path) -> None:
    user = tmp_path / "user"
    user.mkdir()
    (user / ".crowdops").symlink_to(world.home)
    with world.registry():
        pass
    command = ["/bin/sh", "-c", cron_command("crontab") + PATIENT]
    ended = run_bare(command, user)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    world.crash("pilot-2", units=2)
    ended = run_bare(command, user)
    assert ended.returncode == 2 and ended.stderr == ""
    assert ended.stdout.startswith("CROWDOPS CRITICAL: 1 crashed run with 2 HITs out (pilot-2)")
    assert "make recover" in ended.stdout


@pytest.mark.parametrize("command", [service_command(), launchd_command()], ids=["systemd", "launchd"])
def test_what_services_start_can_be_started(command: list[str], tmp_path: Path) -> None:
    with Registry.open(tmp_path / ".crowdops"):
        ended = run_bare([*command, *PATIENT.split()], tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("CROWDOPS OK: ")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_service_and_the_timer(tmp_path: Path) -> None:
    for name in ("crowdops-check.service", "crowdops-check.timer"):
        (tmp_path / name).write_text(replaced(name))
    ended = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "crowdops-check.service", tmp_path / "crowdops-check.timer"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:", "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    of_ours = [line for line in ended.stderr.splitlines() if "crowdops" in line]
    assert (ended.returncode, of_ours) == (0, [])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_timer_begins_every_ten_minutes() -> None:
    (when,) = re.findall(r"^OnCalendar=(.*)$", replaced("crowdops-check.timer"), re.MULTILINE)
    ended = subprocess.run(["systemd-analyze", "calendar", when], check=False, capture_output=True, text=True)
    assert ended.returncode == 0 and "*-*-* *:00/10:00" in ended.stdout


def test_launchd_starts_it_as_often_as_cron() -> None:
    job = plistlib.loads(replaced("org.crowdops.check.plist").encode())
    assert job["StartInterval"] == 600 and job["Label"] == "org.crowdops.check"


def test_every_path_is_a_placeholder_and_is_said_to_be() -> None:
    for path in EXAMPLES.iterdir():
        text = path.read_text()
        if path.suffix != ".timer":
            assert f"Replace {PLACE}" in text, path.name
        assert not re.findall(r"(?<![\w.~])/(?!path/to|usr/bin|bin/sh|DTD|/)[a-z]+/", text.split("DTDs")[-1])
