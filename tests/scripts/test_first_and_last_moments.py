"""Ctrl-C and SIGTERM while a script still imports, and while its interpreter comes to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forks import REPOSITORY
from tests.support.processes import wait_until
from tests.support.scripts import END_SECONDS

SCRIPTS = sorted(path for path in (REPOSITORY / "scripts").glob("*/*.py") if path.name != "__init__.py")
SAMPLE = [path for path in SCRIPTS if path.stem in ("check_runs", "recover", "launch_run", "pay_bonuses")]
SERVER = ["-m", "crowdserver"]
INTERRUPTED = (130, "Interrupted.\n")
UNKNOWN = (3, "")  # of a plugin of monitoring, which says it on stdout
HALT = "import pathlib, time\npathlib.Path({mark!r}).touch()\nwhile True: time.sleep(0.01)\n"
LATE_THREAD = (
    "import pathlib, threading, time\n"
    "def wait():\n"
    "    threading.main_thread().join()\n"
    "    pathlib.Path({mark!r}).touch()\n"
    "    time.sleep(60)\n"
    "threading.Thread(target=wait).start()\n"
)
LATE_EXIT = (
    "import atexit, pathlib, time\n"
    "def wait():\n"
    "    pathlib.Path({mark!r}).touch()\n"
    "    time.sleep(0.3)\n"
    "atexit.register(wait)\n"
)


class Halted:
    """Interpreters that halt at a module of this content, until they are sent a signal."""

    def __init__(self, folder: Path, module: str, content: str) -> None:
        self._folder, self._module, self._content = folder, module, content
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *command: str) -> tuple[subprocess.Popen[str], Path]:
        """Start a program; its mark is there once it has come to the module."""
        mark = self._folder / f"mark-{len(self._started)}"
        place = self._folder / f"modules-{len(self._started)}"
        place.mkdir()
        (place / f"{self._module}.py").write_text(self._content.format(mark=str(mark)))
        process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, "PYTHONPATH": str(place)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process, mark

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def halted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Halted]:
    """Interpreters that halt where the test's marker `halted` says."""
    made = Halted(tmp_path, *request.param)
    yield made
    made.close()


def end(process: subprocess.Popen[str], mark: Path, sign: signal.Signals) -> tuple[int, str]:
    """Send a signal to a process that has halted; return its exit code and what it said."""
    wait_until(mark.exists, END_SECONDS)
    process.send_signal(sign)
    _, said = process.communicate(timeout=END_SECONDS)
    return process.returncode, said


# That all begin alike, test_by_path.py shows.
@pytest.mark.parametrize(
    "scripts",
    [pytest.param(SAMPLE, id="sample"), pytest.param(SCRIPTS, marks=pytest.mark.long, id="all")],
)
@pytest.mark.parametrize("halted", [("click", HALT)], indirect=True)
def test_a_script_that_still_imports_ends_with_a_word(halted: Halted, scripts: list[Path]) -> None:
    signs = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    for first in range(0, len(scripts), 8):  # not all at once
        started = [halted.start(str(path)) for path in scripts[first : first + 8]]
        for number, (process, mark) in enumerate(started):
            expected = UNKNOWN if "check_runs" in str(process.args) else INTERRUPTED
            assert end(process, mark, signs[number % 3]) == expected, process.args


@pytest.mark.parametrize("halted", [("click", HALT)], indirect=True)
def test_so_does_the_crowd_server(halted: Halted) -> None:
    for sign in (signal.SIGINT, signal.SIGTERM):
        assert end(*halted.start(*SERVER), sign) == INTERRUPTED


@pytest.mark.parametrize("halted", [("click", HALT)], indirect=True)
def test_and_the_installed_command(halted: Halted) -> None:
    for sign in (signal.SIGINT, signal.SIGHUP):
        assert end(*halted.start("-m", "crowdops", "local", "wut"), sign) == INTERRUPTED


@pytest.mark.parametrize("halted", [("sitecustomize", LATE_THREAD)], indirect=True)
def test_a_script_that_waits_for_its_threads_at_its_end_ends_with_a_word(halted: Halted) -> None:
    script = str(REPOSITORY / "scripts" / "local" / "wut.py")
    for sign in (signal.SIGINT, signal.SIGTERM):
        assert end(*halted.start(script), sign) == INTERRUPTED


@pytest.mark.parametrize("halted", [("sitecustomize", LATE_EXIT)], indirect=True)
def test_nothing_breaks_off_the_very_end(halted: Halted) -> None:
    script = str(REPOSITORY / "scripts" / "local" / "wut.py")
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        assert end(*halted.start(script), sign) == (0, "")
