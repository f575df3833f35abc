"""The commands that messages propose: `make …` in a checkout, `crowdops …` where there is no Makefile.

Messages are written with the targets of the Makefile. Its recipes say which script each starts with what.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from crowdops.config.env_file import is_checkout

RECIPES = Path(__file__).parent / "Makefile"  # a copy where the suite is installed
_PIECE = r"""'[^'\n]*'|"[^"\n]*"|[^\s'",;]"""  # of a word of the shell
_MAKE = re.compile(rf"\bmake ([a-z][a-z-]*)((?: [A-Z]+=(?:{_PIECE})*(?:(?![.:)`])(?:{_PIECE})))*)")
_CROWDOPS = re.compile(r"\bcrowdops (?P<folder>[a-z]+)(?: [a-z]+_[a-z_]+)?")
_RECIPE = re.compile(r"^([a-z-]+):.*\n(?:\t.*\n)*?\t@\$\(PY\) \w+/(\w+)/(\w+)\.py(.*)$", re.MULTILINE)
_WORD = re.compile(
    r"(?P<select>\$\(SELECT\))|\$\(call (?P<how>one|each),(?P<name>[A-Z]+)(?:,(?P<flag>\S+))?\)"
    r"|(?P<always>--\S+) \$\(call quoted,\$\(value (?P<value>[A-Z]+)\)\)|(?P<rest>\$\(value ARGS\))"
)

_WITHOUT_SCRIPT = {"demo": "crowdops mturk launch_run RUN.TOML"}  # targets that are only for a checkout
_typed: list[str] = []  # how the script was started, where that was not by its path


class Recipe(NamedTuple):
    """What a target starts: a script of a folder, with these words, as _WORD finds them."""

    folder: str
    script: str
    words: str


def started_as(typed: str) -> None:
    """Remember how the script that runs was typed, such as "crowdops local recover"."""
    _typed[:] = [typed]


def program() -> str:
    """Return how the script that runs is typed from here."""
    if _typed:
        return _typed[0]
    path = Path(sys.argv[0])
    with contextlib.suppress(OSError, ValueError):  # no folder to be in, or a path of another one
        return str(path.relative_to(Path.cwd()))
    return str(path)


def in_place(text: str) -> str:
    """Return a text whose commands can be typed here: those of make only in a checkout."""
    return text if "make " not in text or is_checkout() else without_make(text)


def first_in(text: str) -> str | None:
    """Return the first command that a text proposes, as it is typed here; None if it proposes none."""
    folders = {recipe.folder for recipe in recipes().values()}
    matches = [match for match in _CROWDOPS.finditer(text) if match["folder"] in folders]
    matches += [match for match in _MAKE.finditer(text) if match[1] in recipes()]
    return in_place(matches[0][0]) if matches else None


def without_make(text: str) -> str:
    """Return a text with a command of crowdops in place of each target that starts a script."""
    return _MAKE.sub(_replaced, text)


def _replaced(match: re.Match[str]) -> str:
    recipe = recipes().get(match[1])
    if recipe is None:  # or a sentence, such as "make sure"
        return _WITHOUT_SCRIPT.get(match[1], match[0])
    variables = dict(word.split("=", 1) for word in shlex.split(match[2]))
    return " ".join(["crowdops", recipe.folder, recipe.script, *_arguments(recipe, variables)])


def _arguments(recipe: Recipe, variables: Mapping[str, str]) -> Iterator[str]:
    """Yield what a recipe hands on to its script of these variables, as make does it."""
    for word in _WORD.finditer(recipe.words):
        if word["select"]:
            yield from _options("--run", variables.get("RUN", "").split())
            yield from _options("--task-name", variables.get("TASK", "").split())
        elif word["rest"]:
            yield from filter(None, [variables.get("ARGS")])
        elif word["always"]:
            yield from _options(word["always"], [variables.get(word["value"], "")])
        else:
            value = variables.get(word["name"], "")
            values = value.split() if word["how"] == "each" else [value] if value else []
            yield from _options(word["flag"], values)


def _options(flag: str | None, values: list[str]) -> Iterator[str]:
    for value in values:
        yield from [flag] if flag else []
        yield shlex.quote(value)


@cache
def recipes() -> dict[str, Recipe]:
    """Return what each target of the Makefile that starts a script starts."""
    found = _RECIPE.findall(RECIPES.read_text(encoding="utf-8"))
    return {target: Recipe(folder, script, words) for target, folder, script, words in found}
