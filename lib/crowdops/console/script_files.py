"""The scripts that there are. The file system is their table: a script in a folder is known."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[2] / "crowdops_scripts"  # in a checkout a link to scripts


class ScriptFile(NamedTuple):
    """A script: its name, and its file."""

    name: str
    path: Path

    @property
    def line(self) -> str:
        """What it does in one line, from its docstring. It is not imported for that."""
        documentation = ast.get_docstring(ast.parse(self.path.read_text(encoding="utf-8"))) or ""
        return documentation.partition("\n")[0]


def folders() -> dict[str, list[ScriptFile]]:
    """Return the scripts of each folder, both in the order of the alphabet."""
    found: dict[str, list[ScriptFile]] = {}
    for path in sorted(FOLDER.glob("[a-z]*/[a-z]*.py")):
        found.setdefault(path.parent.name, []).append(ScriptFile(path.stem, path))
    return found
