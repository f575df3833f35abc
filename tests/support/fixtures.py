"""The fixtures that tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from crowdops.servers.heroku import deploy
from tests.support import forks, postgresql, preload
from tests.support.browsers import chromium
from tests.support.crowds import Crowd
from tests.support.endpoints import Endpoint
from tests.support.gates import Gate
from tests.support.heroku.emulator import ACCOUNT_EMAIL, TOKEN
from tests.support.heroku.running import RunningEmulator, running_emulator
from tests.support.servers import HerokuServers, LocalServers
from tests.support.strikes import FOREIGN_APPS
from tests.support.works import Work
from tests.support.world import World

COLLEAGUE, COLLEAGUE_TOKEN = "colleague@example.org", "colleague-token"

# What lasts as long as a worker of the test runner does


@pytest.fixture(autouse=True, scope="session")
def shared() -> None:
    """Read the API's description once, not for every client, and the registry's migrations: that costs."""
    preload.share_botocore()
    preload.share_schema()


@pytest.fixture(autouse=True, scope="session")
def end_forks() -> Iterator[None]:
    """End the process from which tests fork others."""
    yield
    forks.stop()


@pytest.fixture(scope="session")
def crowd_server() -> Iterator[Crowd]:
    """One crowd server with the control API for all tests that want no special one."""
    with Crowd() as crowd:
        yield crowd


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgresql.Cluster]:
    """A PostgreSQL of our own."""
    if reason := postgresql.missing():
        pytest.skip(reason)
    with postgresql.Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def running_heroku() -> Iterator[RunningEmulator]:
    """An emulator of Heroku, with a colleague, an account that nobody pays for, and a team."""
    with running_emulator("--boot-timeout", "4") as emulator:
        emulator.add_account(COLLEAGUE, COLLEAGUE_TOKEN)
        emulator.add_account("unpaid@example.org", "unpaid-token", verified=False)
        emulator.add_team("lab", [ACCOUNT_EMAIL, COLLEAGUE])
        yield emulator


# Worlds


@pytest.fixture
def crowd(crowd_server: Crowd) -> Crowd:
    """A running crowd server that nobody has used yet."""
    crowd_server.empty()
    return crowd_server


@pytest.fixture
def world(
    request: pytest.FixtureRequest, crowd_server: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """An empty account, and a fresh home with its key. In a `gated` test its calls go through a gate."""
    if request.node.get_closest_marker("gated") is None:
        made = World(crowd_server, tmp_path, monkeypatch)
        yield made
        made.close()
        return
    with Gate(crowd_server.url) as gate:
        made = World(crowd_server, tmp_path, monkeypatch, gate)
        yield made
        made.close()


@pytest.fixture
def colleague(world: World, tmp_path: Path) -> Path:
    """Another home on the same account: it has the key, and knows none of the runs."""
    home = tmp_path / "colleague"
    world.hand_over_key(home)
    return home


@pytest.fixture
def moved(world: World) -> Iterator[Crowd]:
    """The world's crowd server at another port as well: the same key, and the same database."""
    crowd = Crowd(world.crowd.home, database=world.crowd.database_url)
    crowd.start()
    yield crowd
    crowd.stop()


@pytest.fixture
def other(world: World, tmp_path: Path) -> Iterator[Crowd]:
    """Another crowd server, which takes this home's key."""
    world.hand_over_key(tmp_path / "other")
    with Crowd(tmp_path / "other" / "crowd") as crowd:
        yield crowd


@pytest.fixture
def work(world: World) -> Work:
    """Three units, each done by a worker, collected and not reviewed."""
    made = Work(world)
    made.collect()
    return made


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An endpoint of another kind."""
    made = Endpoint()
    made.start()
    yield made
    made.stop()


# Task servers


@pytest.fixture
def local(world: World) -> Iterator[LocalServers]:
    """A home without servers; whatever is left running is ended after the test."""
    made = LocalServers(world)
    yield made
    made.close()


@pytest.fixture
def heroku(
    running_heroku: RunningEmulator, world: World, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HerokuServers]:
    """An account without apps, a home without runs, and quicker looks at dynos that start."""
    monkeypatch.setattr(deploy, "LOOK_SECONDS", 0.1)
    yield HerokuServers(world, running_heroku)
    running_heroku.sweep()


@pytest.fixture
def heroku_account(running_heroku: RunningEmulator, world: World) -> Iterator[RunningEmulator]:
    """An account with an app that is not ours and one that only looks so; scripts have the key."""
    world.heroku = running_heroku
    world.setenv(HEROKU_HOST=running_heroku.url, HEROKU_API_KEY=TOKEN)
    for name in FOREIGN_APPS:
        running_heroku.create_app(name)
    yield running_heroku
    running_heroku.sweep()


@pytest.fixture
def heroku_run_toml(world: World, heroku_account: RunningEmulator) -> str:
    """A run at Heroku of four units, two at once, two assignments each; and workers to do it."""
    world.add_foreign_hits()
    world.work_in_pairs()
    server = '[server]\nkind = "heroku"\n'
    return str(world.write_run(4, max_num_concurrent_units=2, assignments_per_unit=2, more=server))
