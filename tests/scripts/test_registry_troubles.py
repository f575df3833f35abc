"""Every command that needs the registry, where that cannot be used: one sentence with what to type next."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from crowdops.registry import patience, troubles
from tests.support.copies import damage
from tests.support.world import World

READING = {
    "local/diagnose_run": ["RUN"],
    "local/find_capacity": ["RUN"],
    "local/print_events": [],
    "local/print_runs": [],
    "local/print_server_status": [],
    "mturk/identify_broken_units": [],
    "mturk/print_account": ["--run", "RUN"],
    "mturk/print_outstanding_hit_status": [],
    "mturk/review_assignments": ["--run", "RUN", "--approve-all", "--dry-run"],
}
WRITING = {
    "local/back_up": [],
    "local/launch_server": ["RUN"],
    "local/raise_max_cost": ["RUN", "1", "--yes"],
    "local/recover": ["--yes"],
    "mturk/delete_hits": ["--run", "RUN", "--yes"],
    "mturk/download_results": ["--run", "RUN"],
    "mturk/expire_hits": ["--run", "RUN", "--yes"],
    "mturk/extend_hits": ["--run", "RUN", "--hours", "1", "--yes"],
    "mturk/launch_run": ["--resume", "RUN", "--yes"],
    "mturk/pay_bonuses": ["FILE", "--yes"],
    "mturk/top_up_run": ["--run", "RUN", "--yes"],
}
NEXT = re.compile(r"make [a-z-]+|\(lsof |\(df -h|\(ls -ld|Update crowdops")


@contextmanager
def locked(world: World, how: str) -> Iterator[None]:
    """Hold the registry's lock as another program would: against writers, or against readers, too."""
    with closing(sqlite3.connect(world.home / "registry.db", isolation_level=None)) as other:
        other.execute(f"PRAGMA locking_mode = {'EXCLUSIVE' if how == 'EXCLUSIVE' else 'NORMAL'}")
        other.execute(f"BEGIN {how}")
        yield


@contextmanager
def left(change: Callable[[World], object], world: World) -> Iterator[None]:
    """Change the registry's file."""
    change(world)
    yield


def put_a_folder(world: World) -> None:
    remove(world)
    (world.home / "registry.db").mkdir()


def remove(world: World) -> None:
    for path in world.home.glob("registry.db*"):
        path.unlink()


STATES = {
    "locked": (lambda world: locked(world, "EXCLUSIVE"), "is locked by another process. See which (lsof "),
    "damaged": (lambda world: left(damage, world), "is damaged ("),
    "a folder": (lambda world: left(put_a_folder, world), "is a folder, and must be a file. A new one can"),
    "newer": (
        lambda world: left(lambda world: world.sql("PRAGMA user_version = 99"), world),
        "was written by a newer crowdops",
    ),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(troubles, "LOCK_SECONDS", 0.01)
    monkeypatch.setattr(patience, "LOCKED_SECONDS", 0.0)


def refuse(world: World, run_id: str, commands: dict[str, list[str]], complaint: str) -> None:
    """Assert that each of these commands says so in one sentence, and what to type next."""
    file = world.folder / "bonuses.csv"
    file.write_text("assignment_id,worker_id,amount,reason\nA1,W1,0.10,Well done\n")
    for script, words in commands.items():
        arguments = [{"RUN": run_id, "FILE": str(file)}.get(word, word) for word in words]
        result = world.invoke(script, *arguments)
        said = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        assert (script, result.exit_code in (1, 2), len(said)) == (script, True, 1), result.stderr
        assert complaint in said[0] and NEXT.search(said[0]), (script, said)
    assert not (world.home / "crash.log").exists()


@pytest.mark.parametrize("state", STATES)
def test_a_registry_that_cannot_be_opened_is_said_by_every_command(world: World, state: str) -> None:
    run_id = world.crash(units=1).run_id
    make, complaint = STATES[state]
    with make(world):
        refuse(world, run_id, READING | WRITING, complaint)


def test_what_only_reads_works_beside_a_writer_that_holds_on(world: World) -> None:
    run_id = world.crash(units=1).run_id
    with locked(world, "IMMEDIATE"):
        assert world.invoke("local/print_runs").exit_code == 0
        assert world.invoke("mturk/print_outstanding_hit_status").exit_code == 0
        refuse(world, run_id, {"mturk/expire_hits": WRITING["mturk/expire_hits"]}, "is locked by another")
    assert world.invoke("mturk/expire_hits", "--run", run_id, "--yes").exit_code == 0


def test_a_run_that_a_lost_registry_does_not_know_leads_to_a_rebuild(world: World) -> None:
    run_id = world.crash(units=1).run_id
    remove(world)
    commands = {script: words for script, words in WRITING.items() if "RUN" in words}
    refuse(world, run_id, commands, "The registry has no run ")
    assert "make rebuild" in world.invoke("local/print_runs").stderr
