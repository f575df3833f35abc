"""Backups of a world's registry, and what is in them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.world import World

BACK_UP, RESTORE = "local/back_up", "local/restore_backup"


def back_up(world: World) -> Path:
    """Back the registry up; returns the file."""
    result = world.invoke(BACK_UP)
    assert result.exit_code == 0, result.stderr
    return Path(result.stdout.strip())


def run_ids(path: Path) -> list[str]:
    """The runs in a registry's file, which must be a single whole one."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
        return [run_id for (run_id,) in connection.execute("SELECT run_id FROM task_runs ORDER BY run_id")]


def files(world: World) -> list[str]:
    """Return the names of what lies in the folder of backups."""
    return sorted(path.name for path in (world.home / "backups").iterdir())


def damage(world: World) -> bytes:
    """Overwrite the middle of the registry's file; returns what is in it now."""
    path = world.home / "registry.db"
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    return path.read_bytes()
