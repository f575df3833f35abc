"""Status and expiry beside one call a HIT: python -m tests.benchmarks.status_and_expire [--hits N]

The other side is what scripts for MTurk commonly do: a boto3 loop with one GetHIT a HIT for the status, and
one UpdateExpirationForHIT after the other for the expiry, for the HITs of a list of ids that it happens to
have. Calls are the crowd server's own count. Each round takes HITs of its own; the answer to each call is
delayed by 20 ms.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks._sides import Bench, bench, show

LATENCY_MS = 20


def measure(place: Bench, work: Callable[[], object]) -> tuple[int, float]:
    """Do something; how many API calls it took, and seconds."""
    before, started = place.crowd.number_of_calls(), time.perf_counter()
    work()
    return place.crowd.number_of_calls() - before, time.perf_counter() - started


def launched(place: Bench, hits: int) -> list[str]:
    """Launch a run and leave it; the ids of its HITs."""
    place.measure("mturk/launch_run", str(place.write_run(hits)), "--yes", "--again", "--quiet", "--detach")
    pages = place.crowd.client().get_paginator("list_hits").paginate(PaginationConfig={"PageSize": 100})
    return [hit["HITId"] for page in pages for hit in page["HITs"]]


def one_round(hits: int) -> list[tuple[int, float]]:
    """Measure our status, the loop's, our expiry and the loop's."""
    with bench(latency_ms=LATENCY_MS) as place:
        client: Any = place.crowd.client()
        ids = launched(place, hits)
        mine = measure(place, lambda: _run(place, "mturk/print_outstanding_hit_status", "--json"))
        theirs = measure(place, lambda: [client.get_hit(HITId=hit_id) for hit_id in ids])
        expiry = measure(place, lambda: _run(place, "mturk/expire_hits", "--all-runs", "--yes", "--json"))
    with bench(latency_ms=LATENCY_MS) as place:
        client = place.crowd.client()
        ids = launched(place, hits)
        loop = measure(
            place,
            lambda: [client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0) for hit_id in ids],
        )
    return [mine, theirs, expiry, loop]


def _run(place: Bench, *command: str) -> None:
    place.measure(*command)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hits", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    rounds = [one_round(options.hits) for _ in range(options.rounds)]
    names = (
        "print_outstanding_hit_status",
        "a loop of GetHIT",
        "expire_hits",
        "a loop of UpdateExpirationForHIT",
    )
    rows = [
        (name, found[0][0], statistics.median(seconds for _, seconds in found))
        for name, found in zip(names, zip(*rounds, strict=True), strict=True)
    ]
    show(f"{options.hits} HITs, {LATENCY_MS} ms a call", ("", "API calls", "seconds"), rows)


if __name__ == "__main__":
    main()
