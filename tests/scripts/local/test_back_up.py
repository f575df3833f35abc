"""back_up: a whole copy of one moment, beside living runs; the newest are kept."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.copies import BACK_UP, back_up, damage, files, run_ids
from tests.support.processes import wait_until
from tests.support.world import World

WRITER = """
import sys
from pathlib import Path
from crowdops.registry import Registry
with Registry.open(Path(sys.argv[1])) as registry:
    number = 0
    while True:
        number += 1
        registry.record("written", str(number))
        if number == 50:
            print("writing", flush=True)
"""


def test_a_backup_is_one_private_file_with_everything(world: World) -> None:
    runs = [world.launch(name).run_id for name in ("pilot-1", "pilot-2")]
    path = back_up(world)
    assert run_ids(path) == sorted(runs)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent == world.home / "backups" and path.parent.stat().st_mode & 0o777 == 0o700


def test_a_backup_beside_a_writing_process_is_whole(world: World) -> None:
    world.launch()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(world.home)], stdout=subprocess.PIPE, text=True, env=environment
    ) as writer:
        try:
            assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
            counts = [written(back_up(world))]
            wait_until(lambda: counts.append(written(back_up(world))) or counts[-1] > counts[0], 30)
            assert writer.poll() is None
        finally:
            writer.kill()
    assert counts[0] >= 50 and counts == sorted(counts)


def written(backup: Path) -> int:
    """How many lines of the writer a backup has; they must be the first ones, all of them."""
    assert len(run_ids(backup)) == 1
    with closing(sqlite3.connect(backup)) as connection:
        numbers = [int(n) for (n,) in connection.execute("SELECT target FROM events WHERE kind = 'written'")]
    assert numbers == list(range(1, len(numbers) + 1))
    return len(numbers)


def test_the_newest_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.launch()
    monkeypatch.setenv("CROWDOPS_BACKUPS_KEPT", "2")
    first, second = back_up(world), back_up(world)
    assert first != second, "two in one second are two"
    (world.home / "backups" / "registry-of-march.db").write_text("somebody's own")
    found = world.json(BACK_UP)
    assert found["dropped"] == [str(first)]
    assert files(world) == sorted([second.name, Path(found["backup"]).name, "registry-of-march.db"])


def test_without_a_registry_there_is_nothing_to_back_up(world: World) -> None:
    result = world.invoke(BACK_UP)
    assert result.exit_code == 2
    assert result.stderr == f"error: {world.home} has no registry, so there is nothing to back up.\n"
    assert not (world.home / "registry.db").exists() and not (world.home / "backups").exists()


def test_a_damaged_registry_is_no_backup_and_drops_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.launch(units=120)
    good = back_up(world)
    damage(world)
    monkeypatch.setenv("CROWDOPS_BACKUPS_KEPT", "1")
    result = world.invoke(BACK_UP)
    assert result.exit_code == 1 and "is damaged" in result.stderr
    assert files(world) == [good.name]


def test_a_folder_that_cannot_be_written_is_named(world: World) -> None:
    world.launch()
    (world.home / "backups").write_text("a file in its place")
    result = world.invoke(BACK_UP)
    assert result.exit_code == 2
    assert result.stderr == f"error: {world.home / 'backups'} cannot be written: File exists.\n"
