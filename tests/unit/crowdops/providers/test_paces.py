"""The pace that a server bears is kept from one command to the next, and costs no call and no failure."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from crowdops.context import Context
from crowdops.providers import paces
from crowdops.registry import Pace, Registry
from tests.support.world import World

HERE, THERE = "http://127.0.0.1:8730", "http://127.0.0.1:8731"
SLOW, FAST = Pace(19.5, is_limit=True), Pace(400.0, is_limit=False)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    with Registry.open(tmp_path / "home") as opened:
        yield opened


def test_a_command_that_was_refused_for_its_rate_tells_the_next_one(world: World) -> None:
    world.crowd.control("faults", {"operation": "CreateHITWithHITType", "kind": "throttle", "count": 1})
    run = world.launch(units=4)
    [(place, environment, endpoint, rate, is_limit)] = world.sql(
        "SELECT place, environment, endpoint, rate, is_limit FROM paces"
    )
    assert (place, environment, endpoint) == (run.crowd_server_id, "local", world.crowd.url)
    assert is_limit
    with Context.open(world.settings) as context:
        assert context.provider.pace == Pace(rate, is_limit=True)
        moved = world.settings._replace(endpoint=THERE)
        assert context.at(moved, run.crowd_server_id).provider.pace == Pace(rate, is_limit=True)
        assert context.at(moved, "another").provider.pace is None


def test_what_is_not_news_is_not_written(world: World) -> None:
    world.launch(units=4)
    assert world.sql("SELECT * FROM paces") == []
    with Context.open(world.settings) as context:
        context.registry.note_pace(None, "local", world.crowd.url, SLOW)
        client = paces.client(context.registry, world.settings)
        assert client.known_pace == client.pace == SLOW
        statements: list[str] = []
        context.registry._connection.set_trace_callback(statements.append)
        client.balance()
        paces.note(context.registry, client)
        assert statements == []
        client.known_pace = FAST
        paces.note(context.registry, client)
        assert any("paces" in statement for statement in statements)


def test_a_server_is_known_by_its_id_or_by_its_address(registry: Registry) -> None:
    assert registry.pace(None, "local", HERE) is None
    registry.note_pace(None, "local", HERE, FAST)
    assert registry.pace(None, "local", HERE) == FAST
    assert registry.pace(None, "sandbox", HERE) is None
    registry.note_pace("one", "local", HERE, SLOW)
    assert registry.pace(None, "local", HERE) == SLOW  # it answered here last
    assert registry.pace("one", "local", THERE) == SLOW
    registry.note_pace("one", "local", THERE, FAST)
    assert registry.pace("one", "local", HERE) == FAST
    assert registry.pace("two", "local", HERE) is None


def test_a_registry_that_cannot_be_written_or_read_is_no_failure(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.note_pace("one", "local", HERE, SLOW)
    connection = registry._connection
    connection.execute("PRAGMA query_only = ON")
    registry.note_pace("one", "local", HERE, FAST)
    connection.execute("PRAGMA query_only = OFF")
    connection.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(tmp_path / "home" / "registry.db", isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        registry.note_pace("one", "local", HERE, FAST)
        assert registry.pace("one", "local", HERE) == SLOW
    connection.execute("DROP TABLE paces")
    assert registry.pace("one", "local", HERE) is None
    assert capsys.readouterr() == ("", "")
