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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.support import fuzzing, walls
from tests.support.forks import REPOSITORY
from tests.support.heroku.running import RunningEmulator
from tests.support.hostile import HostileServer, Reply, Request, distort
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
    "local/recover": ("--dry-run",),
    "local/rebuild_registry": ("--dry-run",),
    "local/invite_worker": ("--name", "Ada"),
    "local/simulate_workers": ("--workers", "2", "--seed", "1", "--until-idle", "0"),
}
OF_HEROKU = {
    "heroku/check_credentials": (),
    "heroku/print_server_status": (),
    "heroku/kill_servers": ("--dry-run",),
}
SAMPLE = ("mturk/download_results", "local/diagnose_run", "local/recover", "heroku/print_server_status")


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


def in_front_of(target: str, chance: random.Random) -> Callable[[Request], Reply]:
    """Return what a server answers that asks another one, and distorts some of the answers."""
    place = urlsplit(target)

    def answer(request: Request) -> Reply:
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        try:
            connection.request(request.method, request.path, request.body, request.headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if chance.random() < DISTORTED:
            return distort(chance, body, str(request.headers))
        status = f"{response.status} {response.reason}"
        dropped = ("content-length", "transfer-encoding", "connection")
        headers = [pair for pair in response.getheaders() if pair[0].lower() not in dropped]
        return Reply(status, [*headers, ("Content-Length", str(len(body)))], lambda: iter([body]))

    return answer


@contextmanager
def fed(
    name: str, target: str, variable: str, world: World, record: fuzzing.Record
) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Let a variable name a server that distorts the answers of a target, while something is done again."""
    chance = random.Random(name)

    def repeat(once: Callable[[], None]) -> None:
        slowest, count = 0.0, fuzzing.number(2, 50)
        for number in range(count):
            chance.seed(f"{name} {number}")
            began = time.monotonic()
            once()
            slowest = max(slowest, time.monotonic() - began)
        memory = fuzzing.peak_memory(os.getpid()) if fuzzing.FULL else 0.0
        fuzzing.note(record, f"hostile answers: {name}", fuzzing.Cost(count, slowest, memory))

    with HostileServer(in_front_of(target, chance)) as server:
        world.setenv(**{variable: server.url})
        yield repeat


@pytest.mark.parametrize("script", [name for name in OF_THE_API if fuzzing.FULL or name in SAMPLE])
def test_a_script_says_what_the_api_answers_instead(
    script: str, world: World, record_property: fuzzing.Record
) -> None:
    work = Work(world)
    world.sql("UPDATE task_runs SET detached = 0")
    arguments = OF_THE_API[script]
    if script == "local/diagnose_run" or arguments[-1:] == ("--run",):
        arguments = (*arguments, work.run.run_id)

    def once() -> None:
        result = world.invoke(script, *arguments, "--timeout", "1")
        assert result.exit_code in (0, 1, 2, 4), (result.exit_code, result.stderr)
        assert "Traceback" not in result.stderr and "bug" not in result.stderr

    with fed(script, world.crowd.url, "AWS_ENDPOINT_URL_MTURK", world, record_property) as repeat:
        repeat(once)


@pytest.mark.parametrize("script", [name for name in OF_HEROKU if fuzzing.FULL or name in SAMPLE])
def test_a_script_says_what_heroku_answers_instead(
    script: str, world: World, heroku_account: RunningEmulator, record_property: fuzzing.Record
) -> None:
    world.crash()

    def once() -> None:
        result = world.invoke(script, *OF_HEROKU[script], "--timeout", "1")
        assert result.exit_code in (0, 1, 2, 4), (result.exit_code, result.stderr)
        assert "bug" not in result.stderr

    with fed(script, heroku_account.url, "HEROKU_HOST", world, record_property) as repeat:
        repeat(once)
