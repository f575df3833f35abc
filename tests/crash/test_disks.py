"""A disk that is full or read-only: a clear error, and nothing is created without a row."""

from __future__ import annotations

import errno
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.crowds import Crowd
from tests.support.gates import Call, Gate
from tests.support.strikes import LAUNCH
from tests.support.world import World

pytestmark = pytest.mark.gated


class SmallDisk:
    """A file system of its own that is mounted on a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def mount(self, kilobytes: int) -> None:
        """Mount it, or skip the test where that is not allowed."""
        self._folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(self._folder)]
        if (done := subprocess.run(command, check=False, capture_output=True, text=True)).returncode:
            pytest.skip(f"a disk cannot be mounted here: {done.stderr.strip()}")

    def fill(self) -> None:
        """Leave no room."""
        with (self._folder / "ballast").open("ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC

    def empty(self) -> None:
        """Make room again."""
        (self._folder / "ballast").unlink()

    def forbid_writing(self, forbidden: bool) -> None:
        """Make it read-only, or writable again."""
        option = "remount,ro" if forbidden else "remount,rw"
        subprocess.run(["mount", "-o", option, str(self._folder)], check=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self._folder)], check=False, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    made = SmallDisk(tmp_path / "home")
    made.mount(2048)
    yield made
    made.unmount()


@pytest.fixture
def world(tmp_path: Path, disk: SmallDisk, crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose home is on the small disk."""
    with Gate(crowd.url) as gate:
        made = World(crowd, tmp_path, monkeypatch, gate)
        made.add_foreign_hits()
        yield made
        made.close()


def fill_at_creation(world: World, disk: SmallDisk, number: int) -> None:
    """Fill the disk when the creation of that number has been answered."""

    once = threading.Lock()  # calls are answered side by side

    def fill(call: Call) -> None:
        due = call.operation == "CreateHITWithHITType" and world.gate.count(call.operation) >= number
        if due and once.acquire(blocking=False):
            disk.fill()

    world.gate.after = fill


def test_a_disk_that_stays_full_while_hits_are_created_ends_the_run_and_its_hits(
    world: World, disk: SmallDisk
) -> None:
    fill_at_creation(world, disk, 5)
    patience = {"CROWDOPS_REGISTRY_PATIENCE": "1"}
    launch = world.start(LAUNCH, str(world.write_run(400)), "--yes", variables=patience)
    assert launch.end() == 1, launch.said
    [said] = [line for line in launch.said.splitlines() if "Trying again, for 1 s at most." in line]
    assert "registry.db cannot be used: database or disk is full." in said
    assert "database or disk is full. Make room on its disk (df -h " in launch.said
    assert launch.said.splitlines()[-1].endswith(": make recover")
    assert world.open_hits() == []
    assert all(hit.hit_id in launch.said for hit in world.hits())
    known = {hit_id for (hit_id,) in world.sql("SELECT hit_id FROM units WHERE hit_id IS NOT NULL")}
    unknown = [hit for hit in world.hits() if hit.hit_id not in known]
    creating = {index for (index,) in world.sql("SELECT unit_index FROM units WHERE state = 'creating'")}
    assert {hit.unit_index for hit in unknown} <= creating
    disk.empty()
    assert world.recover().exit_code == 0
    world.assert_nothing_is_left()


def test_a_run_goes_on_when_there_is_room_again(world: World, disk: SmallDisk) -> None:
    fill_at_creation(world, disk, 5)
    launch = world.start(LAUNCH, str(world.write_run(40)), "--yes", "--detach")
    launch.hear("database or disk is full. Trying again, for 300 s at most.")
    disk.empty()
    assert launch.end() == 0, launch.said
    assert "The registry can be used again." in launch.said
    assert world.units(launch.run_id) == {"outstanding": 40}
    assert len(world.open_hits()) == len(world.hits()) == 40


def test_a_full_disk_is_told_before_anything_is_created(world: World, disk: SmallDisk) -> None:
    disk.fill()
    launch = world.start(LAUNCH, str(world.write_run(4)), "--yes")
    assert launch.end() in (1, 2)
    assert launch.said.count("error: ") == 1
    assert "full" in launch.said or "No space left on device" in launch.said
    assert world.hits() == []


def test_a_read_only_home_is_told_before_anything_is_created(world: World, disk: SmallDisk) -> None:
    disk.forbid_writing(True)
    launch = world.start(LAUNCH, str(world.write_run(4)), "--yes")
    assert launch.end() == 2
    assert "Read-only file system" in launch.said
    assert {call.operation for call in world.gate.calls} <= {"GetAccountBalance"}
    disk.forbid_writing(False)


@pytest.mark.parametrize("script", ["local/recover", "mturk/expire_hits"])
def test_what_takes_down_says_that_the_home_is_read_only_before_it_does_anything(
    world: World, disk: SmallDisk, script: str
) -> None:
    run_id = world.crash(units=2, assignments=2).run_id
    disk.forbid_writing(True)
    more = () if script == "local/recover" else ("--run", run_id)
    result = world.invoke(script, "--yes", *more)
    disk.forbid_writing(False)
    assert result.exit_code == 2
    assert "Read-only file system" in result.stderr
    assert len(world.open_hits()) == 2
