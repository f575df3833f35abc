"""Rows about what one asks of the API: launch, rate, expire, status, download, approve, delete.

Each side is a process of its own and is measured from its start to its end. A loop makes one call an item
with a boto3 client in its default configuration, a pool the same with 32 threads; neither keeps a record.
They are given the ids, which ours has to find.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from tests.benchmarks import accounts
from tests.benchmarks._sides import Bench, Options, Theirs, alternate, bench, same
from tests.benchmarks.accounts import State
from tests.benchmarks.measures import Sample
from tests.benchmarks.table import LOOP, OURS, POOL, Section

Side = Callable[[Bench], Sample]

THREADS = 32
MOST_PROCESSES = 20  # of what starts a process a call
NAMES = {
    "mephisto": "Mephisto's functions",
    "dallinger": "Dallinger's MTurkService",
    "psiturk": "psiTurk's MTurkServices",
    "awscli": "the AWS CLI",
}
LAUNCH = ("--yes", "--again", "--quiet", "--detach")


class Crew:
    """The sides of a row, each with items of its own.

    Those are slices of what others have in the account, or, if the sides are `apart`, an account's run.
    """

    def __init__(self, options: Options, work: str, size: int, *, apart: bool = False) -> None:
        self.sides: dict[str, Side] = {}
        self._whole = {OURS, POOL}
        self._options, self._work, self._size, self._apart = options, work, size, apart

    def add(self, name: str, side: str, threads: int = 1, part: float | None = None, **more: Any) -> None:
        """Add a side, which does a part of its items unless it has threads."""
        number = sum(1 for other in self.sides if other != OURS)
        chosen = 1.0 if threads > 1 else self._options.part if part is None else part

        def run(place: Bench) -> Sample:
            items = self._items(place, number)
            return place.theirs(Theirs(side, self._work, items, threads, chosen, **more))

        self.sides[name] = run

    def add_all(self, peers: Sequence[str] = tuple(NAMES)) -> None:
        """Add a loop, a pool, and those peers that are installed."""
        self.add(LOOP, "boto3")
        self.add(POOL, "boto3", THREADS)
        self.add_peers(peers)

    def add_peers(self, peers: Sequence[str] = tuple(NAMES)) -> None:
        """Add those peers that are installed."""
        if self._options.peers:
            for side in peers:
                part = min(self._options.part, MOST_PROCESSES / self._size) if side == "awscli" else None
                self.add(NAMES[side], side, part=part, python=self._options.peers.python)

    def add_walkers(self, peers: Sequence[str]) -> None:
        """Add those peers that list the whole account instead."""
        for side in peers if self._options.peers else ():
            assert self._options.peers is not None
            job = Theirs(side, "list", ["all"], python=self._options.peers.python)
            self.sides[NAMES[side]] = partial(_do, job)
            self._whole.add(NAMES[side])

    def _items(self, place: Bench, number: int) -> list[str]:
        if self._work == "create":
            return [str(each) for each in range(self._size)]
        start = number * self._size
        slice_of_others = place.account.others[start : start + self._size]
        hit_ids = place.account.hit_ids if self._apart else slice_of_others
        return [accounts.answer_of(hit_id) for hit_id in hit_ids] if self._work == "approve" else hit_ids

    @property
    def estimated(self) -> frozenset[str]:
        """The sides that did a part."""
        return frozenset() if self._options.part == 1 else frozenset(self.sides) - self._whole


@contextmanager
def filled(ours: int, all_hits: int, state: State, latency_ms: int) -> Iterator[Bench]:
    """Start a crowd server with a run of ours and the HITs of others."""
    with bench(latency_ms=latency_ms) as place:
        place.account = accounts.fill(place, ours, all_hits - ours, state)
        yield place


def launch(options: Options) -> Iterator[Section]:
    """Launch a run where the endpoint is known: one was launched there before."""
    units = options.sized(1000)
    for latency in options.latencies or (0, 50, 150):
        crew = Crew(options, "create", units)
        crew.sides[OURS] = lambda place: _launch(place, units)[0]
        if latency == options.latency():
            crew.add_all()
        else:
            crew.add_all(peers=())
        with bench(latency_ms=latency) as place:
            _launch(place, units)
            samples = alternate(options, partial(same, place), crew.sides)
        limit = units * latency / 1000 / THREADS or None
        section = Section("launch", f"{units:,} HITs, {latency} ms a call", samples, limit, crew.estimated)
        section.aim("time, of the pool's", section.ratio(OURS, POOL), 1.1 if latency else 1.2)
        if latency >= 150:
            section.aim(f"time, of calls x RTT / {THREADS}", section.of_limit(OURS), 1.3)
        yield section


def _launch(place: Bench, units: int) -> tuple[Sample, Any]:
    path = place.write_run(units)
    sample, shown = place.ours("mturk/launch_run", str(path), *LAUNCH, "--json")
    return sample, json.loads(shown)


def rate(options: Options) -> Iterator[Section]:
    """Launch under a limit of calls a second, at an endpoint that is known."""
    units = options.sized(1000)
    for per_second in options.rates or (20, 100):
        reached: list[float] = []

        def ours(place: Bench, per_second: int = per_second, reached: list[float] = reached) -> Sample:
            time.sleep(1)  # until the bucket is full, for each side
            sample, document = _launch(place, units)
            reached.append(units / document["seconds"] / per_second)
            return sample

        def pool(place: Bench) -> Sample:
            time.sleep(1)
            items = [str(number) for number in range(units)]
            return place.theirs(Theirs("boto3", "create", items, THREADS))

        with bench(latency_ms=options.latency(), rate_limit=per_second) as place:
            _launch(place, max(1, units // 5))
            samples = alternate(options, partial(same, place), {OURS: ours, POOL: pool})
        title = f"launch {units:,} HITs under {per_second}/s, {options.latency()} ms a call"
        section = Section("rate", title, samples, units / per_second)
        section.aim("HITs a second, of the limit", sorted(reached)[len(reached) // 2], 0.98, at_least=True)
        it = section.middle(OURS)
        section.aim("share of calls throttled", it.refused / it.calls, 0.03)
        theirs = section.middle(POOL)
        if theirs.refused:
            section.notes.append("boto3 gives a call up after three attempts: HITs of the pool are missing")
        yield section


def expire(options: Options) -> Iterator[Section]:
    """Expire a run among the HITs of others."""
    hits, latency, first = options.sized(1000), options.latency(), None
    for account in (2 * hits, options.sized(10_000), options.sized(50_000)):
        crew = Crew(options, "expire", hits)
        crew.sides[OURS] = _on_run("mturk/expire_hits", "-yq")
        if account == options.sized(10_000):
            crew.add_all()
        else:
            crew.add(LOOP, "boto3")
        samples = alternate(options, partial(filled, hits, account, accounts.OPEN, latency), crew.sides)
        title = f"{hits:,} of {account:,} HITs, {latency} ms a call"
        section = Section("expire", title, samples, _least(hits, latency), crew.estimated)
        section.aim("a loop's time, of ours", section.ratio(LOOP, OURS), 12, at_least=True)
        first = first or section
        if section is not first:
            beside = section.middle(LOOP).server_cpu / first.middle(LOOP).server_cpu
            section.aim(f"server CPU of a call, of that among {2 * hits:,}", beside, 1.1)
        yield section


def status(options: Options) -> Iterator[Section]:
    """Show a run's status among the HITs of others."""
    hits, account, latency = options.sized(1000), options.sized(10_000), options.latency()
    crew = Crew(options, "status", hits)
    crew.sides[OURS] = _on_run("mturk/print_outstanding_hit_status", "--json", "-q")
    crew.add_all(("mephisto", "awscli"))
    crew.add_walkers(("psiturk", "dallinger"))
    samples = alternate(options, partial(filled, hits, account, accounts.OPEN, latency), crew.sides)
    title = f"{hits:,} of {account:,} HITs, {latency} ms a call"
    pages = math.ceil(account / 100)
    section = Section("status", title, samples, pages * latency / 1000, crew.estimated)
    section.aim("a loop's time, of ours", section.ratio(LOOP, OURS), 9.5, at_least=True)
    section.aim("calls beyond one a hundred HITs", section.middle(OURS).calls - pages, 2)
    yield section


