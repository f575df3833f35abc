"""What the suite says: the texts of its messages, its --help and its documents, as the sources have them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.support.forks import REPOSITORY

DOCUMENTS = ("README.md", ".env.example", "examples/run.toml", "examples/demo.sh")
HIDDEN = "…"  # stands where a message has a value
_VARIABLE = re.compile(
    r"\b(?:(?:CROWDOPS|CROWD|AWS|HEROKU|DATABASE)_[A-Z_]*[A-Z]|[A-Z]+_(?:PROXY|CA_BUNDLE))\b"
)
_NAME = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_SQL = re.compile(r".*\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|WHERE|ORDER BY|VALUES)\b", re.DOTALL)
_FLAGS_OF_TESTS = ("CROWDOPS_FULL_SWEEP",)


class Message(NamedTuple):
    """A text with the place of its first line, such as "lib/crowdops/runs/view.py:12"."""

    place: str
    text: str


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


def _find(pattern: re.Pattern[str], texts: Iterable[Message]) -> dict[str, str]:
    return {name: place for place, text in texts for name in pattern.findall(text)}


def _documents() -> Iterator[Message]:
    for name in DOCUMENTS:
        yield Message(name, (REPOSITORY / name).read_text(encoding="utf-8"))


def _read(path: Path) -> Iterator[Message]:
    """Yield the texts of a file, each f-string as one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    is_script = path.is_relative_to(REPOSITORY / "scripts")
    skipped = {id(node) for node in _docstrings(tree, is_script)}
    place = path.relative_to(REPOSITORY).as_posix()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in ast.walk(node) if isinstance(part, ast.Constant))
            parts = [part.value if isinstance(part, ast.Constant) else HIDDEN for part in node.values]
            yield Message(f"{place}:{node.lineno}", "".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield Message(f"{place}:{node.lineno}", node.value)


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
