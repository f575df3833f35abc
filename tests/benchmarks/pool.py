"""How long a pool's places stand empty: python -m tests.benchmarks.pool [--pool N] [--units N] [--rate N]

A run keeps a pool of HITs out while workers submit so many a second, and looks every few seconds. A place is
empty from the submission that frees it until the HIT that takes it: the n-th submission is held against the
n-th HIT after the first poolful. Beside it, how many API calls a unit costs, by the server's own count.
"""

import argparse
import itertools
import json
import statistics
import time

from sqlalchemy import select

from crowdserver.storage import schema
from crowdserver.worker.refusals import Refused
from tests.benchmarks._sides import Bench, bench, show
from tests.support.processes import wait_until

WORKER, POOL_SECONDS, END_SECONDS = "ABENCH", 120, 600


def work(place: Bench, hit_type_id: str, units: int, rate: float) -> float:
    """Submit so many units at a steady rate; returns the rate that was kept."""
    started = time.monotonic()
    for number in range(units):
        time.sleep(max(0.0, started + number / rate - time.monotonic()))
        wait_until(lambda: submit_one(place, hit_type_id), END_SECONDS)
    return units / (time.monotonic() - started)


def submit_one(place: Bench, hit_type_id: str) -> bool:
    """Accept whatever is free, and submit it. False if nothing is."""
    try:
        place.submit(place.accept_next(hit_type_id, WORKER).assignment_id)
    except Refused:
        return False
    return True


def empty_seconds(place: Bench, pool: int) -> list[float]:
    """How long each place that was freed stood empty."""
    hits, assignments = schema.hits.c.created_at, schema.assignments.c.submitted_at
    with place.crowd.opened.reading() as (tx, _):
        created = sorted(moment for (moment,) in tx.execute(select(hits)))
        freed = sorted(moment for (moment,) in tx.execute(select(assignments)))
    refills = itertools.islice(created, pool, None)
    return [refill - submission for submission, refill in zip(freed, refills, strict=False)]


def measure(pool: int, units: int, rate: float, interval: float, latency_ms: int) -> tuple[object, ...]:
    """Let a run of so many units keep its pool; a row of the table."""
    with bench(latency_ms=latency_ms) as place:
        launch = place.launch_run(
            "--quiet",
            units=units,
            max_num_concurrent_units=pool,
            variables={"CROWDOPS_POLL_INTERVAL": str(interval), "CROWDOPS_THREADS": "32"},
        )
        wait_until(
            lambda: place.sql("SELECT count(*) FROM units WHERE hit_id <> ''") == [(pool,)], POOL_SECONDS
        )
        [(hit_type_id,)] = place.sql("SELECT hit_type_id FROM task_runs")
        kept = work(place, hit_type_id, units, rate)
        if launch.end():
            raise SystemExit(launch.said)
        empty = empty_seconds(place, pool)
        calls = place.crowd.number_of_calls() / units
    deciles = statistics.quantiles(empty, n=10)
    return latency_ms, kept, statistics.median(empty), deciles[-1], max(empty), calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pool", type=int, default=200)
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=20, help="submissions a second")
    parser.add_argument("--interval", type=float, default=5, help="seconds between two looks")
    parser.add_argument("--latency", type=int, nargs="*", default=[0, 50], help="milliseconds of each call")
    parser.add_argument("--json", action="store_true", help="write the rows as JSON")
    options = parser.parse_args()
    headers = ("latency ms", "submitted/s", "empty s, median", "p90", "most", "calls a unit")
    rows = [
        measure(options.pool, options.units, options.rate, options.interval, latency)
        for latency in options.latency
    ]
    if options.json:
        print(json.dumps([dict(zip(headers, row, strict=True)) for row in rows]))
    else:
        show(f"A pool of {options.pool}, looked at every {options.interval:g} s", headers, rows)


if __name__ == "__main__":
    main()
