"""A registry that cannot be used while HITs are out: it is tried again, and then the run ends without it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.support.processes import wait_until
from tests.support.scripts import Script
from tests.support.world import World

pytestmark = pytest.mark.gated
SHORT, LONG = {"CROWDOPS_REGISTRY_PATIENCE": "1"}, {"CROWDOPS_REGISTRY_PATIENCE": "120"}


@contextmanager
def locked(world: World) -> Iterator[None]:
    """Hold the write lock, as another program would."""
    with closing(sqlite3.connect(world.home / "registry.db", isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def launched(world: World, variables: dict[str, str], units: int = 3) -> Script:
    launch = world.launch_run(units=units, variables=variables)
    world.wait_for_units("outstanding", units)
    return launch


def test_a_run_goes_on_when_the_lock_is_let_go(world: World) -> None:
    launch = launched(world, LONG)
    with locked(world):
        for hit_id in world.open_hits():
            world.do(hit_id)
        launch.hear("registry.db is locked by another process. Trying again, for 120 s at most.")
    assert launch.end() == 0, launch.said
    assert launch.said.count("Trying again") == 1
    assert "The registry can be used again." in launch.said
    assert len(world.collected()) == 3


def test_a_run_whose_registry_stays_locked_expires_its_hits_and_names_them(world: World) -> None:
    launch = launched(world, SHORT)
    at_work, done, untouched = world.open_hits()
    with locked(world):
        held = world.accept(at_work)
        world.do(done)
        assert launch.end() == 1
        assert world.open_hits() == []
    last_words = launch.said.partition("error: ")[2].splitlines()
    assert "registry.db is locked by another process. See which (lsof " in last_words[0]
    [of_held] = [line for line in last_words if at_work in line]
    assert "1 accepted, not submitted; possible until" in of_held
    [of_done] = [line for line in last_words if done in line]
    assert "1 submitted, not collected" in of_done
    assert f"Expired, with nobody at work: HIT {untouched}" in last_words
    assert last_words[-1].endswith(": make recover")
    world.submit(held)
    assert world.recover().exit_code == 0
    assert len(world.collected()) == 2
    world.assert_nothing_is_left()


def test_a_press_ends_the_waiting(world: World) -> None:
    launch = launched(world, LONG)
    with locked(world):
        world.do(world.open_hits()[0])
        launch.hear("Trying again")
        launch.press()
        assert launch.end() == 1
        assert world.open_hits() == []
    assert "make recover" in launch.said


def test_what_cannot_be_written_down_is_not_created(world: World) -> None:
    launch = world.launch_run(units=3, max_num_concurrent_units=1, variables=SHORT)
    world.wait_for_units("outstanding", 1)
    with locked(world):
        world.do(world.open_hits()[0])
        assert launch.end() == 1
    assert world.gate.count("CreateHITWithHITType") == 1
    assert world.units(launch.run_id)["planned"] == 2


def test_a_registry_that_is_moved_away_and_back_ends_nothing(world: World) -> None:
    launch = launched(world, LONG)
    path, elsewhere = world.home / "registry.db", world.folder / "elsewhere.db"
    path.rename(elsewhere)
    for hit_id in world.open_hits():
        world.do(hit_id)
    launch.hear("was moved away or replaced while it was in use. Trying again")
    elsewhere.rename(path)
    assert launch.end() == 0, launch.said
    assert len(world.collected()) == 3


def test_a_registry_that_is_deleted_ends_the_run_and_can_be_made_again(world: World) -> None:
    launch = launched(world, SHORT)
    for path in world.home.glob("registry.db*"):
        path.unlink()
    world.do(world.open_hits()[0])
    assert launch.end() == 1
    assert world.open_hits() == []
    assert "make rebuild. Then end the run: make recover" in launch.said
    assert world.invoke("local/rebuild_registry").exit_code == 0
    assert world.recover().exit_code == 0
    assert len(world.collected()) == 1
    world.assert_nothing_is_left()


def test_a_task_server_goes_down_with_the_run(world: World) -> None:
    launch = world.launch_run(units=2, more='\n[server]\nkind = "local"\n', variables=SHORT)
    world.wait_for_units("outstanding", 2)
    assert world.server_processes()
    with locked(world):
        world.do(world.open_hits()[0])
        assert launch.end() == 1
        wait_until(lambda: not world.server_processes(), 30)
    assert world.open_hits() == []
