"""Recovering after a crash: python -m tests.benchmarks.recovery [--units N] [--account N]

A crashed run has so many HITs out, and the endpoint takes 20 calls a second: how long does `recover --yes`
need, the start of its process included, and how long a loop that only expires the same HITs? Then: 50 HITs of
a crashed run in an account of many that are not ours. How many calls does `recover --dry-run` need to find
them?
"""

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from tests.benchmarks._sides import Bench, show
from tests.support.crowds import Crowd

RATE = 20
LOST = 50
MONEY = "1000000.00"


@contextmanager
def after_a_crash(units: int, foreign: int = 0, rate_limit: float | None = None) -> Iterator[Bench]:
    """A crowd server on which a run of so many units died right after its launch, and only then the limit."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with Crowd(folder / "crowd", balance=MONEY) as crowd:
            place, port = Bench(folder, crowd), int(crowd.url.rpartition(":")[2])
            place.measure(
                "mturk/launch_run", str(place.write_run(units)), "--yes", "--again", "--quiet", "--detach"
            )
            add_foreign(place, foreign)
        with closing(sqlite3.connect(place.home / "registry.db")) as registry:
            registry.execute("UPDATE task_runs SET detached = 0")  # such a run needs a process, and has none
            registry.commit()
        with Crowd(folder / "crowd", balance=MONEY, port=port, rate_limit=rate_limit) as crowd:
            place.crowd = crowd
            yield place


def add_foreign(place: Bench, count: int) -> None:
    """Put HITs of some other program into the account."""
    client = place.crowd.client()
    hit_type_id = place.create_hit_type(client)
    with ThreadPoolExecutor(16) as threads:
        for _ in threads.map(lambda _: place.create_hit(client, hit_type_id), range(count)):
            pass


def recovering(units: int) -> list[tuple[object, ...]]:
    """Measure both sides under the limit; the rows of the table."""
    with after_a_crash(units, rate_limit=RATE) as place:
        place.crowd.control("calls", method="DELETE")
        mine, _ = place.measure("local/recover", "--yes", "--quiet")
        calls = place.crowd.number_of_calls()
        left = json.loads(place.measure("local/recover", "--yes", "--quiet", "--json")[1])
        assert left["crashed_runs"] == [] and left["orphan_hits"] == 0
    with after_a_crash(units, rate_limit=RATE) as place:
        client = place.crowd.client(retries={})
        hit_ids = [
            hit["HITId"]
            for page in client.get_paginator("list_hits").paginate(MaxResults=100)
            for hit in page["HITs"]
        ]
        started = time.perf_counter()
        for hit_id in hit_ids:
            client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)
        theirs = time.perf_counter() - started
    floor = units / RATE
    return [
        ("recover: expired, collected, ended", units, mine, mine / floor, calls),
        ("a boto3 loop: expired", units, theirs, theirs / floor, units),
    ]


def finding(account: int) -> list[tuple[object, ...]]:
    """Count what it costs to find the HITs of a crashed run; the rows of the table."""
    with after_a_crash(LOST, foreign=account - LOST) as place:
        place.crowd.control("calls", method="DELETE")
        seconds, shown = place.measure("local/recover", "--dry-run", "--quiet", "--json")
        (run,) = json.loads(shown)["crashed_runs"]
        calls = {name: sum(count.values()) for name, count in place.crowd.calls().items()}
    return [(account, run["outstanding"], calls.pop("ListHITs"), sum(calls.values()), seconds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--account", type=int, default=20_000)
    options = parser.parse_args()
    show(
        f"Recovering a crashed run under a limit of {RATE} calls a second",
        ("", "HITs", "seconds", f"of HITs/{RATE}", "calls"),
        recovering(options.units),
    )
    show(
        f"Finding the {LOST} HITs of a crashed run",
        ("HITs in the account", "found", "ListHITs", "other calls", "seconds"),
        finding(options.account),
    )


if __name__ == "__main__":
    main()
