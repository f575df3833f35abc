"""A home, a crowd server behind a gate, a worker's hand, and the suite's scripts at work on them."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tests.support.crowds import Crowd, wait_until
from tests.support.gates import Gate
from tests.support.hands import Hand
from tests.support.scripts import END_SECONDS, REPOSITORY
from tests.support.scripts import Script as Launch

__all__ = ["END_SECONDS", "REPOSITORY", "Launch", "World"]

PAGE = '<!DOCTYPE html><title>A task</title><form><p>{{ text }}</p><input name="label"></form>'


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
            launch.kill()

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
        command = ("mturk/launch_run", str(path), "--yes", "--json", *arguments)
        return self._start(*command, struck=struck, **(variables or {}))

    def _start(self, script: str, *arguments: str, struck: tuple[str, ...] = (), **variables: str) -> Launch:
        environment = self.environment(**variables)
        launch = Launch(script, *arguments, environment=environment, folder=self.folder, struck=struck)
        self._launches.append(launch)
        return launch

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
