"""A home, a crowd server behind a gate, a worker's hand, and the suite's scripts at work on them."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tests.support.crowds import Crowd, wait_until
from tests.support.gates import Gate
from tests.support.hands import Hand

REPOSITORY = Path(__file__).resolve().parents[2]
LAUNCH = REPOSITORY / "scripts" / "mturk" / "launch_run.py"
END_SECONDS = 60
PAGE = '<!DOCTYPE html><title>A task</title><form><p>{{ text }}</p><input name="label"></form>'


class Launch:
    """A launch_run in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process, self._log = process, log

    @property
    def said(self) -> str:
        """What it has written to stderr so far."""
        return self._log.read_text()

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

    def end(self) -> int:
        """Wait for its end and return its exit code."""
        return self.process.wait(END_SECONDS)

    def document(self) -> dict[str, Any]:
        """What it wrote to stdout, which must be one JSON document."""
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.read())
        return found


class World:
    """Everything that a run needs, in one folder."""

    def __init__(self, folder: Path, crowd: Crowd, gate: Gate) -> None:
        self.folder, self.crowd, self.gate = folder, crowd, gate
        self.home = folder / "home"
        self.hand = Hand(crowd)
        self.held: list[str] = []  # assignments that somebody has accepted and not submitted
        self._launches: list[Launch] = []
        keys = self.home / "crowd" / "credentials"
        keys.parent.mkdir(mode=0o700, parents=True)
        shutil.copy(crowd.credentials_file, keys)
        keys.chmod(0o600)
        (folder / "task.html").write_text(PAGE)

    def close(self) -> None:
        """End what still runs."""
        self.hand.close()
        for launch in self._launches:
            if launch.process.poll() is None:
                launch.process.kill()
                launch.process.wait(END_SECONDS)
            assert launch.process.stdout is not None
            launch.process.stdout.close()

    def environment(self, **more: str) -> dict[str, str]:
        """The variables under which scripts work here."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CROWDOPS_"))}
        return kept | {
            "CROWDOPS_HOME": str(self.home),
            "CROWDOPS_ENV_FILE": os.devnull,
            "CROWDOPS_POLL_INTERVAL": "0.1",
            "AWS_ENDPOINT_URL_MTURK": self.gate.url,
            **more,
        }

    def write_run(self, units: int = 8, **parameters: object) -> Path:
        """Write a run.toml with so many units; the values are those of its [task]."""
        rows = [f"picture {number}" for number in range(units)]
        (self.folder / "items.csv").write_text("\n".join(["text", *rows]) + "\n")
        values: dict[str, object] = {
            "task_name": "pictures-pilot-1",
            "task_title": "Look at a picture",
            "task_description": "Say what is in it.",
            "task_reward": "0.05",
            "data": "items.csv",
            "template": "task.html",
            "assignment_duration_in_seconds": 600,
            **parameters,
        }
        path = self.folder / "run.toml"
        path.write_text("[task]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in values.items()))
        return path

    def launch(
        self,
        *arguments: str,
        struck: tuple[str, ...] = (),
        variables: dict[str, str] | None = None,
        **run: Any,
    ) -> Launch:
        """Start launch_run in a process of its own. `struck`: see struck.py. `run`: for write_run()."""
        path = self.write_run(**run)
        log = self.folder / f"launch-{len(self._launches)}.log"
        strike = [str(REPOSITORY / "tests" / "support" / "struck.py"), *struck] if struck else []
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, *strike, str(LAUNCH), str(path), "--yes", "--json", *arguments],
                env=self.environment(**(variables or {})),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self._launches.append(Launch(process, log))
        return self._launches[-1]

    @property
    def said(self) -> str:
        """What the latest launch has said so far; nothing before there is one."""
        return self._launches[-1].said if self._launches else ""

    def script(self, name: str, *arguments: str) -> Result:
        """Run a script of ours in this process, such as mturk.expire_hits."""
        command = importlib.import_module(f"scripts.{name}").main
        runner = CliRunner(
            env={**{k: None for k in os.environ if k.startswith("AWS_")}, **self.environment()}
        )
        return runner.invoke(command, arguments, catch_exceptions=False)

    def json(self, name: str, *arguments: str) -> Any:
        """Run a script with --json and return its document."""
        return json.loads(self.script(name, *arguments, "--json").stdout)

    def query(self, sql: str, *values: object) -> list[Any]:
        """Ask the registry's file. No rows while there is none, or none with tables."""
        path = self.home / "registry.db"
        if not path.exists():
            return []
        connection = sqlite3.connect(path)
        try:
            made = connection.execute("PRAGMA user_version").fetchone()[0]
            return connection.execute(sql, values).fetchall() if made else []
        finally:
            connection.close()

    def run_ids(self) -> list[str]:
        """The runs in the registry, the oldest first."""
        return [run_id for (run_id,) in self.query("SELECT run_id FROM task_runs ORDER BY run_id")]

    def wait_for_units(self, state: str, count: int) -> None:
        """Wait until so many units, of all runs, are in a state."""
        query = "SELECT count(*) FROM units WHERE state = ?"
        wait_until(lambda: self.query(query, state) == [(count,)], END_SECONDS)

    def units(self, run_id: str) -> dict[str, int]:
        """How many units of a run are in each state."""
        return dict(self.query("SELECT state, count(*) FROM units WHERE run_id = ? GROUP BY state", run_id))

    def collected(self, run_id: str | None = None) -> set[str]:
        """The ids of the assignments in the registry, of one run or of all."""
        rows = self.query("SELECT assignment_id FROM assignments WHERE ? IN (run_id, '')", run_id or "")
        return {assignment_id for (assignment_id,) in rows}
