"""Processes that are killed at exactly known points, and the crowd server's own database as the judge."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from crowdserver.storage.schema import assignments
from tests.support.gates import Call, Cut, let_pass
from tests.support.heroku.running import RunningEmulator
from tests.support.home import Home
from tests.support.processes import wait_until
from tests.support.scripts import Invoked, Script
from tests.support.sweeps import Point, Record, note

LAUNCH, RECOVER = "mturk/launch_run", "local/recover"
EXPIRE, DOWNLOAD = "mturk/expire_hits", "mturk/download_results"
WORKERS = ("AWORKER1", "AWORKER2")
FOREIGN_APPS = ("somebodys-blog", "crowdops-look-alike-01234567")


class Strikes(Home):
    """A home whose processes are struck, with workers who work whenever a run looks, and foreign HITs."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.crew: Callable[[Call], None] = let_pass
        self.heroku: RunningEmulator | None = None
        self.begun: dict[str, str] = {}  # HITs that a worker has accepted, and the assignments
        self.most_open = 0
        self.most_bound = 0

    def kill_at(self, point: Point, script: str, *arguments: str, threads: int = 2, code: int = 0) -> bool:
        """Run a script and kill it at a point. False if it ended, with this code, before it came there."""
        variables = {"CROWDOPS_THREADS": str(threads)}
        if point.what == "commit":
            self.gate.before = self.crew
            struck = ("SIGKILL", point.when, str(point.number))
            process = self.start(script, *arguments, struck=struck, variables=variables)
        elif point.what == "Heroku call":
            process = self._kill_at_heroku_call(point, script, *arguments)
        else:
            process = self._kill_at_call(point, variables, script, *arguments)
        ended = process.end()
        self.gate.before = self.gate.after = let_pass
        assert ended in (-signal.SIGKILL, code), process.said
        return ended != code

    def _kill_at_call(self, point: Point, variables: dict[str, str], script: str, *arguments: str) -> Script:
        started: list[Script] = []
        first = len(self.gate.calls)

        def strike(call: Call) -> None:
            if call.number == first + point.number:
                wait_until(lambda: bool(started))
                started[0].kill()
                raise Cut

        def before(call: Call) -> None:
            self.crew(call)
            if point.when == "before":
                strike(call)

        self.gate.before = before
        if point.when == "after":
            self.gate.after = strike
        started.append(self.start(script, *arguments, variables=variables))
        return started[0]

    def _kill_at_heroku_call(self, point: Point, script: str, *arguments: str) -> Script:
        """Kill it while Heroku is at the call, which takes effect, or before the answer arrives."""
        heroku = self.heroku
        assert heroku is not None
        made = sum(heroku.calls().values())
        heroku.order(f"hold-{point.when}", operation="*", skip=point.number - 1)
        self.gate.before = self.crew
        process = self.start(script, *arguments)
        wait_until(lambda: heroku.held() == 1 or process.process.poll() is not None, seconds=60)
        if process.process.poll() is None:
            process.kill()
            heroku.clear_faults()
            wait_until(lambda: sum(heroku.calls().values()) >= made + point.number)
        heroku.clear_faults()
        return process

    def strike(
        self, record: Record, name: str, point: Point, *command: str, threads: int = 2, code: int = 0
    ) -> None:
        """Run a command, which ends with this code, and kill it at a point; enter whether it came so far."""
        note(record, name, point, self.kill_at(point, *command, threads=threads, code=code))

    def finish(self, script: str, *arguments: str, code: int = 0, **variables: str) -> Script:
        """Run a script in a process of its own, with the workers at work, to its end."""
        self.gate.before = self.crew
        process = self.start(script, *arguments, variables=variables)
        assert process.end() == code, process.said
        self.gate.before = let_pass
        return process

    def recover(self, *arguments: str) -> Invoked:
        """Recover in this process, with the workers at work."""
        self.gate.before = self.crew
        result = self.invoke(RECOVER, "--yes", *arguments)
        self.gate.before = let_pass
        return result

    # Workers

    def work_in_pairs(self) -> None:
        """Let two workers work: each time a run looks, both do the oldest open HIT, and one begins the next.

        What is begun is handed in later, or while the HITs are being expired.
        """

        def crew(call: Call) -> None:
            if call.operation == "UpdateExpirationForHIT" and self.begun:
                self._hand_in()
            if call.operation not in ("ListReviewableHITs", "ListHITs"):
                return
            self._hand_in()
            open_hits = self.open_hits()
            self.most_open = max(self.most_open, len(open_hits))
            for hit_id in open_hits[:1]:
                self._do(hit_id)
            for hit_id in open_hits[1:2]:
                self.begun[hit_id] = self.accept(hit_id, WORKERS[0])

        self.crew = crew

    def _do(self, hit_id: str) -> None:
        for worker in WORKERS:
            if hit_id in self.open_hits() and worker not in self._workers_of(hit_id):
                self.do(hit_id, worker)

    def _hand_in(self) -> None:
        for hit_id in list(self.begun):
            self.submit(self.begun.pop(hit_id))

    def _workers_of(self, hit_id: str) -> set[str]:
        with self.crowd.opened.reading() as (tx, _):
            query = select(assignments.c.worker_id).where(
                assignments.c.hit_id == hit_id, assignments.c.status.not_in(["Returned", "Abandoned"])
            )
            return set(tx.execute(query).scalars())

    def watch_what_is_bound(self) -> None:
        """Note at each call for how many answers at most our HITs ever bind the account to pay."""
        crew = self.crew

        def look(call: Call) -> None:
            crew(call)
            self.most_bound = max(self.most_bound, self.places_bound().total())

        self.crew = look

    # The judge

    def assert_nothing_is_left(self) -> None:
        """Assert that nothing of ours is open, all work is stored, and nothing foreign was touched."""
        assert self.open_hits() == []
        assert [hit for hit in self.hits() if hit.pending] == []
        assert self.doubled_units() == []
        assert self.collected() == self.submitted()
        assert self.foreign_rows() == self.foreign
        assert self.server_processes() == []
        if self.heroku is not None:
            assert {app["name"] for app in self.heroku.get("/apps")} == set(FOREIGN_APPS)
        states = {state for (state,) in self.sql("SELECT DISTINCT state FROM units")}
        assert not states & {"creating", "outstanding"}
        for (state,) in self.sql("SELECT state FROM task_runs"):
            assert state in ("finished", "stopped", "failed")

    def assert_recovered(self, *arguments: str) -> None:
        """One recover mends everything, and a second one finds nothing to do."""
        result = self.recover(*arguments)
        assert result.exit_code == 0, result.stderr
        self.assert_nothing_is_left()
        again = self.json(RECOVER, "--yes")
        found = [again[name] for name in ("crashed_runs", "actions", "orphan_hits", "orphan_servers")]
        assert found == [[], [], 0, 0]

    def assert_carried_on(self, units: int) -> None:
        """Whatever a launch has left is carried on to its end, and every unit is done once."""
        if not self.run_ids():
            assert self.hits() == []
            return
        (run_id,) = self.run_ids()
        is_over = self.sql("SELECT state FROM task_runs") == [("finished",)]
        self.finish(LAUNCH, "--resume", run_id, "--yes", code=2 if is_over else 0)
        self.assert_done(run_id, units)

    def assert_done(self, run_id: str, units: int, workers: int = 2) -> None:
        """Every unit of a run was done, once, by so many workers."""
        self.assert_nothing_is_left()
        assert self.units(run_id) == {"finished": units}
        assert len([hit for hit in self.hits(run_id) if not hit.disposed]) == units
        assert len(self.collected(run_id)) == workers * units
