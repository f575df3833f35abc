"""A whole small world for tests: an empty account on a crowd server, a home that has its key, and a task."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import delete, update

from crowdops.config.settings import Settings, resolve
from crowdops.registry import Registry, Run
from crowdserver.protocol.credentials import Credentials
from crowdserver.storage import schema
from crowdserver.storage.database import Database
from crowdserver.storage.transactions import Crowd as Opened
from crowdserver.worker import assignments
from tests.support.crowds import Crowd, html_question
from tests.support.scripts import REPOSITORY, Invoked, invoke, run_script

__all__ = ["PAGE", "REPOSITORY", "Invoked", "World", "invoke", "run_script"]

PAGE = "<!DOCTYPE html><p>{{ text }}</p><form><input name='label'><button>Submit</button></form>"
RUN_TOML = """
[task]
task_name = "{task_name}"
task_title = "Sort messages"
task_description = "Say what a message is about."
task_reward = "0.05"
data = "items.csv"
template = "task.html"
assignments_per_unit = {assignments}
assignment_duration_in_seconds = 600
task_lifetime_in_seconds = 86400
"""


class World:
    """See the module. Scripts that are invoked in the test's process find it through the environment."""

    def __init__(self, crowd: Crowd, folder: Path) -> None:
        self.crowd, self.folder, self.home = crowd, folder, folder / "home"
        (self.home / "crowd").mkdir(parents=True, mode=0o700)
        shutil.copy2(crowd.credentials_file, self.home / "crowd" / "credentials")
        self.variables = {"CROWDOPS_HOME": str(self.home), "AWS_ENDPOINT_URL_MTURK": crowd.url}
        self._database = Database(crowd.database_url)
        self._opened = Opened(self._database, Credentials(*crowd.credentials))
        self._client: Any = None
        self.empty()

    def close(self) -> None:
        self._database.close()

    def empty(self) -> None:
        """Make the account as it was before anybody used it."""
        with self._database.write() as tx:
            for table in reversed(schema.metadata.sorted_tables):
                if table.name not in ("server", "account"):
                    tx.execute(delete(table))
            tx.execute(
                update(schema.server).values(
                    clock_offset=0, list_lag=0, counter_lag=0, plain_duplicates=False
                )
            )
            tx.execute(update(schema.account).values(funds=10_000_00, held=0))

    def set_funds(self, cents: int) -> None:
        """Set what the account has."""
        with self._database.write() as tx:
            tx.execute(update(schema.account).values(funds=cents))

    # The requester

    @property
    def settings(self) -> Settings:
        """The settings of a command in this world."""
        return resolve({}, quiet=True, verbose=False, as_json=False)

    @property
    def client(self) -> Any:
        """A boto3 client of the account, in place of another program that uses it."""
        self._client = self._client or self.crowd.client()
        return self._client

    def write_task(
        self,
        rows: Sequence[dict[str, str]],
        *,
        task_name: str = "pilot-1",
        assignments: int = 1,
        more: str = "",
    ) -> Path:
        """Write run.toml, task.html and items.csv; returns the run.toml."""
        folder = self.folder / task_name
        folder.mkdir(exist_ok=True)
        (folder / "task.html").write_text(PAGE)
        with (folder / "items.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        path = folder / "run.toml"
        path.write_text(RUN_TOML.format(task_name=task_name, assignments=assignments) + more)
        return path

    def launch(
        self, task_name: str = "pilot-1", *, units: int = 2, assignments: int = 1, more: str = ""
    ) -> Run:
        """Launch a run that needs no process."""
        rows = [{"text": f"message {number}"} for number in range(units)]
        path = self.write_task(rows, task_name=task_name, assignments=assignments, more=more)
        result = self.invoke("mturk/launch_run", str(path), "--detach", "--yes", "--quiet", "--json")
        assert result.exit_code == 0, result.stderr
        return self.run(json.loads(result.stdout)["run_id"])

    def crash(self, task_name: str = "pilot-1", *, units: int = 2, assignments: int = 1) -> Run:
        """Leave a run behind whose process died right after it had launched everything."""
        run = self.launch(task_name, units=units, assignments=assignments)
        self.sql("UPDATE task_runs SET detached = 0 WHERE run_id = ?", run.run_id)
        return self.run(run.run_id)

    def run(self, run_id: str) -> Run:
        """Return what the registry says of a run."""
        with self.registry() as registry:
            found = registry.run(run_id)
        assert found is not None
        return found

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Read or change the registry's file itself."""
        with closing(sqlite3.connect(self.home / "registry.db", isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()

    def set_state(self, run: Run, state: str, reason: str | None = None) -> None:
        """Put a run into another state."""
        with self.registry() as registry:
            registry.set_run_state(run.run_id, state, reason)

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        """Open this world's registry."""
        with Registry.open(self.home) as registry:
            yield registry

    def hit_ids(self, run: Run) -> list[str]:
        """Return a run's HITs, by unit."""
        with self.registry() as registry:
            units = registry.iter_units(run.run_id, ["outstanding", "finished", "expired", "disposed"])
            return [unit.hit_id for unit in units if unit.hit_id]

    def foreign(self, count: int = 2) -> list[str]:
        """Create HITs as some other program on the account does, and return their ids."""
        return [
            self.client.create_hit(
                Title=f"Somebody else's task {number}",
                Description="Not ours",
                Reward="0.10",
                AssignmentDurationInSeconds=600,
                LifetimeInSeconds=86400,
                RequesterAnnotation="batch=17" if number % 2 else "crowdops:2:not-our-form",
                Question=html_question(),
            )["HIT"]["HITId"]
            for number in range(count)
        ]

    def statuses(self, hit_ids: Iterable[str]) -> list[str]:
        """Return what the API says of these HITs."""
        return [self.client.get_hit(HITId=hit_id)["HIT"]["HITStatus"] for hit_id in hit_ids]

    # The workers

    def accept(self, hit_id: str, worker_id: str = "AWORKER1") -> str:
        """Let a worker accept a HIT; returns the assignment."""
        with self._opened.writing() as (tx, now):
            return assignments.accept(tx, now, worker_id, hit_id).assignment_id

    def submit(self, assignment_id: str, **fields: str) -> None:
        """Let a worker hand in what was accepted."""
        with self._opened.writing() as (tx, now):
            assignments.submit(tx, now, assignment_id, None, list((fields or {"label": "cat"}).items()))

    def do(self, hit_id: str, worker_id: str = "AWORKER1", **fields: str) -> str:
        """Let a worker accept and hand in; returns the assignment."""
        assignment_id = self.accept(hit_id, worker_id)
        self.submit(assignment_id, **fields)
        return assignment_id

    # The scripts

    def invoke(self, script: str, *args: str, input: str | None = None) -> Invoked:
        """Run a script, such as "mturk/expire_hits", in this process."""
        return invoke(script, *args, input=input)

    def calls_of(self, script: str, *args: str) -> tuple[Invoked, dict[str, int]]:
        """Run a script and return, too, which API calls it made, counted by the server."""
        self.crowd.control("calls", method="DELETE")
        result = self.invoke(script, *args)
        return result, {name: sum(count.values()) for name, count in self.crowd.calls().items()}
