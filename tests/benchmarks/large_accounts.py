"""What a call costs in a small and in a large account: python -m tests.benchmarks.large_accounts [--sizes N]

The crowd server's own code runs in this process, without HTTP, on accounts that were filled directly. Each
round takes the sizes in turn. CPU is this process's, user and system; on PostgreSQL that of its own processes
comes on top, so that the time is shown as well. The ratios depend on the machine much less than the times.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from crowdserver.worker import assignments
from tests.benchmarks._sides import show
from tests.support.crowded import Account
from tests.support.postgresql import Cluster, find_binaries

CALLS = 200
PAGE = 100


@contextmanager
def filled(url: str, hits: int) -> Iterator[Account]:
    """An account with so many HITs."""
    account = Account(url)
    account.grow(hits)
    if not account.database.is_sqlite:
        account.analyze()
    yield account
    account.close()


def per_call(work: Callable[[], int]) -> tuple[float, float]:
    """Milliseconds of CPU and of time for each of the calls that a piece of work makes."""
    before, started = time.process_time(), time.perf_counter()
    calls = work()
    cpu, seconds = time.process_time() - before, time.perf_counter() - started
    return 1000 * cpu / calls, 1000 * seconds / calls


def create(account: Account, hit_ids: list[str], type_id: str) -> int:
    hit_ids += [account.create_hit(type_id) for _ in range(CALLS)]
    return CALLS


def get(account: Account, hit_ids: list[str], _type_id: str) -> int:
    for hit_id in hit_ids[-CALLS:]:
        account.call("GetHIT", HITId=hit_id)
    return CALLS


def accept_and_submit(account: Account, hit_ids: list[str], type_id: str) -> int:
    for number in range(CALLS // 2):
        worker_id = f"A{len(hit_ids)}X{number}"
        taken = account.crowd.write(
            partial(assignments.accept_next, worker_id=worker_id, hit_type_id=type_id)
        )
        with account.crowd.writing() as (tx, now):
            assignments.submit(tx, now, taken.assignment_id, worker_id, [("label", "cat")])
    return CALLS // 2


def expire(account: Account, hit_ids: list[str], _type_id: str) -> int:
    for hit_id in hit_ids[-CALLS:]:
        account.call("UpdateExpirationForHIT", HITId=hit_id, ExpireAt=0)
    return CALLS


def first_page(account: Account, _hit_ids: list[str], _type_id: str) -> int:
    for _ in range(10):
        account.call("ListHITs", MaxResults=PAGE)
    return 10


def last_page(account: Account, _hit_ids: list[str], _type_id: str) -> int:
    token = account.crowd.page_tokens.dumps(["ListHITs", PAGE + PAGE // 2])
    for _ in range(10):
        assert account.call("ListHITs", MaxResults=PAGE, NextToken=token)["NumResults"] > PAGE // 2
    return 10


WORK = (create, get, accept_and_submit, expire, first_page, last_page)


def measure(name: str, accounts: dict[int, Account], rounds: int) -> None:
    """Measure every kind of call in every account, and print one table."""
    figures: dict[tuple[str, int], list[tuple[float, float]]] = {}
    types = {size: account.create_type("Measured") for size, account in accounts.items()}
    made: dict[int, list[str]] = {size: [] for size in accounts}
    for _ in range(rounds):
        for work in WORK:
            for size, account in accounts.items():
                found = per_call(lambda: work(account, made[size], types[size]))  # noqa: B023
                figures.setdefault((work.__name__, size), []).append(found)
    rows = []
    for work in WORK:
        first = None
        for size in accounts:
            cpu, seconds = (
                statistics.median(values) for values in zip(*figures[work.__name__, size], strict=True)
            )
            first = first or cpu
            rows.append((work.__name__, size, cpu, seconds, 1000 / seconds, cpu / first))
    headers = ("call", "HITs", "CPU ms", "ms", "calls/s", "CPU ratio")
    show(f"{name}, median of {rounds} rounds", headers, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 50_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        accounts = {
            size: stack.enter_context(filled(f"sqlite:///{folder / str(size)}.db", size))
            for size in options.sizes
        }
        measure("sqlite", accounts, options.rounds)
    if find_binaries() is None:
        return
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster())
        accounts = {
            size: stack.enter_context(filled(cluster.create_database(), size)) for size in options.sizes
        }
        measure("PostgreSQL", accounts, options.rounds)


if __name__ == "__main__":
    main()
