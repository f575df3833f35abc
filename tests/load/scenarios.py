"""Loads for a crowd server, what dies under them, and what came of each."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import psutil

from crowdserver.operations import workers
from crowdserver.operations.workers import Invitation
from tests.load import churn, ledger
from tests.load.connections import MOST_SECONDS, Log
from tests.load.workers import Work, Worker
from tests.support import fuzzing
from tests.support.crowds import Crowd
from tests.support.offers import offer

# What a worker may be told while the database is away, and at no other time.
UNAVAILABLE = 503
_LOOK_SECONDS = 0.05
_GROUPS = 3
_PER_HIT = 4
_LOG_END = 5000  # characters


class Outcome(NamedTuple):
    """What came of a load. Times in milliseconds; memory: the peak of the largest process, in MB."""

    requests: int
    submissions: int
    seconds: float
    median: float
    percentile_99: float
    slowest: float
    memory: float
    kills: int
    lost_answers: int
    bad_answers: list[str]
    missing: list[str]
    broken_rules: list[str]

    @property
    def is_good(self) -> bool:
        """Whether everything held."""
        return not (self.bad_answers or self.missing or self.broken_rules)


class Load:
    """So many workers, who do so many assignments at a crowd server.

    kill: what dies, and comes back, as often as `kills` says, evenly spread over the work.
    """

    def __init__(
        self, crowd: Crowd, count: int, goal: int, *, kill: Callable[[], None] | None = None, kills: int = 0
    ) -> None:
        self._crowd = crowd
        self._kill, self._kills = kill, kills
        self._borne = (UNAVAILABLE,) if kill is not None else ()
        self._work = Work(crowd.url, goal)
        self._workers = [
            Worker(self._work, f"/sign-in/{invitation.token}", seed=number)
            for number, invitation in enumerate(invite(crowd, count), start=1)
        ]
        client = crowd.client()
        hits = -(-goal // _PER_HIT)
        for number in range(_GROUPS):
            offer(client, len(range(number, hits, _GROUPS)), assignments=_PER_HIT)
        self._work.goal = hits * _PER_HIT

    def run(self) -> Outcome:
        """Let them work until all is submitted, and look at what is there then."""
        started = time.monotonic()
        memory = asyncio.run(self._run())
        seconds = time.monotonic() - started
        work = self._work
        lost = 0 if self._kill is not None else work.log.lost.total()
        bad = describe(self._crowd, work.log, *self._borne) + work.surprises
        return outcome(work.log, seconds, memory)._replace(
            submissions=len(work.thanked),
            kills=self._kills,
            bad_answers=[*bad, *([f"{lost} requests were not answered"] if lost else [])],
            missing=ledger.missing(self._crowd, work),
            broken_rules=ledger.broken_rules(self._crowd),
        )

    async def _run(self) -> float:
        async with asyncio.TaskGroup() as group:
            killing = group.create_task(self._kill_now_and_then())
            for worker in self._workers:
                group.create_task(worker.run())
        return max(killing.result(), peak_memory(self._crowd))

    async def _kill_now_and_then(self) -> float:
        """Kill at even distances; returns the most memory that a process had used by then."""
        most = 0.0
        for number in range(1, self._kills + 1):
            moment = self._work.goal * number / (self._kills + 1)
            while len(self._work.thanked) < moment:
                await asyncio.sleep(_LOOK_SECONDS)
            most = max(most, peak_memory(self._crowd))
            assert self._kill is not None
            await asyncio.to_thread(self._kill)
        return most


def run_churn(crowd: Crowd, count: int, requests: int) -> Outcome:
    """Let workers and a requester do everything at once to the same few HITs."""
    log = Log()
    links = [f"/sign-in/{invitation.token}" for invitation in invite(crowd, count)]
    started = time.monotonic()
    asyncio.run(churn.run(crowd, links, requests, log))
    seconds = time.monotonic() - started
    lost = [f"{what} was not answered {count} times" for what, count in log.lost.items()]
    return outcome(log, seconds, peak_memory(crowd))._replace(
        submissions=log.answers["submit", 200],
        bad_answers=describe(crowd, log) + lost,
        broken_rules=ledger.broken_rules(crowd),
    )


def outcome(log: Log, seconds: float, memory: float) -> Outcome:
    """Return what a log says; the rest is for the caller to fill in."""
    times = sorted(1000 * spent for spent in log.seconds)
    return Outcome(
        requests=log.requests,
        submissions=0,
        seconds=seconds,
        median=statistics.median(times),
        percentile_99=times[int(0.99 * len(times))],
        slowest=times[-1],
        memory=memory,
        kills=0,
        lost_answers=log.lost.total(),
        bad_answers=[],
        missing=[],
        broken_rules=[],
    )


def describe(crowd: Crowd, log: Log, *borne: int) -> list[str]:
    """Return the answers that nobody should have got, in words, and then what the server says of them."""
    errors = [f"{what}: {count} times {status}" for (what, status), count in log.errors(*borne).items()]
    errors += [f"{what}: {count} times no answer in {MOST_SECONDS} s" for what, count in log.hung.items()]
    return [*errors, (crowd.home / "stderr.log").read_text()[-_LOG_END:]] if errors else []


def invite(crowd: Crowd, count: int) -> list[Invitation]:
    """Invite so many workers."""
    with crowd.opened.writing() as (tx, now):
        return [workers.invite(tx, now, None, f"ALOAD{number}") for number in range(1, count + 1)]


def peak_memory(crowd: Crowd) -> float:
    """Return the most memory that any process of a server has used so far, in MB; 0 where it has died."""
    with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):
        processes = [crowd.pid, *(child.pid for child in psutil.Process(crowd.pid).children(recursive=True))]
        return max(fuzzing.peak_memory(pid) for pid in processes)
    return 0.0
