"""The Makefile as somebody types it: through the real make, told apart from what it starts."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.forks import REPOSITORY

if TYPE_CHECKING:  # messages reads the pages, whose sections name targets
    from tests.support.messages import Proposal

MAKEFILE = REPOSITORY / "Makefile"
VARIABLES = ("FILE", "RUN", "TASK", "NAME")
WORDS_ONLY = "#!/bin/sh\nprintf '%s\\0' \"$@\"\n"
END_SECONDS = 60


def recipes() -> dict[str, str]:
    """Return the recipe of each target that starts a script."""
    found = re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)
    return {target: recipe for target, recipe in found if "scripts/" in recipe}


def taken_by(recipe: str) -> set[str]:
    """Return the variables that a target hands on."""
    taken = {"ARGS", *re.findall(r"\(call (?:one|each),(\w+)", recipe), *re.findall(r"value (\w+)\)", recipe)}
    return taken | {"RUN", "TASK"} if "$(SELECT)" in recipe else taken


def script_of(recipe: str) -> str:
    """Return the script that a target starts, such as "mturk/expire_hits"."""
    found = re.search(r"scripts/(\w+/\w+)\.py", recipe)
    assert found
    return found[1]


def options_of(script: str) -> set[str]:
    """Return the options of a script."""
    main = importlib.import_module(f"scripts.{script.replace('/', '.')}").main
    return {"--help", *(option for parameter in main.params for option in parameter.opts)}


def wrong(proposals: Iterable[Proposal]) -> list[tuple[str, str, str]]:
    """Return what no target takes of proposed commands: the place, the command, and what is wrong with it."""
    known, found = recipes(), []
    others = set(re.findall(r"^([a-z-]+):", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)) - set(known)
    for place, text, target, variables, options in [(*one, one.options) for one in proposals]:
        if target not in known:
            found += [] if target in others else [(place, text, "no such target")]
            continue
        taken, has = taken_by(known[target]), options_of(script_of(known[target]))
        found += [(place, text, f"{target} takes no {name}") for name in variables.keys() - taken]
        found += [(place, text, f"{target} has no {option}") for option in options if option not in has]
    return found


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
