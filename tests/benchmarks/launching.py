"""Launching beside a loop of one's own: python -m tests.benchmarks.launching [--units N] [--rounds N]

The other side is a boto3 client in its default configuration that creates HITs one after another. Both create
as many HITs on the same crowd server, which delays each answer by 50 and then by 150 ms; rounds alternate.
Ours is the whole of `launch_run --detach`, start of the process included. Then, without a delay, under a
limit of 20 calls a second: what rate ours reaches, and which share of its calls was throttled; a loop with a
thread pool of 32 beside it.
"""

import argparse
import contextlib
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from tests.benchmarks._sides import Bench, bench, show

RATE = 20


def ours(place: Bench, units: int) -> float:
    """Launch a run and leave it; seconds."""
    path = place.write_run(units)
    seconds, _ = place.measure("mturk/launch_run", str(path), "--yes", "--again", "--quiet", "--detach")
    return seconds


def loop(place: Bench, units: int) -> float:
    """Create HITs one after another; seconds, without the start of Python."""
    client = place.crowd.client(retries={})
    hit_type_id = place.create_hit_type(client)
    started = time.perf_counter()
    for _ in range(units):
        place.create_hit(client, hit_type_id)
    return time.perf_counter() - started


def pool(place: Bench, units: int) -> tuple[float, int]:
    """Create HITs with 32 threads and boto3's standard retries; seconds, and how many failed."""
    client = place.crowd.client(retries={"mode": "standard"})
    hit_type_id = place.create_hit_type(client)

    def create(_: int) -> bool:
        with contextlib.suppress(ClientError):
            return bool(place.create_hit(client, hit_type_id))
        return False

    started = time.perf_counter()
    with ThreadPoolExecutor(32) as threads:
        made = sum(threads.map(create, range(units)))
    return time.perf_counter() - started, units - made


def beside_a_loop(latency_ms: int, units: int, rounds: int) -> tuple[object, ...]:
    """Measure both sides under one delay; a row of the table."""
    with bench(latency_ms=latency_ms) as place:
        pairs = [(ours(place, units), loop(place, units)) for _ in range(rounds)]
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    return latency_ms, units, mine, theirs, f"1/{theirs / mine:.1f}"


def under_a_limit(units: int) -> list[tuple[object, ...]]:
    """Measure both sides under the limit; the rows of the table."""
    with bench(rate_limit=RATE) as place:
        path = place.write_run(units)
        _, shown = place.measure(
            "mturk/launch_run", str(path), "--yes", "--again", "--quiet", "--detach", "--json"
        )
        found, calls = json.loads(shown), place.crowd.calls()["CreateHITWithHITType"]
        throttled = sum(number["failed"] for number in place.crowd.calls().values())
        mine = (found["units"], units / found["seconds"], throttled / found["api_calls"], units - calls["ok"])
    with bench(rate_limit=RATE) as place:
        seconds, failed = pool(place, units)
        numbers = place.crowd.calls()["CreateHITWithHITType"]
        share = numbers["failed"] / (numbers["failed"] + numbers["ok"])
    return [
        ("launch_run", *mine),
        ("32 threads, standard retries", units, (units - failed) / seconds, share, failed),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    show(
        "Launching, seconds",
        ("latency ms", "units", "launch_run", "boto3 loop", "ratio"),
        [beside_a_loop(latency, options.units, options.rounds) for latency in (50, 150)],
    )
    show(
        f"Launching under a limit of {RATE} calls a second",
        ("", "units", "units/s", "throttled", "not created"),
        under_a_limit(options.units),
    )


if __name__ == "__main__":
    main()
