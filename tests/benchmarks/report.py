"""A report of many assignments: python -m tests.benchmarks.report [--assignments N]

Time, peak memory and size of render_report over registries that SQL has filled: a hundred assignments, N of
them (100,000) by a thousand workers, N by as many workers, and one unit with all N; as a page and as JSON.
Seconds are those on the clock, and those in which it was busy, whatever else the machine did. Memory is the
largest resident set that the kernel noted for the process by its end.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks._sides import show
from tests.benchmarks.memory import MARK, WATCHED
from tests.support.many_answers import Amount, fill
from tests.support.scripts import SCRIPTS


def measure(folder: Path, name: str, amount: Amount, *flags: str) -> tuple[object, ...]:
    """Render one report; a row of the table."""
    home, path = folder / name / "home", folder / name / "report"
    fill(home, amount)
    environment = {**os.environ, "CROWDOPS_ENV_FILE": os.devnull}
    script = str(SCRIPTS / "local/render_report.py")
    command = [sys.executable, "-c", WATCHED, script, "--all-runs", "--offline", "--home", str(home)]
    started, before = time.perf_counter(), os.times()
    done = subprocess.run(
        [*command, "-o", str(path), *flags],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    seconds, after = time.perf_counter() - started, os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    if done.returncode:
        raise SystemExit(f"render_report ended with {done.returncode}: {done.stderr}")
    megabytes = int(done.stderr.rpartition(MARK)[2].split()[0]) / 1024
    return name, amount.assignments, amount.workers, seconds, busy, megabytes, path.stat().st_size / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--assignments", type=int, default=100_000)
    most = parser.parse_args().assignments
    with tempfile.TemporaryDirectory(prefix="bench-") as text:
        folder = Path(text)
        rows = [
            measure(folder, "small page", Amount(100, workers=10)),
            measure(folder, "page", Amount(most)),
            measure(folder, "JSON", Amount(most), "--json"),
            measure(folder, "anonymous page", Amount(most), "--anonymous"),
            measure(folder, "page, as many workers", Amount(most, workers=most)),
            measure(folder, "JSON, as many workers", Amount(most, workers=most), "--json"),
            measure(folder, "page, one unit", Amount(most, per_unit=most, workers=most)),
        ]
    headers = ("report", "assignments", "workers", "seconds", "of them busy", "peak, MB", "size, KB")
    show("A report", headers, rows)


if __name__ == "__main__":
    main()
