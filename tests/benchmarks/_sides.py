"""What the benchmarks share: a crowd server with a home around it, our scripts in processes, and tables."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tabulate import tabulate

from tests.support.crowds import Crowd
from tests.support.forks import REPOSITORY
from tests.support.home import Home
from tests.support.offers import html_question
from tests.support.scripts import SCRIPTS

__all__ = ["REPOSITORY", "SCRIPTS", "Bench", "bench", "show"]

FUNDS = 1_000_000_00


class Bench(Home):
    """A home on a crowd server, with money enough, whose scripts run as a user runs them."""

    def __init__(self, folder: Path, crowd: Crowd) -> None:
        patch = pytest.MonkeyPatch()
        for name in [name for name in os.environ if name.startswith(("AWS_", "CROWDOPS_"))]:
            patch.delenv(name)
        patch.setenv("CROWDOPS_ENV_FILE", os.devnull)
        super().__init__(crowd, folder, patch)
        self.set_funds(FUNDS)

    def measure(self, script: str, *arguments: str) -> tuple[float, str]:
        """Run a script in a fresh interpreter; returns the seconds until its end, and its stdout."""
        command = [sys.executable, str(SCRIPTS / f"{script}.py"), *arguments]
        started = time.perf_counter()
        done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(f"{script} ended with {done.returncode}: {done.stderr}")
        return seconds, done.stdout

    def create_hit_type(self, client: Any) -> str:
        """Make the HIT type that a loop of one's own would use; returns its id."""
        answer = client.create_hit_type(
            Title="Look", Description="Look", Reward="0.01", AssignmentDurationInSeconds=600
        )
        return str(answer["HITTypeId"])

    def create_hit(self, client: Any, hit_type_id: str) -> str:
        """Create one HIT as such a loop does; returns its id."""
        answer = client.create_hit_with_hit_type(
            HITTypeId=hit_type_id, Question=html_question(), LifetimeInSeconds=86400, MaxAssignments=1
        )
        return str(answer["HIT"]["HITId"])


@contextmanager
def bench(**crowd: Any) -> Iterator[Bench]:
    """Start a crowd server with these conditions, and a home beside it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Crowd(**crowd) as running:
        yield Bench(Path(folder), running)


def show(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print one table."""
    sys.stdout.write(f"{title}\n{tabulate(rows, headers=headers, floatfmt='.2f')}\n\n")
    sys.stdout.flush()
