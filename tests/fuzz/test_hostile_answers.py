"""Providers that lie, break off, trickle and never end: at each wall, and at each script behind it.

What comes of an answer is a value or an error of ours, in time, without a secret: never a bug.
"""

import http.client
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.support import fuzzing, walls
from tests.support.forks import REPOSITORY
from tests.support.heroku.running import RunningEmulator
from tests.support.hostile import HostileServer, Reply, Request, distort
from tests.support.scripts import Invoked
from tests.support.works import Work
from tests.support.world import World

WALL_SECONDS = 1800
DISTORTED = 0.4  # of the answers that a script gets

# The scripts that read from the API, with what lets them only read; each is told the run behind it.
OF_THE_API = {
    "mturk/print_outstanding_hit_status": ("--hits", "--run"),
    "mturk/download_results": ("--run",),
    "mturk/print_account": ("--run",),
    "mturk/identify_broken_units": ("--run",),
    "mturk/expire_hits": ("--dry-run", "--run"),
    "mturk/delete_hits": ("--dry-run", "--run"),
    "mturk/review_assignments": ("--approve-all", "--dry-run", "--run"),
    "mturk/soft_block_workers": ("--list", "--task-name", "pilot-1"),
    "local/diagnose_run": (),
    "local/check_runs": ("-v", "--run"),
    "local/recover": ("--dry-run",),
    "local/rebuild_registry": ("--dry-run",),
    "local/invite_workers": ("--name", "Ada"),
    "local/print_workers": (),
    "local/print_messages": (),
    "local/print_earnings": (),
    "local/remove_workers": ("A1", "--dry-run"),
    "local/manage_keys": ("--new", "ada"),
    "local/simulate_workers": ("--workers", "2", "--seed", "1", "--until-idle", "0.2"),
}
OF_HEROKU = {
    "heroku/check_credentials": (),
    "heroku/print_server_status": (),
    "heroku/kill_servers": ("--dry-run",),
}
SAMPLE = (
    "mturk/download_results",
    "local/diagnose_run",
    "local/check_runs",
    "local/recover",
    "heroku/print_server_status",
)


@pytest.mark.parametrize("wall", walls.WALLS if fuzzing.FULL else ["all"])
def test_a_wall_lets_through_what_can_be_read_and_says_the_rest(
    wall: str, record_property: fuzzing.Record
) -> None:
    count = fuzzing.number(12, 5000 if wall in ("mturk", "task server") else 2500)
    command = [sys.executable, "-m", "tests.support.walls", wall, str(count)]
    variables = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'lib'}"}
    result = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        timeout=WALL_SECONDS,
        cwd=REPOSITORY,
        env=variables,
    )
    for name, fed in json.loads(result.stdout).items():
        assert fed["faults"] == [], name
        assert fed["errors"] or name == "task server"
        cost = fuzzing.Cost(fed["inputs"], fed["slowest"], fed["memory"])
        fuzzing.note(record_property, f"hostile answers: {name}", cost)


class Front:
    """What answers in front of a server: what that one does, and for a share of the requests a lie."""

    def __init__(self, target: str) -> None:
        self.chance, self.share = random.Random(0), 0.0
        self.lies = 0
        self._place = urlsplit(target)

    def answer(self, request: Request) -> Reply:
        place = self._place
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        try:
            connection.request(request.method, request.path, request.body, request.headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if self.chance.random() < self.share:
            self.lies += 1
            return distort(self.chance, body, str(request.headers))
        status = f"{response.status} {response.reason}"
        dropped = ("content-length", "transfer-encoding", "connection")
        headers = [pair for pair in response.getheaders() if pair[0].lower() not in dropped]
        return Reply(status, [*headers, ("Content-Length", str(len(body)))], lambda: iter([body]))

    def lie_to(self, name: str, run: Callable[[], Invoked], record: fuzzing.Record) -> None:
        """Lie to a script again and again: it ends as scripts do, in time."""
        slowest, count = 0.0, fuzzing.number(2, 50)
        self.share = DISTORTED
        for number in range(count):
            self.chance.seed(f"{name} {number}")
            began = time.monotonic()
            result = run()
            slowest = max(slowest, time.monotonic() - began)
            codes = (0, 1, 2, 3) if name == "local/check_runs" else (0, 1, 2, 4)
            assert result.exit_code in codes, (number, result.exit_code, result.stderr)
            said = result.stderr + (result.stdout if name == "local/check_runs" else "")
            assert "Traceback" not in said and "bug" not in said, number
        assert self.lies or not fuzzing.FULL, "nobody was lied to"
        # Memory is measured at the walls, in processes without a test runner.
        fuzzing.note(record, f"hostile answers: {name}", fuzzing.Cost(count, slowest, 0.0))


@pytest.mark.parametrize("script", [name for name in OF_THE_API if fuzzing.FULL or name in SAMPLE])
def test_a_script_says_what_the_api_answers_instead(
    script: str, world: World, record_property: fuzzing.Record
) -> None:
    front = Front(world.crowd.url)
    with HostileServer(front.answer) as server:
        world.setenv(AWS_ENDPOINT_URL_MTURK=server.url)
        work = Work(world)
        world.sql("UPDATE task_runs SET detached = 0")
        arguments = OF_THE_API[script]
        if script == "local/diagnose_run" or arguments[-1:] == ("--run",):
            arguments = (*arguments, work.run.run_id)
        front.lie_to(script, lambda: world.invoke(script, *arguments, "--timeout", "1"), record_property)


@pytest.mark.parametrize("script", [name for name in OF_HEROKU if fuzzing.FULL or name in SAMPLE])
def test_a_script_says_what_heroku_answers_instead(
    script: str, world: World, heroku_account: RunningEmulator, record_property: fuzzing.Record
) -> None:
    world.crash()
    arguments = (*OF_HEROKU[script], "--timeout", "1")
    front = Front(heroku_account.url)
    with HostileServer(front.answer) as server:
        world.setenv(HEROKU_HOST=server.url)
        front.lie_to(script, lambda: world.invoke(script, *arguments), record_property)
