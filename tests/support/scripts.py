"""Our scripts at work: in the test's own process, or in processes of their own."""

from __future__ import annotations

import importlib
import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from tests.support import script_sections
from tests.support.forks import REPOSITORY, Process, Streams
from tests.support.processes import wait_until

SCRIPTS = REPOSITORY / "scripts"
STRUCK = REPOSITORY / "tests" / "support" / "struck.py"
END_SECONDS = 60

_numbers = itertools.count(1)


class Invoked(NamedTuple):
    """What a script did."""

    exit_code: int
    stdout: str
    stderr: str


def invoke(script: str, *arguments: str, input: str | None = None) -> Invoked:
    """Run a script, such as "mturk/expire_hits", in this process; what it does must be what its page says."""
    main = importlib.import_module(f"scripts.{script.replace('/', '.')}").main
    result = CliRunner().invoke(main, list(arguments), input=input)
    script_sections.hold(script, arguments, result.exit_code, result.stdout)
    return Invoked(result.exit_code, result.stdout, result.stderr)


def run_script(script: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter, to its end."""
    command = [sys.executable, str(SCRIPTS / f"{script}.py"), *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=END_SECONDS, **options
    )


class Script:
    """A script in a process of its own.

    `folder` is for what it writes. `struck`: the signal that strikes at one of its registry commits, as
    struck.py takes it, such as ("SIGKILL", "after", "3").
    """

    def __init__(
        self,
        script: str,
        *arguments: str,
        environment: Mapping[str, str],
        folder: Path,
        struck: tuple[str, ...] = (),
    ) -> None:
        name = f"{script.replace('/', '-')}-{next(_numbers)}"
        self._output, self._log = folder / f"{name}.out", folder / f"{name}.log"
        command = [str(SCRIPTS / f"{script}.py"), *arguments]
        if struck:
            command = [str(STRUCK), *struck, *command]
        streams = Streams(stdout=str(self._output), stderr=str(self._log))
        self.process = Process(*command, environment=environment, streams=streams)

    @property
    def said(self) -> str:
        """What it has written to stderr so far."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def output(self) -> str:
        """What it has written to stdout so far."""
        return self._output.read_text() if self._output.exists() else ""

    @property
    def run_id(self) -> str:
        """The id that it announced."""
        return next(line.split()[1] for line in self.said.splitlines() if line.startswith("run "))

    def hear(self, text: str, times: int = 1) -> None:
        """Wait until it has said something so often."""
        wait_until(lambda: self.said.count(text) >= times or self.process.poll() is not None, END_SECONDS)
        assert self.said.count(text) >= times, f"it never said {text!r}, but: {self.said}"

    def press(self, sign: signal.Signals = signal.SIGINT) -> None:
        """Press Ctrl-C, or send another signal."""
        self.process.send_signal(sign)

    def kill(self) -> None:
        """Kill -9, and wait until it is over."""
        self.process.kill()
        self.end()

    def end(self) -> int:
        """Wait for its end and return its exit code."""
        return self.process.wait(END_SECONDS)

    def document(self) -> Any:
        """Return what it wrote to stdout, which must be one JSON document."""
        return json.loads(self.output)
