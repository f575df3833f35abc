"""A registry of a million units beside one of a thousand: python -m tests.benchmarks.registry [--units N]

Both hold the same kinds of rows; what is done to them costs the same or it does not scale. Milliseconds are
the median of up to a hundred calls each, on the disk of the temporary folder. Counting is linear, so that a
process which attends a run keeps its counts.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from crowdops.registry import Registry
from tests.benchmarks._sides import show
from tests.support.run_parameters import some_run

SMALL, CALLS, RUN_ID = 1000, 100, "20260101-000000-aaaa"


def fill(home: Path, units: int) -> float:
    """Plan a run of so many units; seconds."""
    started = time.perf_counter()
    with Registry.open(home) as registry:
        registry.add_run(some_run(run_id=RUN_ID, task_name="bench", state="running", units=units))
        registry.add_units(RUN_ID, ((index, {"text": f"picture {index}"}) for index in range(units)))
    return time.perf_counter() - started


def median_ms(work: Callable[[int], object], calls: int = CALLS) -> float:
    """The median duration of a call of work(number)."""
    durations = []
    for number in range(calls):
        started = time.perf_counter()
        work(number)
        durations.append(time.perf_counter() - started)
    return 1000 * statistics.median(durations)


def measure(home: Path) -> list[tuple[str, float]]:
    """What is done to a registry, and milliseconds; at last as by a process that attends the run."""

    def open_it(_: int) -> None:
        with Registry.open(home):
            pass

    with Registry.open(home) as registry:
        rows = [
            ("open", median_ms(open_it, 20)),
            ("intend one", median_ms(lambda _: registry.intend(RUN_ID, 1))),
            ("set_created", median_ms(lambda number: registry.set_created(RUN_ID, number, f"HIT{number}"))),
            ("unit_counts", median_ms(lambda _: registry.unit_counts(RUN_ID), 5)),
            ("answer_counts", median_ms(lambda _: registry.answer_counts([RUN_ID]), 3)),
        ]
        registry.keep_counts(RUN_ID)
        return [
            *rows,
            ("attended: first count", median_ms(lambda _: registry.unit_counts(RUN_ID), 1)),
            ("attended: intend one", median_ms(lambda _: registry.intend(RUN_ID, 1))),
            ("attended: unit_counts", median_ms(lambda _: registry.unit_counts(RUN_ID))),
            ("attended: answer_counts", median_ms(lambda _: registry.answer_counts([RUN_ID]))),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--units", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        small, large = Path(folder, "small"), Path(folder, "large")
        planned = ("plan all", 1000 * fill(small, SMALL), 1000 * fill(large, options.units))
        pairs = zip(measure(small), measure(large), strict=True)
        rows = [planned, *((name, of_small, of_large) for (name, of_small), (_, of_large) in pairs)]
    show("The registry, milliseconds", ("", f"{SMALL:,} units", f"{options.units:,} units"), rows)


if __name__ == "__main__":
    main()
