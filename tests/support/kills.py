"""Commands in processes of their own that are killed at one of their API calls."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from tests.support.gates import Call, Cut, Gate, let_pass
from tests.support.sweeps import Point, Record, note
from tests.support.worlds import REPOSITORY, World

END_SECONDS = 60


def start(world: World, script: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a script, which makes its calls one at a time."""
    variables = {**os.environ, **world.variables, "CROWDOPS_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(REPOSITORY / "scripts" / f"{script}.py"), *arguments],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def strike(
    world: World, gate: Gate, record: Record, name: str, point: Point, script: str, *arguments: str
) -> bool:
    """Run a script and kill -9 it at an API call; False if it made fewer. What came of it stands in the table.

    "before": the server never sees the call; "after": it did, and the answer is lost.
    """
    first = len(gate.calls)
    struck: list[Call] = []
    started: list[subprocess.Popen[str]] = []

    def hit(call: Call) -> None:
        if call.number == first + point.number:
            struck.append(call)
            started[0].kill()
            raise Cut

    hook: Callable[[Call], None] = hit
    setattr(gate, point.when, hook)
    gate.shut()  # nothing arrives before we know which process to kill
    try:
        started.append(start(world, script, *arguments))
        gate.open()
        started[0].communicate(timeout=END_SECONDS)
    finally:
        gate.before = gate.after = let_pass
    note(record, name, point, bool(struck))
    return bool(struck)
