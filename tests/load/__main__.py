"""Load for the crowd server, and a table: python -m tests.load [SCENARIO ...]"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import NamedTuple

from tabulate import tabulate

from tests.load import scenarios
from tests.load.scenarios import Outcome
from tests.support import forks, postgresql
from tests.support.crowds import Crowd

BALANCE = "1000000.00"
KILLS = 3
PROCESSES = 4


class Size(NamedTuple):
    """How much: so many workers, submissions, and requests of the churn."""

    workers: int
    submissions: int
    requests: int


def on_sqlite(size: Size, kills: int = 0) -> Outcome:
    """One process on sqlite, which dies so often."""
    with Crowd(control=False, balance=BALANCE) as crowd:

        def kill() -> None:
            crowd.kill()
            crowd.start()

        dying = kill if kills else None
        return scenarios.Load(crowd, size.workers, size.submissions, kill=dying, kills=kills).run()


def on_postgresql(size: Size, dies: str = "") -> Outcome:
    """Four processes on PostgreSQL; "server" or "PostgreSQL" dies."""
    with postgresql.Cluster() as cluster:
        crowd = Crowd(database=cluster.url, control=False, balance=BALANCE, processes=PROCESSES)

        def kill() -> None:
            if dies == "PostgreSQL":
                cluster.restart()
            else:
                crowd.kill()
                crowd.start()

        with crowd:
            load = scenarios.Load(
                crowd,
                size.workers,
                size.submissions,
                kill=kill if dies else None,
                kills=KILLS if dies else 0,
            )
            return load.run()


def churn(size: Size) -> Outcome:
    """Four processes on PostgreSQL, and everything at once."""
    with (
        postgresql.Cluster() as cluster,
        Crowd(database=cluster.url, control=False, balance=BALANCE, processes=PROCESSES) as crowd,
    ):
        return scenarios.run_churn(crowd, size.workers, size.requests)


SCENARIOS: dict[str, Callable[[Size], Outcome]] = {
    "sqlite": on_sqlite,
    "sqlite, server killed": lambda size: on_sqlite(size, KILLS),
    "PostgreSQL": on_postgresql,
    "PostgreSQL, server killed": lambda size: on_postgresql(size, "server"),
    "PostgreSQL killed": lambda size: on_postgresql(size, "PostgreSQL"),
    "churn on PostgreSQL": churn,
}
ROWS: list[tuple[str, Callable[[Outcome], object]]] = [
    ("requests", lambda outcome: f"{outcome.requests:,}"),
    ("submissions thanked for", lambda outcome: f"{outcome.submissions:,}"),
    ("seconds", lambda outcome: f"{outcome.seconds:.0f}"),
    ("requests/s", lambda outcome: f"{outcome.requests / outcome.seconds:.0f}"),
    ("median ms", lambda outcome: f"{outcome.median:.0f}"),
    ("99th ms", lambda outcome: f"{outcome.percentile_99:.0f}"),
    ("slowest ms", lambda outcome: f"{outcome.slowest:.0f}"),
    ("peak MB of a process", lambda outcome: f"{outcome.memory:.0f}"),
    ("kills", lambda outcome: outcome.kills),
    ("answers lost in them", lambda outcome: outcome.lost_answers),
    ("error answers", lambda outcome: len(outcome.bad_answers)),
    ("submissions missing", lambda outcome: len(outcome.missing)),
    ("broken rules", lambda outcome: len(outcome.broken_rules)),
]


def main() -> int:
    """Run the scenarios, one after the other; returns 1 if something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO", help=f"{'; '.join(SCENARIOS)} (all)")
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--submissions", type=int, default=3000)
    parser.add_argument("--requests", type=int, default=20_000, help="of the churn")
    options = parser.parse_args()
    if unknown := set(options.scenario) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}. There are: {'; '.join(SCENARIOS)}")
    size = Size(options.workers, options.submissions, options.requests)
    outcomes = {}
    for name in options.scenario or SCENARIOS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        outcomes[name] = SCENARIOS[name](size)
        for trouble in problems(outcomes[name]):
            print(f"  {trouble}", file=sys.stderr)
    forks.stop()
    table = [[label, *(look(outcome) for outcome in outcomes.values())] for label, look in ROWS]
    headers = [f"{size.workers} workers", *(name.replace(", ", ",\n") for name in outcomes)]
    print(tabulate(table, headers=headers, disable_numparse=True, stralign="right"))
    return 0 if all(outcome.is_good for outcome in outcomes.values()) else 1


def problems(outcome: Outcome) -> list[str]:
    """Return what did not hold, the first of each kind."""
    return [*outcome.bad_answers[:20], *outcome.missing[:20], *outcome.broken_rules[:20]]


if __name__ == "__main__":
    sys.exit(main())
