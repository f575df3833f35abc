"""The programs that people use instead, in a virtual environment of the benchmark's own, not the project's.

AMTI and simple-amt are on no package index, and neither is nosub; nothing of the three is measured. Mephisto
and Dallinger want a server, a database and a browser around them, psiTurk a boto3 of 2019: they are installed
without what they ask for, and the module of each that speaks to MTurk is used alone.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.forks import REPOSITORY

FOLDER = REPOSITORY / ".venv-bench"
WITH_DEPENDENCIES = ("awscli", "boto3", "flask", "moto[server,dynamodb]>=5,<6", "omegaconf", "python-dotenv")
BESIDE = ("requests", "rich", "tqdm")
ALONE = ("mephisto==1.1.1", "dallinger==12.4.0", "psiturk==3.3.1", "larry==0.2.12")
SHOWN = ("awscli", "dallinger", "mephisto", "moto", "psiturk")
READY = ".ready"


class Peers(NamedTuple):
    """Where the peers are: the Python that has them, and their versions."""

    python: Path
    versions: dict[str, str]

    @property
    def folder(self) -> Path:
        """Where their commands are."""
        return self.python.parent


def install(folder: Path = FOLDER) -> Peers | None:
    """Return the peers, installed if they were not; None if that fails, which is said."""
    python = folder / "bin" / "python"
    if not (folder / READY).exists():
        _say(f"installing the peers into {folder}, once: some minutes, and half a gigabyte ...")
        venv.create(folder, with_pip=True)
        if not _pip(python, *WITH_DEPENDENCIES, *BESIDE) or not _pip(python, "--no-deps", *ALONE):
            _say("the peers could not be installed; the table goes without them")
            return None
        (folder / READY).touch()
    return Peers(python, _versions(python))


def _pip(python: Path, *arguments: str) -> bool:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0


def _versions(python: Path) -> dict[str, str]:
    program = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
    shown: Sequence[str] = subprocess.run(
        [str(python), "-c", program, *SHOWN], check=True, capture_output=True, text=True
    ).stdout.split()
    return dict(zip(SHOWN, shown, strict=True))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
