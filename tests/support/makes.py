"""The Makefile as somebody types it: through the real make, told apart from what it starts."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.support.forks import REPOSITORY

MAKEFILE = REPOSITORY / "Makefile"
VARIABLES = ("FILE", "RUN", "TASK", "NAME")
WORDS_ONLY = "#!/bin/sh\nprintf '%s\\0' \"$@\"\n"
END_SECONDS = 60


def recipes() -> dict[str, str]:
    """Return the recipe of each target that starts a script."""
    found = re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)
    return {target: recipe for target, recipe in found if "scripts/" in recipe}


def make(*words: str, python: Path | str | None = None, **options: str) -> subprocess.CompletedProcess[str]:
    """Type `make WORDS`, whatever make the tests themselves run under. `options` are variables around it.

    `python` takes the place of the virtual environment's own, which is not set up here.
    """
    around = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--no-print-directory", "--assume-old", ".venv/.installed", *words]
    return subprocess.run(
        [*command, f"PY={python}"] if python else command,
        check=False,
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        cwd=REPOSITORY,
        env={**around, **options},
    )


def started_by(folder: Path, *words: str, **options: str) -> list[str]:
    """Return the script that `make WORDS` starts, such as "mturk/expire_hits", and the script's arguments.

    Nothing is started. What make itself refuses is an AssertionError.
    """
    stub = folder / "words-only"
    stub.write_text(WORDS_ONLY)
    stub.chmod(0o755)
    result = make(*words, python=stub, **options)
    assert result.returncode == 0, result.stderr
    script, *arguments = result.stdout.split("\0")[:-1]
    return [script.removeprefix("scripts/").removesuffix(".py"), *arguments]
