"""What the tests of scripts share."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.worlds import Invoked, World

Destroy = Callable[..., dict[str, Any]]


@pytest.fixture
def as_json(world: World) -> Destroy:
    """Runs a script with --json and returns its document; the exit code must be the one given."""

    def run(script: str, *args: str, exit_code: int = 0) -> dict[str, Any]:
        result = world.invoke(script, *args, "--json")
        assert result.exit_code == exit_code, result.stderr
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    return run


def table(result: Invoked) -> list[list[str]]:
    """The cells of a printed table, without its headers, one row a list."""
    lines = result.stdout.splitlines()
    starts = [0]
    for position, letter in enumerate(lines[1]):
        if letter == " " and lines[1][position + 1] == "-":
            starts.append(position + 1)
    bounds = list(zip(starts, [*starts[1:], None], strict=True))
    return [[line[a:b].strip() for a, b in bounds] for line in lines[2:] if line.strip()]


def rows(result: Invoked) -> list[dict[str, str]]:
    """The rows of a printed CSV."""
    return list(csv.DictReader(io.StringIO(result.stdout, newline="")))
