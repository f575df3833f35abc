"""The runs by name, for a shell that completes a command: quickly, and never mind if there is trouble."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from crowdops.registry import troubles

MOST = 500
LOCK_SECONDS = 0.2


def names(home: Path) -> list[tuple[str, str]]:
    """Return id and task_name of the newest runs, the newest first; none if the registry cannot be read.

    Makes and changes nothing.
    """
    path = home / troubles.FILE
    try:
        if not path.is_file():
            return []
        # What nobody has open is read as it lies there: sqlite would leave files of its own beside it.
        how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
        opened = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=LOCK_SECONDS)
        with closing(opened) as connection:
            query = f"SELECT run_id, task_name FROM task_runs ORDER BY run_id DESC LIMIT {MOST}"
            return connection.execute(query).fetchall()
    except (sqlite3.Error, OSError):
        return []
