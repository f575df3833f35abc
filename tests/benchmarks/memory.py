"""Peak memory of a large launch beside a small one: python -m tests.benchmarks.memory [--rows N]

The same launch over 100 rows and over 100,000: as a dry run, and for real with max_num_concurrent_units = 10
and Ctrl-C once ten HITs are out. Memory is the largest resident set that the kernel noted for the process by
its end; not that of wait4(), which counts what the parent had in memory when it forked.
"""

import argparse
import signal
import subprocess
import sys
import time

from tests.benchmarks._sides import Bench, bench, show
from tests.support.processes import wait_until
from tests.support.scripts import SCRIPTS

SMALL = 100
MARK = "VmHWM:"
WATCHED = f"""
import atexit, runpy, sys
def tell():
    sys.stderr.write(next(line for line in open("/proc/self/status") if line.startswith("{MARK}")))
atexit.register(tell)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def peak(place: Bench, rows: int, *arguments: str, press: bool) -> tuple[float, float]:
    """Launch over so many rows; the peak in MB, and seconds."""
    path = place.write_run(rows, max_num_concurrent_units=10)
    created = place.crowd.calls().get("CreateHITWithHITType", {"ok": 0})["ok"]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", WATCHED, str(SCRIPTS / "mturk/launch_run.py"), str(path), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if press:
        wait_until(
            lambda: place.crowd.calls().get("CreateHITWithHITType", {"ok": 0})["ok"] >= created + 10, 300
        )
        process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    if process.returncode:
        raise SystemExit(f"launch_run ended with {process.returncode}: {said}")
    kilobytes = int(said.rpartition(MARK)[2].split()[0])
    return kilobytes / 1024, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    rows = []
    with bench() as place:
        for name, arguments, press in (
            ("--dry-run", ("--dry-run",), False),
            ("Ctrl-C", ("--yes", "--quiet"), True),
        ):
            small, _ = peak(place, SMALL, *arguments, press=press)
            large, seconds = peak(place, options.rows, *arguments, press=press)
            rows.append((name, small, large, large - small, seconds))
    headers = ("launch", f"{SMALL} rows, MB", f"{options.rows:,} rows, MB", "more, MB", "seconds")
    show("Peak memory", headers, rows)


if __name__ == "__main__":
    main()
