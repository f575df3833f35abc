"""The world of tests/runs, and what is needed to strike and mend it; and the table of all strikes at the end."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crowds import Crowd
from tests.recovery.strikes import Wreckage
from tests.runs.conftest import crowd, running_crowd
from tests.runs.gates import Gate

__all__ = ["crowd", "running_crowd"]


@pytest.fixture
def world(tmp_path: Path, crowd: Crowd) -> Iterator[Wreckage]:
    with Gate(crowd.url) as gate:
        made = Wreckage(tmp_path, crowd, gate)
        yield made
        made.close()


@pytest.fixture
def colleague(world: Wreckage, tmp_path: Path) -> Path:
    """Another home on the same account: it has the key, and knows none of the runs."""
    home = tmp_path / "colleague"
    (home / "crowd").mkdir(parents=True, mode=0o700)
    shutil.copy2(world.crowd.credentials_file, home / "crowd" / "credentials")
    return home


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Count the strikes: which process was killed how often, and how it was mended."""
    points: Counter[tuple[str, str]] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name == "strike" and report.when == "call":
                    points[(value, outcome)] += 1
    if not points:
        return
    terminalreporter.write_sep("=", "kill -9")
    names = sorted({name for name, _ in points})
    for name in names:
        good, bad = points[(name, "passed")], points[(name, "failed")]
        terminalreporter.write_line(f"{name:<60} {good + bad:>4} points, {bad} failed")
    terminalreporter.write_line(f"{'together':<60} {sum(points.values()):>4} points")
    terminalreporter.write_line(
        "After each that did not fail: 0 HITs can be accepted, 0 units have two HITs, 0 submitted assignments are"
        " missing, 0 servers of ours run, 0 foreign HITs were touched."
    )
