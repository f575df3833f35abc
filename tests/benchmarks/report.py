"""A report of many assignments: python -m tests.benchmarks.report [--assignments N]

Time, peak memory and size of render_report over registries that SQL has filled: a hundred assignments, N of
them (100,000) by a thousand workers, N by as many workers, and one unit with all N. Memory is the largest
resident set that the kernel noted for the process by its end.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks._sides import SCRIPTS, show
from tests.benchmarks.memory import MARK, WATCHED
from tests.support.many_answers import Amount, fill


def measure(folder: Path, name: str, amount: Amount, *flags: str) -> tuple[object, ...]:
    """Render one report; a row of the table."""
    home, path = folder / name / "home", folder / name / "report"
    fill(home, amount)
    environment = {**os.environ, "CROWDOPS_ENV_FILE": os.devnull}
    script = str(SCRIPTS / "local/render_report.py")
    command = [sys.executable, "-c", WATCHED, script, "--all-runs", "--offline", "--home", str(home)]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "-o", str(path), *flags],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"render_report ended with {done.returncode}: {done.stderr}")
    megabytes = int(done.stderr.rpartition(MARK)[2].split()[0]) / 1024
    return name, amount.assignments, amount.workers, seconds, megabytes, path.stat().st_size / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--assignments", type=int, default=100_000)
    most = parser.parse_args().assignments
    with tempfile.TemporaryDirectory(prefix="bench-") as text:
        folder = Path(text)
        rows = [
            measure(folder, "small", Amount(100, workers=10), "--json"),
            measure(folder, "usual, JSON", Amount(most), "--json"),
            measure(folder, "anonymous, JSON", Amount(most), "--json", "--anonymous"),
            measure(folder, "as many workers, JSON", Amount(most, workers=most), "--json"),
            measure(folder, "one unit, JSON", Amount(most, per_unit=most, workers=most), "--json"),
        ]
    headers = ("report", "assignments", "workers", "seconds", "peak, MB", "size, KB")
    show("A report", headers, rows)


if __name__ == "__main__":
    main()
