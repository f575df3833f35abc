"""The fixtures that tests of several folders share: worlds, and what is done to them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from crowdops.registry import Run, locks
from crowdops.servers.heroku import deploy
from tests.support import hands
from tests.support.crowds import Crowd
from tests.support.endpoints import Endpoint
from tests.support.gates import Gate
from tests.support.heroku.emulator import ACCOUNT_EMAIL, TOKEN
from tests.support.heroku.running import RunningEmulator, running_emulator
from tests.support.heroku_servers import HerokuWorld
from tests.support.launching import World as Launching
from tests.support.local_servers import LocalWorld
from tests.support.serving import ServedWorld
from tests.support.strikes import FOREIGN_APPS, Wreckage
from tests.support.works import Work
from tests.support.worlds import World

COLLEAGUE, COLLEAGUE_TOKEN = "colleague@example.org", "colleague-token"

Document = dict[str, Any]


@pytest.fixture(scope="session")
def crowd_server() -> Iterator[Crowd]:
    """One crowd server with the control API for all tests that bring a world of their own."""
    with Crowd() as crowd:
        yield crowd


@pytest.fixture
def crowd(crowd_server: Crowd) -> Crowd:
    """A running crowd server that nobody has used yet."""
    hands.empty(crowd_server)
    return crowd_server


@pytest.fixture
def world(crowd_server: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty account on the crowd server, a fresh home with its key, and a task to launch."""
    made = World(crowd_server, tmp_path)
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    yield made
    made.close()


@pytest.fixture
def launching_world(tmp_path: Path, crowd: Crowd, gate: Gate) -> Iterator[Launching]:
    """A world in which launch_run runs in a process of its own."""
    made = Launching(tmp_path, crowd, gate)
    yield made
    made.close()


@pytest.fixture
def served_world(tmp_path: Path, crowd: Crowd, gate: Gate) -> Iterator[ServedWorld]:
    """A world for runs whose pages are served; whatever they leave running is ended after the test."""
    made = ServedWorld(tmp_path, crowd, gate)
    yield made
    made.close()


@pytest.fixture
def wreckage(tmp_path: Path, crowd: Crowd, gate: Gate) -> Iterator[Wreckage]:
    """A world in which processes are struck."""
    made = Wreckage(tmp_path, crowd, gate)
    yield made
    made.close()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalWorld]:
    """A home without servers; whatever is left running is ended after the test."""
    made = LocalWorld(tmp_path)
    yield made
    made.close()


# Scripts


@pytest.fixture
def as_json(world: World) -> Callable[..., Document]:
    """Runs a script with --json and returns its document; the exit code must be the one given."""

    def run(script: str, *args: str, exit_code: int = 0) -> Document:
        result = world.invoke(script, *args, "--json")
        assert result.exit_code == exit_code, result.stderr
        document: Document = json.loads(result.stdout)
        return document

    return run


@pytest.fixture
def attended(world: World) -> Callable[[Run], AbstractContextManager[Run]]:
    """Lets this process attend a run that was left behind."""

    @contextmanager
    def attend(run: Run) -> Iterator[Run]:
        with locks.hold(world.home, run.run_id):
            yield run

    return attend


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An endpoint of another kind."""
    made = Endpoint()
    made.start()
    yield made
    made.stop()


# Review


@pytest.fixture
def work(world: World) -> Work:
    """Three units, each done by a worker, collected and not reviewed."""
    made = Work(world)
    made.collect()
    return made


@pytest.fixture
def gate(crowd_server: Crowd) -> Iterator[Gate]:
    """A door in front of the crowd server."""
    with Gate(crowd_server.url) as gate:
        yield gate


@pytest.fixture
def gated(
    gate: Gate, crowd_server: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A world whose commands reach the crowd server through the door."""
    made = World(crowd_server, tmp_path)
    made.variables["AWS_ENDPOINT_URL_MTURK"] = gate.url
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    yield made
    made.close()


@pytest.fixture
def launching(launching_world: Launching) -> Launching:
    """A world in which launch_run runs in a process of its own."""
    return launching_world


# Crashes


@pytest.fixture
def colleague(world: Wreckage, tmp_path: Path) -> Path:
    """Another home on the same account: it has the key, and knows none of the runs."""
    home = tmp_path / "colleague"
    (home / "crowd").mkdir(parents=True, mode=0o700)
    shutil.copy2(world.crowd.credentials_file, home / "crowd" / "credentials")
    return home


@pytest.fixture
def heroku_run_toml(world: Wreckage, heroku: RunningEmulator) -> str:
    """A run of four units, two at once, two assignments each, whose pages are served at Heroku; and workers to do it."""
    world.add_foreign_hits()
    world.work_in_pairs()
    path = world.write_run(4, max_num_concurrent_units=2, assignments_per_unit=2)
    path.write_text(path.read_text() + '[server]\nkind = "heroku"\n')
    return str(path)


# Heroku


@pytest.fixture(scope="session")
def running_heroku() -> Iterator[RunningEmulator]:
    with running_emulator("--boot-timeout", "10") as emulator:
        yield emulator


@pytest.fixture
def heroku_account(running_heroku: RunningEmulator, world: Wreckage) -> Iterator[RunningEmulator]:
    """An account with an app that is not ours and one that only looks so; the world's scripts have its key."""
    world.heroku = running_heroku
    world.variables = {"HEROKU_HOST": running_heroku.url, "HEROKU_API_KEY": TOKEN}
    for name in FOREIGN_APPS:
        running_heroku.create_app(name)
    yield running_heroku
    running_heroku.sweep()


@pytest.fixture(scope="module")
def shared_emulator() -> Iterator[RunningEmulator]:
    with running_emulator("--boot-timeout", "4") as emulator:
        emulator.add_account(COLLEAGUE, COLLEAGUE_TOKEN)
        emulator.add_account("unpaid@example.org", "unpaid-token", verified=False)
        emulator.add_team("lab", [ACCOUNT_EMAIL, COLLEAGUE])
        yield emulator


@pytest.fixture
def heroku(
    shared_emulator: RunningEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HerokuWorld]:
    """An account without apps, a home without runs, and quicker looks at dynos that start."""
    made = HerokuWorld(shared_emulator, tmp_path)
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(deploy, "LOOK_SECONDS", 0.1)
    yield made
    made.close()
    shared_emulator.sweep()