def download(options: Options) -> Iterator[Section]:
    """Collect the answers of a run that has ended."""
    yield _over_all(options, "download", ("mturk/download_results", "-q"), accounts.SUBMITTED, 25)


def approve(options: Options) -> Iterator[Section]:
    """Approve all answers of a run."""
    script = ("mturk/review_assignments", "--approve-all", "-yq")
    for latency in options.latencies or (50, 150):
        yield _over_all(
            options._replace(latencies=(latency,)),
            "approve",
            script,
            accounts.COLLECTED,
            15 if latency < 150 else 24,
        )


def _over_all(options: Options, work: str, script: Sequence[str], state: State, aim: float) -> Section:
    """Do something to each of 5,000 HITs, which are all that an account has."""
    hits, latency = options.sized(5000), options.latency()
    crew = Crew(options, work, hits, apart=True)
    crew.sides[OURS] = _on_run(*script)
    crew.add_all([name for name in NAMES if work != "download" or name != "dallinger"])
    samples = alternate(options, partial(filled, hits, hits, state, latency), crew.sides, apart=True)
    title = f"{hits:,} HITs, {latency} ms a call"
    section = Section(work, title, samples, _least(hits, latency), crew.estimated)
    section.aim("a loop's time, of ours", section.ratio(LOOP, OURS), aim, at_least=True)
    return section


def remove(options: Options) -> Iterator[Section]:
    """Delete the HITs of a run among those of others."""
    hits, account, latency = options.sized(1000), options.sized(10_000), options.latency()
    crew = Crew(options, "delete", hits)
    crew.sides[OURS] = _on_run("mturk/delete_hits", "-yq")
    crew.add_all([name for name in NAMES if name != "dallinger"])
    samples = alternate(options, partial(filled, hits, account, accounts.REVIEWED, latency), crew.sides)
    title = f"{hits:,} of {account:,} HITs, {latency} ms a call"
    section = Section("delete", title, samples, _least(hits, latency), crew.estimated)
    section.aim("a loop's time, of ours", section.ratio(LOOP, OURS), 9, at_least=True)
    yield section


def _do(job: Theirs, place: Bench) -> Sample:
    return place.theirs(job)


def _on_run(script: str, *arguments: str) -> Side:
    """Return the side that is a script of ours, on the run that an account was filled with."""
    return lambda place: place.ours(script, "--run", place.account.run_id, *arguments)[0]


def _least(calls: int, latency_ms: int) -> float | None:
    """Return the seconds of so many calls on all threads, with nothing else to do; None without a delay."""
    return calls * latency_ms / 1000 / THREADS or None
