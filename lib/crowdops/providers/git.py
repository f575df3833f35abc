"""What git has of a folder. Nothing is run that the folder's own settings ask for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from crowdops.errors import UsageError

SECONDS = 30
# A repository may name programs of its own for what git does: the file system's monitor, hooks, transports.
_HARMLESS = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "protocol.allow=never")
_VARIABLES = ("PATH", "HOME", "XDG_CONFIG_HOME")  # not GIT_DIR and the like, which name another repository


class Listing(NamedTuple):
    """The files that git has of a folder, and those that it has not and does not ignore: paths in there."""

    tracked: list[str]
    untracked: list[str]


def listing(folder: Path) -> Listing | None:
    """Return what git has of a folder; None where it is in no repository, or there is no git.

    UsageError if git refuses to look into it.
    """
    tracked = _list(folder, "--cached", "--recurse-submodules")
    if tracked is None:
        return None
    return Listing(tracked, _list(folder, "--others", "--exclude-standard") or [])


def _list(folder: Path, *which: str) -> list[str] | None:
    variables = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    try:
        answer = subprocess.run(
            ["git", *_HARMLESS, "-C", str(folder), "ls-files", "-z", *which],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            env={**variables, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
        )
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"git has not listed {folder} within {SECONDS} s. Nothing was done.") from error
    if answer.returncode == 0:
        return [os.fsdecode(name) for name in answer.stdout.split(b"\0") if name]
    said = os.fsdecode(answer.stderr).strip()
    if "not a git repository" in said:
        return None
    raise UsageError(f"git does not list {folder}: {' '.join(said.split())}")
