"""Commands in processes of their own that are killed at one of their API calls."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from tests.runs.gates import Call, Cut, Gate, let_pass
from tests.worlds import REPOSITORY, World

END_SECONDS = 60
FULL_SWEEP = os.environ.get("CROWDOPS_FULL_SWEEP") == "1"


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


def kill_at(world: World, gate: Gate, number: int, when: str, script: str, *arguments: str) -> bool:
    """Run a script and kill -9 it at its API call of that number; False if it made fewer.

    `when` is "before" (the server never sees the call) or "after" (it did, and the answer is lost).
    """
    first = len(gate.calls)
    struck: list[Call] = []
    started: list[subprocess.Popen[str]] = []

    def strike(call: Call) -> None:
        if call.number == first + number:
            struck.append(call)
            started[0].kill()
            raise Cut

    hook: Callable[[Call], None] = strike
    setattr(gate, when, hook)
    gate.shut()  # nothing arrives before we know which process to kill
    try:
        started.append(start(world, script, *arguments))
        gate.open()
        started[0].communicate(timeout=END_SECONDS)
    finally:
        gate.before = gate.after = let_pass
    return bool(struck)


def points(most: int, *sample: tuple[int, str]) -> list[tuple[int, str]]:
    """Return the points of a sweep, the number of a call and when: all of them in a full one, else a sample."""
    every = [(number, when) for number in range(1, most + 1) for when in ("before", "after")]
    return every if FULL_SWEEP else list(sample)
