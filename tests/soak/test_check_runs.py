"""check_runs over many runs and HITs, and again and again: its calls, its own CPU, and what it leaves behind.

`make check-soak` takes 1,000 checks and measures; `make test` takes a sample.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support import big_accounts
from tests.support.processes import wait_until
from tests.support.scripts import SCRIPTS
from tests.support.world import World

FULL = os.environ.get("CROWDOPS_FULL_SOAK") == "1"
SCRIPT = "local/check_runs"
PATIENTLY = ("--timeout", "600")
CHECKS = 1000 if FULL else 20
TIMES = 5  # that a check is timed


class Ended(NamedTuple):
    """A check that ran as a process of its own, and the seconds that it took: of its own CPU, and in all."""

    document: dict[str, Any]
    cpu: float
    seconds: float


def run(world: World, *arguments: str) -> Ended:
    """Run a check in a process of its own; all must be well."""
    command = [sys.executable, str(SCRIPTS / f"{SCRIPT}.py"), "--json", *PATIENTLY, *arguments]
    output, began = world.folder / "check.json", time.monotonic()
    with output.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    assert process.returncode == 0, output.read_text()
    return Ended(json.loads(output.read_text()), usage.ru_utime + usage.ru_stime, seconds)


def show(what: str, values: Sequence[float]) -> None:
    """Print what was measured."""
    text = f"{what}: median {statistics.median(values):.2f} s, at most {max(values):.2f} s of {len(values)}"
    sys.stdout.write(f"\n{text}\n")


def test_twenty_runs_in_an_account_of_five_thousand_hits_take_52_calls(world: World) -> None:
    big_accounts.fill(world, runs=20, hits=100, foreign=3000)
    before = world.crowd.number_of_calls()
    ended = [run(world) for _ in range(TIMES if FULL else 1)]
    calls = [one.document["api_calls"] for one in ended]
    assert max(calls) <= 52 and world.crowd.number_of_calls() - before == sum(calls)
    assert ended[0].document["line"] == "CROWDOPS OK: 20 runs with 2000 HITs out"
    assert statistics.median(one.cpu for one in ended) < 2
    cached = [run(world, "--cached") for _ in range(TIMES if FULL else 1)]
    assert world.crowd.number_of_calls() - before == sum(calls)
    assert {one.document["line"] for one in cached} == {ended[0].document["line"]}
    if FULL:  # beside other tests it would be they that are measured
        assert statistics.median(one.seconds for one in cached) < 0.4
        show("2,000 HITs in an account of 5,000, CPU", [one.cpu for one in ended])
        show("2,000 HITs in an account of 5,000, in all", [one.seconds for one in ended])
        show("--cached, CPU", [one.cpu for one in cached])
        show("--cached, in all", [one.seconds for one in cached])


class Held(NamedTuple):
    """What a home and this process hold: rows by table, files with their sizes, descriptors, threads."""

    rows: dict[str, int]
    files: dict[str, int]
    descriptors: Counter[str]
    threads: int


def held(world: World) -> Held:
    """Return what is held now, but for what nobody can come to any more."""
    gc.collect()
    tables = [name for (name,) in world.sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
    files = [path for path in world.home.rglob("*") if path.is_file()]
    return Held(
        rows={name: world.sql(f"SELECT count(*) FROM {name}")[0][0] for name in tables},
        files={str(path): path.stat().st_size for path in files},
        descriptors=Counter(_opened()),
        threads=threading.active_count(),
    )


def _opened() -> Iterator[str]:
    """Yield what each descriptor of this process leads to, without its number; nothing on some systems."""
    for link in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(FileNotFoundError):  # that of the folder itself
            yield re.sub(r"\d+", "", os.readlink(link))


@pytest.mark.timeout(3600)
def test_a_thousand_checks_leave_nothing_behind(world: World) -> None:
    world.crash("pilot-2")
    run_id = world.launch("pilot-1").run_id
    world.put_elsewhere(world.launch("silent", units=1), "http://127.0.0.1:1")
    first = world.invoke(SCRIPT, *PATIENTLY, "--timeout-state", "ok")
    before = held(world)
    began = time.monotonic()
    for number in range(CHECKS):
        # Every tenth one meets a port that nobody listens at.
        selected = ["--task-name", "*"] if number % 10 == 0 else ["--task-name", "pilot-*"]
        result = world.invoke(SCRIPT, *PATIENTLY, "--timeout-state", "ok", *selected)
        assert (result.exit_code, result.stderr) == (2, "")
        assert result.stdout.partition(" |")[0] == first.stdout.partition(" |")[0]
    after = held(world)
    assert (after.rows, after.files) == (before.rows, before.files)
    # A connection may close a moment later, also one that was counted before: nothing may have come to stay.
    wait_until(
        lambda: not held(world).descriptors - before.descriptors and held(world).threads <= before.threads
    )
    assert world.run(run_id).state == "running"
    if FULL:
        show(f"{CHECKS} checks in one process, each", [(time.monotonic() - began) / CHECKS])
