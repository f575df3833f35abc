"""What the suite says: the texts of its messages, its --help and its documents, as the sources have them."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.support import manual
from tests.support.forks import REPOSITORY

DOCUMENTS = (".env.example", "examples/run.toml", "examples/demo.sh")
HIDDEN = "…"  # stands where a message has a value
_VARIABLE = re.compile(
    r"\b(?:(?:CROWDOPS|CROWD|AWS|HEROKU|DATABASE)_[A-Z_]*[A-Z]|[A-Z]+_(?:PROXY|CA_BUNDLE))\b"
)
_NAME = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_SQL = re.compile(r".*\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|WHERE|ORDER BY|VALUES)\b", re.DOTALL)
_FLAGS_OF_TESTS = ("CROWDOPS_FULL_SWEEP",)


PIECE = r"""'[^'\n]*'|"[^"\n]*"|[^\s'",;]"""  # of a word of the shell
_MAKE = re.compile(rf"\bmake ([a-z][a-z-]*)((?: [A-Z]+=(?:{PIECE})*(?:(?![.:)`])(?:{PIECE})))*)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_SCRIPT = re.compile(r"\bscripts/\w+/\w+\.py|\b\w+\.py\b")
_NO_TARGETS = ("sure", "one", "room", "them", "it")  # of sentences


class Message(NamedTuple):
    """A text with the place of its first line, such as "lib/crowdops/runs/view.py:12"."""

    place: str
    text: str


class Proposal(NamedTuple):
    """A command of the Makefile that a message proposes: its target, and what its variables are set to."""

    place: str
    text: str
    target: str
    variables: dict[str, str]

    @property
    def options(self) -> list[str]:
        """The options in its ARGS."""
        return _OPTION.findall(self.variables.get("ARGS", ""))


@cache
def messages() -> tuple[Message, ...]:
    """Return every text with a blank in it that a script or our library may say; docstrings only of scripts.

    What stands between braces in a text is HIDDEN.
    """
    folders = (REPOSITORY / "lib" / "crowdops", REPOSITORY / "scripts")
    paths = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return tuple(message for path in paths for message in _read(path) if " " in message.text)


def variables() -> dict[str, str]:
    """Return every environment variable that is mentioned, with a place of it."""
    found = _find(_VARIABLE, [*messages(), *_documents()])
    return {name: place for name, place in found.items() if name not in _FLAGS_OF_TESTS}


def names() -> dict[str, str]:
    """Return every name of a parameter, a column or the like that a message mentions, with a place of it."""
    return _find(_NAME, (message for message in messages() if not _SQL.match(message.text)))


def proposals() -> list[Proposal]:
    """Return every command of the Makefile that a message proposes, in the order of the sources."""
    return [proposal for message in messages() for proposal in proposed_in(*message)]


def proposed_in(place: str, text: str) -> list[Proposal]:
    """Return the commands of the Makefile that a text proposes. HIDDEN stands where a value would."""
    found = []
    for match in _MAKE.finditer(text):
        variables = dict(word.split("=", 1) for word in shlex.split(match[2]))
        if variables or match[1] not in _NO_TARGETS:
            found.append(Proposal(place, match[0], match[1], variables))
    return found


def options() -> dict[str, str]:
    """Return every option that a message mentions, with a place of it."""
    return _find(_OPTION, messages())


def scripts() -> dict[str, str]:
    """Return every script that a message mentions, with a place of it."""
    return _find(_SCRIPT, messages())


def _find(pattern: re.Pattern[str], texts: Iterable[Message]) -> dict[str, str]:
    return {name: place for place, text in texts for name in pattern.findall(text)}


def _documents() -> Iterator[Message]:
    for path in [*manual.pages(), *(REPOSITORY / name for name in DOCUMENTS)]:
        yield Message(path.relative_to(REPOSITORY).as_posix(), path.read_text(encoding="utf-8"))


def _read(path: Path) -> Iterator[Message]:
    """Yield the texts of a file, each f-string as one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    is_script = path.is_relative_to(REPOSITORY / "scripts")
    skipped = {id(node) for node in _docstrings(tree, is_script)}
    place = path.relative_to(REPOSITORY).as_posix()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_command(node.func):
            # next_commands.command(snapshot, TARGET, MORE) names a target without the word make.
            more = "".join(_text(argument) for argument in node.args[2:3])
            for target in [text for argument in node.args[1:2] for text in _targets(argument)]:
                yield Message(f"{place}:{node.lineno}", f"make {target} RUN={HIDDEN}{more}")
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in ast.walk(node) if isinstance(part, ast.Constant))
            yield Message(f"{place}:{node.lineno}", _text(node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield Message(f"{place}:{node.lineno}", node.value)


def _is_command(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "command" and not (
        isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "cli"
    )


def _targets(node: ast.expr) -> list[str]:
    """Return the targets that an argument may name: one, or either of two."""
    if isinstance(node, ast.IfExp):
        return [*_targets(node.body), *_targets(node.orelse)]
    return [str(node.value)] if isinstance(node, ast.Constant) else []


def _text(node: ast.expr) -> str:
    """Return a literal text, with HIDDEN for what is put in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else HIDDEN


def _docstrings(tree: ast.Module, is_script: bool) -> Iterator[ast.Constant]:
    """Yield the docstrings that nobody is shown."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        if is_script and isinstance(node, ast.Module):
            continue
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            yield first.value
