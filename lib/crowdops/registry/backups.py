"""Backups of the registry: dated copies under `home`/backups, and going back to one."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from crowdops.errors import UsageError
from crowdops.formats import words
from crowdops.registry import Registry, locks, troubles

_NAME = re.compile(r"registry-(\d{8}-\d{6})(?:-\d+)?\.db")
_WHEN = "%Y%m%d-%H%M%S"


class Backup(NamedTuple):
    """A copy of the registry, and when it was made (UTC, from its name)."""

    path: Path
    made_at: datetime


class SetAside(NamedTuple):
    """Where something lies now that was in the registry's place and could not be opened as one, and why."""

    path: Path
    why: str


class Restored(NamedTuple):
    """What a restore has done. `kept` is where the registry from before lies now; None if there was none."""

    backup: Path
    kept: Path | None
    runs: int


def folder(home: Path) -> Path:
    """Return where a home's backups lie."""
    return home / "backups"


def existing(home: Path) -> list[Backup]:
    """Return the backups of a home, the newest first."""
    backups = [
        Backup(path, datetime.strptime(match[1], _WHEN).replace(tzinfo=UTC))
        for path in folder(home).glob("registry-*.db")
        if (match := _NAME.fullmatch(path.name))
    ]
    # Of one second, the one with the higher number is newer: its name is longer, or later in the alphabet.
    backups.sort(key=lambda backup: (backup.made_at, len(backup.path.name), backup.path.name), reverse=True)
    return backups


def make(home: Path, *, kept: int) -> tuple[Backup, list[Backup]]:
    """Copy the registry as it is now, whoever uses it, and drop all but the newest `kept` copies.

    Returns the copy and those that were dropped. It appears whole or not at all. RegistryError if the
    registry is damaged; nothing is dropped then. UsageError if there is no registry, or the folder cannot
    be written.
    """
    if not (home / "registry.db").exists():
        raise UsageError(f"{home} has no registry, so there is nothing to back up.")
    with Registry.open(home) as registry:
        path = _copy(registry, home, "registry")
    backups = existing(home)
    dropped = backups[kept:]
    for backup in dropped:
        backup.path.unlink(missing_ok=True)
    return next(backup for backup in backups if backup.path == path), dropped


def _copy(registry: Registry, home: Path, word: str) -> Path:
    """Copy a registry to a new dated file and return its path."""
    stamp, place = datetime.now(UTC).strftime(_WHEN), folder(home)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = place / f".{word}-{stamp}.{os.getpid()}.part"
        try:
            registry.backup_to(partial)
            return partial.rename(_free_path(place / f"{word}-{stamp}.db"))
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error.strerror}.") from error


def _free_path(path: Path) -> Path:
    """Return a path where no file is, this one or one with a number: two backups in one second are two."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free


def find(home: Path, name: str) -> Path:
    """Return the backup of this name: a path, or a file in the folder. UsageError lists what there is."""
    for path in (Path(name).expanduser(), folder(home) / name):
        if path.is_file():
            return path.absolute()
    names = ", ".join(backup.path.name for backup in existing(home)[:5]) or "none"
    raise UsageError(f"There is no file {name}. The newest backups in {folder(home)}: {names}.")


def check_idle(home: Path) -> None:
    """Raise UsageError, which names the process, if any run of a home is attended."""
    for lock in sorted((home / "locks").glob("*.lock")):
        if holder := locks.holder_of(home, lock.stem):
            raise UsageError(
                f"run {lock.name.partition('.')[0]} is attended by {locks.describe(holder)}; stop that"
                " process first."
                " Nothing was done."
            )


def set_unusable_aside(home: Path) -> SetAside | None:
    """Set aside whatever is in the place of the registry and cannot be opened as one; None if it can be.

    UsageError as check_idle(), RegistryAway if it cannot be looked at now: then nothing was changed.
    """
    if why := troubles.why_unusable(home):
        check_idle(home)
        return SetAside(troubles.set_aside(home), why)
    return None


def restore(home: Path, backup: Path) -> Restored:
    """Put a backup in the place of the registry; what is there now is kept aside.

    RegistryError if the backup cannot be used, UsageError as check_idle(): then nothing has changed. It can
    be killed anywhere: the registry is the old one or the new one, whole, or absent with the old one aside.
    Safe to repeat.
    """
    check_idle(home)
    with Registry.opened_copy(backup) as copy:
        unusable = set_unusable_aside(home)
        kept = unusable.path if unusable else None
        existed = (home / "registry.db").exists()
        with Registry.open(home) as registry:
            if existed:
                kept = _copy(registry, home, "replaced")
            registry.restore_from(copy, backup.name)
            return Restored(backup, kept, len(registry.runs()))


def remarks(restored: Restored) -> list[str]:
    """Return in words what a restore has done, and what to type next."""
    lines = [f"The registry is that of {restored.backup.name} again: {words.count(restored.runs, 'run')}."]
    if restored.kept:
        lines.append(f"What was there before is kept: {restored.kept}")
    lines.append(
        "What has happened since is not in it. Close the gap from the marks: make rebuild, then make recover"
    )
    return lines
