"""A home with its registry, its account on a crowd server, and our scripts at work there."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import select

from crowdops.config.settings import Settings, resolve
from crowdops.formats.marks import Mark, annotation
from crowdops.registry import Registry, Run, locks
from crowdserver.storage import schema
from tests.support.crowds import Crowd
from tests.support.gates import Gate
from tests.support.offers import html_question
from tests.support.processes import find_server_processes, wait_until
from tests.support.scripts import END_SECONDS, Invoked, Script, invoke
from tests.support.workers import Workers

PAGE = "<!DOCTYPE html><p>{{ text }}</p><form><input name='label'><button>Submit</button></form>"
TASK = {
    "task_title": "Sort messages",
    "task_description": "Say what a message is about.",
    "task_reward": "0.05",
    "data": "items.csv",
    "template": "task.html",
    "assignment_duration_in_seconds": 600,
    "task_lifetime_in_seconds": 86400,
}


class Home(Workers):
    """See the module. Scripts, in the test's process and in their own, find it through the environment."""

    def __init__(
        self, crowd: Crowd, folder: Path, patch: pytest.MonkeyPatch, gate: Gate | None = None
    ) -> None:
        super().__init__(crowd)
        self.folder, self.home = folder, folder / "home"
        self._patch, self._gate = patch, gate
        self._scripts: list[Script] = []
        self.foreign: list[Any] = []  # what foreign_rows() returned when they were made
        self.hand_over_key(self.home)
        self.setenv(CROWDOPS_HOME=str(self.home), AWS_ENDPOINT_URL_MTURK=crowd.url)
        self.setenv(CROWDOPS_POLL_INTERVAL="0.1")  # heeded by what runs in the test's process, too
        if gate:
            self.gate = gate
        crowd.empty()

    def close(self) -> None:
        """End what still runs, task servers too."""
        for script in self._scripts:
            script.kill()
        for process in self.server_processes() if self._scripts else ():
            process.kill()

    def setenv(self, **variables: str) -> None:
        """Set variables for every script from now on."""
        for name, value in variables.items():
            self._patch.setenv(name, value)

    def hand_over_key(self, home: Path) -> None:
        """Give a home the account's key."""
        (home / "crowd").mkdir(parents=True, mode=0o700)
        shutil.copy2(self.crowd.credentials_file, home / "crowd" / "credentials")

    @property
    def gate(self) -> Gate:
        """The door through which all calls go, in tests that are marked so: @pytest.mark.gated."""
        assert self._gate is not None, "mark the test as gated"
        return self._gate

    @gate.setter
    def gate(self, gate: Gate) -> None:
        self._gate = gate
        self.setenv(AWS_ENDPOINT_URL_MTURK=gate.url)

    # Runs

    def write_run(
        self,
        units: int = 2,
        *,
        task_name: str = "pilot-1",
        rows: Sequence[Mapping[str, str]] | None = None,
        page: str = PAGE,
        more: str = "",
        **parameters: object,
    ) -> Path:
        """Write run.toml, task.html and items.csv, with so many rows or with these; returns the run.toml.

        The parameters are those of its [task]; `more` comes after them, as it is.
        """
        folder = self.folder / task_name
        folder.mkdir(exist_ok=True)
        (folder / "task.html").write_text(page)
        rows = rows or [{"text": f"message {number}"} for number in range(units)]
        with (folder / "items.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        task = {"task_name": task_name, **TASK, **parameters}
        lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in task.items())
        path = folder / "run.toml"
        path.write_text(f"[task]\n{lines}{more}")
        return path

    def launch(
        self, task_name: str = "pilot-1", *, units: int = 2, assignments: int = 1, **parts: Any
    ) -> Run:
        """Launch a run that needs no process. `parts`: see write_run()."""
        path = self.write_run(units, task_name=task_name, assignments_per_unit=assignments, **parts)
        document = self.json("mturk/launch_run", str(path), "--detach", "--yes", "--again", "--quiet")
        return self.run(document["run_id"])

    def crash(self, task_name: str = "pilot-1", *, units: int = 2, assignments: int = 1, **parts: Any) -> Run:
        """Leave a run behind whose process died right after it had launched everything."""
        run = self.launch(task_name, units=units, assignments=assignments, **parts)
        self.sql("UPDATE task_runs SET detached = 0 WHERE run_id = ?", run.run_id)
        return self.run(run.run_id)

    def launch_run(
        self,
        *arguments: str,
        struck: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None,
        **parts: Any,
    ) -> Script:
        """Start a launch_run of eight units. `struck`: see Script. `parts`: see write_run()."""
        path = self.write_run(**{"units": 8, **parts})
        command = ("mturk/launch_run", str(path), "--yes", "--again", "--json", *arguments)
        return self._start(*command, struck=struck, variables=variables or {})

    # The registry

    @property
    def settings(self) -> Settings:
        """The settings of a command in this world."""
        return resolve({}, quiet=True, verbose=False, as_json=False)

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        """Open this world's registry."""
        with Registry.open(self.home) as registry:
            yield registry

    @contextmanager
    def attend(self, run: Run) -> Iterator[Run]:
        """Let this process attend a run that was left behind."""
        with locks.hold(self.home, run.run_id):
            yield run

    def run(self, run_id: str) -> Run:
        """Return what the registry says of a run."""
        with self.registry() as registry:
            run = registry.run(run_id)
        assert run is not None
        return run

    def run_ids(self) -> list[str]:
        """Return the runs in the registry, the oldest first."""
        return [run_id for (run_id,) in self.sql("SELECT run_id FROM task_runs ORDER BY run_id")]

    def units(self, run_id: str) -> dict[str, int]:
        """Return how many units of a run are in each state."""
        return dict(self.sql("SELECT state, count(*) FROM units WHERE run_id = ? GROUP BY state", run_id))

    def wait_for_units(self, state: str, count: int) -> None:
        """Wait until so many units, of all runs, are in a state."""
        query = "SELECT count(*) FROM units WHERE state = ?"
        wait_until(lambda: self.sql(query, state) == [(count,)], END_SECONDS)

    def collected(self, run_id: str | None = None) -> set[str]:
        """Return the ids of the assignments in the registry, of one run or of all."""
        rows = self.sql("SELECT assignment_id FROM assignments WHERE ? IN (run_id, '')", run_id or "")
        return {assignment_id for (assignment_id,) in rows}

    def hit_ids(self, run: Run) -> list[str]:
        """Return a run's HITs, by unit."""
        with self.registry() as registry:
            units = registry.iter_units(run.run_id, ["outstanding", "finished", "expired", "disposed"])
            return [unit.hit_id for unit in units if unit.hit_id]

    def set_state(self, run: Run, state: str, reason: str | None = None) -> None:
        """Put a run into another state."""
        with self.registry() as registry:
            registry.set_run_state(run.run_id, state, reason)

    def put_elsewhere(self, run: Run, endpoint: str, server_id: str | None = "another") -> None:
        """Let a run be at another server than this world's, which was seen at this address last."""
        values = (endpoint, server_id, run.run_id)
        self.sql("UPDATE task_runs SET endpoint = ?, crowd_server_id = ? WHERE run_id = ?", *values)

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Read or change the registry's file itself. No rows while there is none, or none with tables."""
        path = self.home / "registry.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            return connection.execute(statement, values).fetchall() if version else []

    # The account, as another program sees it

    @property
    def client(self) -> Any:
        """A boto3 client of the account, in place of another program that uses it."""
        return self.crowd.shared_client

    def add_foreign_hits(self, count: int = 2) -> list[str]:
        """Create HITs as some other program on the account does; returns their ids."""
        hit_ids = [
            self.client.create_hit(
                Title=f"Somebody else's task {number}",
                Description="Not ours",
                Reward="0.10",
                AssignmentDurationInSeconds=600,
                LifetimeInSeconds=30 * 86400,
                RequesterAnnotation="batch=17" if number % 2 else "crowdops:2:not-our-form",
                Question=html_question(),
            )["HIT"]["HITId"]
            for number in range(count)
        ]
        self.foreign = self.foreign_rows()
        return hit_ids

    def add_hit(self, run: Run, index: int) -> str:
        """Create another HIT of a unit, as somebody does who has lost the registry; returns its id."""
        made = self.client.create_hit_with_hit_type(
            HITTypeId=run.hit_type_id,
            MaxAssignments=run.parameters.assignments_per_unit,
            LifetimeInSeconds=run.parameters.task_lifetime_in_seconds,
            RequesterAnnotation=annotation(Mark(run.run_id, index, run.task_name)),
            Question=self.client.get_hit(HITId=self.hit_ids(run)[0])["HIT"]["Question"],
        )
        return str(made["HIT"]["HITId"])

    def foreign_rows(self) -> list[Any]:
        """Return everything that the server knows of HITs that are not ours."""
        hits = schema.hits
        with self.crowd.opened.reading() as (tx, _):
            return list(tx.execute(select(hits).where(~hits.c.annotation.startswith("crowdops:1:"))).all())

    def statuses(self, hit_ids: Iterable[str]) -> list[str]:
        """Return what the API says of these HITs."""
        return [self.client.get_hit(HITId=hit_id)["HIT"]["HITStatus"] for hit_id in hit_ids]

    # The scripts

    def invoke(self, script: str, *arguments: str, input: str | None = None) -> Invoked:
        """Run a script, such as "mturk/expire_hits", in this process."""
        return invoke(script, *arguments, input=input)

    def json(self, script: str, *arguments: str, exit_code: int = 0) -> Any:
        """Run a script with --json in this process and return its document; the exit code must be this."""
        result = self.invoke(script, *arguments, "--json")
        assert result.exit_code == exit_code, result.stderr
        return json.loads(result.stdout)

    def calls_of(self, script: str, *arguments: str) -> tuple[Invoked, dict[str, int]]:
        """Run a script and return, too, which API calls it made, counted by the server."""
        self.crowd.control("calls", method="DELETE")
        result = self.invoke(script, *arguments)
        return result, {name: sum(count.values()) for name, count in self.crowd.calls().items()}

    def start(
        self,
        script: str,
        *arguments: str,
        struck: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None,
    ) -> Script:
        """Start a script in a process of its own, with two threads. `struck`: see Script."""
        more = {"CROWDOPS_THREADS": "2", **(variables or {})}
        return self._start(script, *arguments, struck=struck, variables=more)

    def _start(
        self, script: str, *arguments: str, struck: tuple[str, ...], variables: Mapping[str, str]
    ) -> Script:
        environment = {**os.environ, **variables}
        started = Script(script, *arguments, environment=environment, folder=self.folder, struck=struck)
        self._scripts.append(started)
        return started

    def server_processes(self) -> list[psutil.Process]:
        """Return the processes of task servers of this home that run, the oldest first."""
        return find_server_processes(self.home)

    @property
    def said(self) -> str:
        """What the latest process has said so far; nothing before there is one."""
        return self._scripts[-1].said if self._scripts else ""
