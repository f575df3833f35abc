"""A world in which processes are killed at exactly known points, and the crowd server's own database is the judge."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
from collections.abc import Callable
from typing import Any

import psutil
from click.testing import Result
from sqlalchemy import select

from crowdops.config import parameters
from crowdops.config.settings import Settings
from crowdops.context import Context
from crowdops.formats import marks
from crowdops.hits.create import Creator
from crowdops.runs import entry, plan
from crowdops.runs.unit_launcher import UnitLauncher
from crowdops.servers import pages
from crowdops.workers.unit_caps import WorkerCap
from crowdserver.storage.schema import assignments, hits
from tests.support.crowds import html_question, wait_until
from tests.support.gates import Call, Cut, let_pass
from tests.support.heroku.running import RunningEmulator, eventually
from tests.support.launching import Launch, World
from tests.support.sweeps import Point, Record, note

LAUNCH, RECOVER = "mturk/launch_run", "local/recover"
EXPIRE, DOWNLOAD = "mturk/expire_hits", "mturk/download_results"
WORKERS = ("AWORKER1", "AWORKER2")
FOREIGN_APPS = ("somebodys-blog", "crowdops-look-alike-01234567")


class Wreckage(World):
    """A world whose processes are struck, with two workers who work whenever a run looks, and foreign HITs about."""

    crew: Callable[[Call], None] = staticmethod(let_pass)
    heroku: RunningEmulator | None = None
    variables: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed

    def environment(self, **more: str) -> dict[str, str]:
        """As in every world, and what this one has besides."""
        return super().environment(**{**self.variables, **more})

    def start(
        self,
        script: str,
        *arguments: str,
        struck: tuple[str, ...] = (),
        variables: dict[str, str] | None = None,
    ) -> Launch:
        """Start a script in a process of its own. `struck`: see tests/support/struck.py."""
        more = {"CROWDOPS_THREADS": "2", **(variables or {})}
        return self._start(script, *arguments, struck=struck, **more)

    def kill_at(self, point: Point, script: str, *arguments: str) -> bool:
        """Run a script and kill it at a point. False if it ended before it came to the point."""
        if point.what == "commit":
            self.gate.before = self.crew
            launch = self.start(script, *arguments, struck=("SIGKILL", point.when, str(point.number)))
        elif point.what == "Heroku call":
            launch = self._kill_at_heroku_call(point, script, *arguments)
        else:
            launch = self._kill_at_call(point, script, *arguments)
        code = launch.end()
        self.gate.before = self.gate.after = let_pass
        assert code in (-signal.SIGKILL, 0), launch.said
        return code != 0

    def _kill_at_call(self, point: Point, script: str, *arguments: str) -> Launch:
        started: list[Launch] = []
        first = len(self.gate.calls)

        def strike(call: Call) -> None:
            if call.number == first + point.number:
                wait_until(lambda: bool(started))
                started[0].process.kill()
                started[0].end()
                raise Cut

        def before(call: Call) -> None:
            self.crew(call)
            if point.when == "before":
                strike(call)

        self.gate.before = before
        if point.when == "after":
            self.gate.after = strike
        started.append(self.start(script, *arguments))
        return started[0]

    def _kill_at_heroku_call(self, point: Point, script: str, *arguments: str) -> Launch:
        """Kill it while Heroku is at the call, which takes effect all the same, or while the answer is on its way."""
        heroku = self.heroku
        assert heroku is not None
        made = sum(heroku.calls().values())
        heroku.order(f"hold-{point.when}", operation="*", skip=point.number - 1)
        self.gate.before = self.crew
        launch = self.start(script, *arguments)
        eventually(lambda: heroku.held() == 1 or launch.process.poll() is not None, seconds=60)
        if launch.process.poll() is None:
            launch.process.kill()
            launch.end()
            heroku.clear_faults()
            eventually(lambda: sum(heroku.calls().values()) >= made + point.number)
        heroku.clear_faults()
        return launch

    def strike(self, record: Record, name: str, point: Point, script: str, *arguments: str) -> None:
        """Run a script and kill it at a point; enter into the table whether it came so far."""
        note(record, name, point, self.kill_at(point, script, *arguments))

    def finish(self, script: str, *arguments: str, code: int = 0, **variables: str) -> Launch:
        """Run a script in a process of its own, with the workers at work, to its end."""
        self.gate.before = self.crew
        launch = self.start(script, *arguments, variables=variables)
        assert launch.end() == code, launch.said
        self.gate.before = let_pass
        return launch

    def crash(self, units: int = 6, assignments: int = 2) -> str:
        """Leave a run behind whose process died right after it had launched everything; returns its id."""
        path = self.write_run(units, assignments_per_unit=assignments)
        settings = Settings(
            "local", self.gate.url, self.home, timeout=10, poll_interval=0.1, threads=4, quiet=True
        )
        with Context.open(settings, quiet=True) as context:
            launch_plan = plan.plan(parameters.load(path, {}), settings, detach=False)
            run = entry.enter(context, launch_plan, marks.new_run_id(), detached=False)
            run_pages = pages.provide(context, run)
            creator = Creator(context, run, run_pages.question, lambda error: None)
            launcher = UnitLauncher(context, run, creator)
            launcher.begin(WorkerCap(context, run.task_name, 0))
            assert not launcher.launch(float("inf"), lambda: False)
        return run.run_id

    def execute(self, sql: str) -> None:
        """Change the registry's file behind everybody's back."""
        with contextlib.closing(sqlite3.connect(self.home / "registry.db")) as connection:
            connection.execute(sql)
            connection.commit()

    # Workers

    def work_in_pairs(self) -> None:
        """Let two workers work: each time a run looks, both do the oldest open HIT, and one begins the next.

        What is begun is handed in later, or while the HITs are being expired.
        """
        self.begun: dict[str, str] = {}
        self.most_open = 0

        def crew(call: Call) -> None:
            if call.operation == "UpdateExpirationForHIT" and self.begun:
                self._hand_in()
            if call.operation not in ("ListReviewableHITs", "ListHITs"):
                return
            self._hand_in()
            open_hits = self.hand.open_hits()
            self.most_open = max(self.most_open, len(open_hits))
            for hit_id in open_hits[:1]:
                self._do(hit_id)
            for hit_id in open_hits[1:2]:
                self.begun[hit_id] = self.hand.accept(hit_id, WORKERS[0])

        self.crew = crew

    def _do(self, hit_id: str) -> None:
        for worker in WORKERS:
            if hit_id in self.hand.open_hits() and worker not in self._workers_of(hit_id):
                self.hand.do(hit_id, worker)

    def _hand_in(self) -> None:
        for hit_id in list(self.begun):
            self.hand.submit(self.begun.pop(hit_id))

    def _workers_of(self, hit_id: str) -> set[str]:
        with self.hand._crowd.reading() as (tx, _):
            query = select(assignments.c.worker_id).where(
                assignments.c.hit_id == hit_id, assignments.c.status.not_in(["Returned", "Abandoned"])
            )
            return set(tx.execute(query).scalars())

    # The judge

    def add_foreign_hits(self, count: int = 2) -> None:
        """Put HITs of some other program into the account."""
        client = self.crowd.client()
        for number in range(count):
            client.create_hit(
                Title=f"Not ours {number}",
                Description="Another program's",
                Reward="0.10",
                AssignmentDurationInSeconds=600,
                LifetimeInSeconds=30 * 86400,
                Question=html_question(),
                RequesterAnnotation="batch=17" if number % 2 else "crowdops:2:other-form",
            )
        self.foreign = self.foreign_rows()

    def foreign_rows(self) -> list[Any]:
        """Everything that the server knows of HITs that are not ours."""
        with self.hand._crowd.reading() as (tx, _):
            return list(tx.execute(select(hits).where(~hits.c.annotation.startswith("crowdops:1:"))).all())

    def assert_nothing_is_left(self) -> None:
        """Nobody can accept anything of ours, all that was submitted is stored, and nothing foreign was touched."""
        assert self.hand.open_hits() == []
        assert [hit for hit in self.hand.hits() if hit.pending] == []
        assert self.hand.doubled_units() == []
        assert self.collected() == self.hand.submitted()
        assert self.foreign_rows() == self.foreign
        assert self.server_processes() == []
        if self.heroku is not None:
            assert {app["name"] for app in self.heroku.get("/apps")} == set(FOREIGN_APPS)
        states = {state for (state,) in self.query("SELECT DISTINCT state FROM units")}
        assert not states & {"creating", "outstanding"}
        for (state,) in self.query("SELECT state FROM task_runs"):
            assert state in ("finished", "stopped", "failed")

    def assert_recovered(self, *arguments: str) -> None:
        """One recover mends everything, and a second one finds nothing to do."""
        result = self.recover(*arguments)
        assert result.exit_code == 0, result.stderr
        self.assert_nothing_is_left()
        again = self.json("local.recover", "--yes")
        found = [again[name] for name in ("crashed_runs", "actions", "orphan_hits", "orphan_servers")]
        assert found == [[], [], 0, 0]

    def assert_carried_on(self, units: int) -> None:
        """Whatever a launch has left is carried on to its end, and every unit is done once."""
        if not self.run_ids():
            assert self.hand.hits() == []
            return
        (run_id,) = self.run_ids()
        is_over = self.query("SELECT state FROM task_runs") == [("finished",)]
        self.finish(LAUNCH, "--resume", run_id, "--yes", code=2 if is_over else 0)
        self.assert_done(run_id, units)

    def assert_done(self, run_id: str, units: int, workers: int = 2) -> None:
        """Every unit of a run was done, once, by so many workers."""
        self.assert_nothing_is_left()
        assert self.units(run_id) == {"finished": units}
        assert len([hit for hit in self.hand.hits(run_id) if not hit.disposed]) == units
        assert len(self.collected(run_id)) == workers * units

    def server_processes(self) -> list[int]:
        """The processes of task servers of this home that run at this moment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                variables = process.environ()
                if "CROWDOPS_MANAGED" in variables and variables.get("CROWDOPS_HOME") == str(self.home):
                    found.append(process.pid)
        return found

    def recover(self, *arguments: str) -> Result:
        """Recover in this process, with the workers at work."""
        self.gate.before = self.crew
        result = self.script("local.recover", "--yes", *arguments)
        self.gate.before = let_pass
        return result
