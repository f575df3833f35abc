"""Fuzzed input: how much of it, what it cost whoever had to bear it, and a table of both at the end.

Without CROWDOPS_FULL_FUZZ=1 a test takes only a sample.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, settings

FULL = os.environ.get("CROWDOPS_FULL_FUZZ") == "1"
MOST_MEMORY = 300  # MB, of a process that is fed with it
MOST_SECONDS = 30  # until it has dealt with one input
Record = Callable[[str, object], None]


class Cost(NamedTuple):
    """What some fuzzed inputs cost: the longest time of one, in seconds, and the peak memory in MB, or 0."""

    inputs: int
    seconds: float
    memory: float


def number(sample: int, full: int) -> int:
    """Return how many inputs a test takes: those of the sample, or all of them."""
    return full if FULL else sample


def examples(sample: int, full: int) -> settings:
    """Let hypothesis make so many inputs; a sample is the same each time, and never fails by chance."""
    return settings(
        max_examples=number(sample, full), derandomize=not FULL, suppress_health_check=list(HealthCheck)
    )


def note(record: Record, name: str, cost: Cost) -> None:
    """Enter into the table what was fed, and what it cost. Asserts the limits."""
    record("fuzz", (name, *cost))
    assert cost.memory < MOST_MEMORY, f"{cost.memory:.0f} MB were used"
    assert cost.seconds < MOST_SECONDS, f"one took {cost.seconds:.1f} s"


def peak_memory(pid: int) -> float:
    """Return the most memory that a process has used so far, in MB; 0 where the kernel does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def lines(stats: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return the table of a session; empty if nothing was fuzzed."""
    rows = sorted(_rows(stats))
    if not rows:
        return []
    width = max(len(name) for name, *_ in rows)
    table = [f"{'fuzzed':<{width}}  inputs  slowest  peak memory"]
    table += [
        f"{name:<{width}}  {inputs:>6}  {seconds:>5.2f} s  {f'{memory:.0f} MB' if memory else '-':>11}"
        for name, inputs, seconds, memory in rows
    ]
    return table if FULL else [*table, "A sample: make fuzz feeds all of it."]


def _rows(stats: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, int, float, float]]:
    for report in (*stats.get("passed", []), *stats.get("failed", [])):
        if report.when == "call":
            yield from (tuple(value) for name, value in report.user_properties if name == "fuzz")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show what was fuzzed."""
    if table := lines(terminalreporter.stats):
        terminalreporter.write_sep("=", "fuzz")
        for line in table:
            terminalreporter.write_line(line)
