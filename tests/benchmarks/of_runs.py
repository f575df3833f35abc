"""Rows about runs: the pool that is refilled, the crash that is cleaned up, and the command on nothing."""

from __future__ import annotations

import json
import math
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial

from sqlalchemy import select

from crowdserver.storage import schema
from crowdserver.worker.refusals import Refused
from tests.benchmarks import accounts
from tests.benchmarks._sides import Bench, Options, Theirs, alternate, bench, crowd_on, same
from tests.benchmarks.measures import Sample
from tests.benchmarks.of_requests import filled
from tests.benchmarks.table import LOOP, OURS, Section
from tests.support.processes import wait_until

PLACES, SUBMISSIONS_A_SECOND, SECONDS, POLL = 200, 20, 60, "5"
RATE = 20
LONG_ENOUGH = 600


def pool(options: Options) -> Iterator[Section]:
    """Keep so many units out while workers submit steadily: how long is a place empty?"""
    seconds = max(15, round(SECONDS * options.scale))
    units = PLACES + seconds * SUBMISSIONS_A_SECOND
    empty: list[list[float]] = []

    def ours(place: Bench) -> Sample:
        path = place.write_run(units, max_num_concurrent_units=PLACES)
        place.setenv(CROWDOPS_POLL_INTERVAL=POLL)
        command = ("mturk/launch_run", str(path), "--yes", "--again", "--quiet")
        sample, _ = place.ours(*command, meanwhile=lambda: _work(place, units))
        empty.append(empty_seconds(place))
        return sample

    latency = options.latency()
    samples = alternate(options, partial(bench, latency_ms=latency), {OURS: ours})
    title = f"{PLACES} places, {SUBMISSIONS_A_SECOND} submissions/s, {units:,} units, {latency} ms a call"
    section = Section("pool", title, samples, units / SUBMISSIONS_A_SECOND)
    deciles = [statistics.quantiles(seconds, n=10) for seconds in empty]
    section.aim("seconds that a place is empty, median", statistics.median(one[4] for one in deciles), 6)
    section.aim("the same, 90th percentile", statistics.median(one[8] for one in deciles), 9)
    section.aim("calls a unit", section.middle(OURS).calls / units, 3.1)
    yield section


def _work(place: Bench, units: int) -> None:
    """Wait until all places are taken, and then submit steadily until all units are done."""
    out = "SELECT count(*) FROM units WHERE hit_id <> ''"
    wait_until(lambda: place.sql(out) == [(PLACES,)], LONG_ENOUGH)
    [(hit_type_id,)] = place.sql("SELECT hit_type_id FROM task_runs")
    started = time.monotonic()
    for number in range(units):
        time.sleep(max(0.0, started + number / SUBMISSIONS_A_SECOND - time.monotonic()))
        wait_until(lambda: _submit_one(place, hit_type_id), LONG_ENOUGH)


def _submit_one(place: Bench, hit_type_id: str) -> bool:
    """Accept whatever is free, and submit it. False if nothing is."""
    try:
        place.submit(place.accept_next(hit_type_id, accounts.WORKER).assignment_id)
    except Refused:
        return False
    return True


def empty_seconds(place: Bench) -> list[float]:
    """How long places were empty: the n-th one that got free went to the n-th HIT after the first poolful."""
    with place.crowd.database.read() as tx:
        created = sorted(tx.execute(select(schema.hits.c.created_at)).scalars())
        freed = sorted(tx.execute(select(schema.assignments.c.submitted_at)).scalars())
    return [refill - submission for submission, refill in zip(freed, created[PLACES:], strict=False)]


def recover(options: Options) -> Iterator[Section]:
    """Take down what a crashed run left, under a limit of calls, alone and among the HITs of others."""
    hits, latency = options.sized(1000), options.latency()
    for account in (hits, options.sized(20_000)):

        def ours(place: Bench) -> Sample:
            with closing(sqlite3.connect(place.home / "registry.db")) as registry, registry:
                registry.execute("UPDATE task_runs SET detached = 0")  # it needs a process, and has none
            with crowd_on(place, rate_limit=RATE, latency_ms=latency):
                sample, _ = place.ours("local/recover", "--yes", "--quiet")
                left = json.loads(place.ours("local/recover", "--yes", "--quiet", "--json")[1])
            assert left["crashed_runs"] == [] and left["orphan_hits"] == 0, left
            return sample

        samples = alternate(options, partial(filled, hits, account, accounts.OPEN, 0), {OURS: ours})
        calls = hits + math.ceil(account / 100) + 1
        title = f"{hits:,} orphans among {account:,} HITs under {RATE}/s, {latency} ms a call"
        section = Section("recover", title, samples, calls / RATE)
        section.aim("time, of one call an orphan and a hundred HITs", section.of_limit(OURS), 1.15)
        section.aim("time, of one call an orphan", section.middle(OURS).seconds / (hits / RATE))
        yield section


def empty(options: Options) -> Iterator[Section]:
    """Show the status of an empty account, beside a bare client that asks for its HITs."""
    rounds = options._replace(rounds=max(7, options.rounds))
    script = "mturk/print_outstanding_hit_status"
    sides = {
        OURS: lambda place: place.ours(script)[0],
        LOOP: lambda place: place.theirs(Theirs("boto3", "page", ["-"])),
    }
    with bench() as place:
        samples = alternate(rounds, partial(same, place), sides)
    section = Section("empty", "status of an empty account, 0 ms a call", samples)
    section.aim("CPU, of a bare boto3 client's", section.ratio(OURS, LOOP, "client_cpu"), 1.15)
    yield section
