"""Commands in processes of their own that are killed at one of their API calls."""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.support.gates import Call, Cut, Gate, let_pass
from tests.support.scripts import Script
from tests.support.sweeps import Point, Record, note
from tests.support.worlds import World


def start(world: World, script: str, *arguments: str) -> Script:
    """Start a script, which makes its calls one at a time."""
    environment = {**os.environ, **world.variables, "CROWDOPS_THREADS": "1"}
    return Script(script, *arguments, environment=environment, folder=world.folder)


def strike(
    world: World, gate: Gate, record: Record, name: str, point: Point, script: str, *arguments: str
) -> bool:
    """Run a script and kill -9 it at an API call; False if it made fewer. What came of it stands in the table.

    "before": the server never sees the call; "after": it did, and the answer is lost.
    """
    first = len(gate.calls)
    struck: list[Call] = []
    started: list[Script] = []

    def hit(call: Call) -> None:
        if call.number == first + point.number:
            struck.append(call)
            started[0].process.kill()
            raise Cut

    hook: Callable[[Call], None] = hit
    setattr(gate, point.when, hook)
    gate.shut()  # nothing arrives before we know which process to kill
    try:
        started.append(start(world, script, *arguments))
        gate.open()
        started[0].end()
    finally:
        gate.before = gate.after = let_pass
    note(record, name, point, bool(struck))
    return bool(struck)
