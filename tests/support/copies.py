"""Backups of a world's registry, and what is in them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from crowdops.registry import migrations
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
    """Overwrite all but the first page of the registry's file; returns what is in it now."""
    path = world.home / "registry.db"
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    return path.read_bytes()


def make_older(path: Path, version: int) -> None:
    """Turn a backup into one that was made when the schema had this version."""
    newer = path.rename(path.with_suffix(".newer"))
    with closing(sqlite3.connect(path)) as connection:
        for file in sorted((Path(migrations.__file__).parent / "schema").glob("*.sql"))[:version]:
            connection.executescript(file.read_text(encoding="utf-8"))
        connection.execute("ATTACH ? AS newer", (str(newer),))
        tables = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        for (table,) in connection.execute(tables).fetchall():
            described = connection.execute(f"PRAGMA main.table_info({table})")
            columns = ", ".join(name for _, name, *_ in described)
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
    newer.unlink()
