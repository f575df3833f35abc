"""Simulated workers for rehearsals: they work through the worker site, as people with browsers would.

Each worker is a thread of its own, and a run of a seed decides the same for the same worker every time.
"""

from __future__ import annotations

import hashlib
import signal
import string
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import FrameType

from crowdops.config.settings import Settings
from crowdops.console.interrupts import ending_signals
from crowdops.errors import UsageError
from crowdops.providers.crowd_server import client
from crowdops.simulation.worker import Behaviour, Totals, Worker

SHOW_SECONDS = 0.5  # between two looks at what the workers have done
_LETTERS = string.ascii_uppercase + string.digits


def worker_id(seed: int, number: int) -> str:
    """Return the id of a simulated worker: the same for a seed and a number on every machine."""
    digest = hashlib.sha256(f"simulated worker {number} of {seed}".encode()).digest()
    return "A" + "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:13])


def hire(settings: Settings, workers: int, seed: int) -> list[str]:
    """Invite the simulated workers of a seed and return their sign-in links; safe to repeat.

    UsageError anywhere but on a crowd server: at Amazon's endpoints work is for people.
    """
    if settings.environment != "local" or "amazonaws.com" in settings.endpoint:
        raise UsageError(
            f"Simulated workers work in the environment local only, not on {settings.environment}"
            f" ({settings.endpoint}). Nothing was done."
        )
    return [
        client.invite(settings, name=f"Simulated {number}", worker_id=worker_id(seed, number)).url
        for number in range(1, workers + 1)
    ]


def simulate(
    links: Sequence[str],
    behaviour: Behaviour,
    *,
    stop: threading.Event,
    report: Callable[[str], None],
    timeout: float = 30.0,
    show: Callable[[Totals], None] = lambda totals: None,
) -> Totals:
    """Let a worker per sign-in link work until nothing is left to do or `stop` is set. Returns what they did.

    A worker who is stopped gives back what is in hand. `report` gets a line for each thing that went wrong,
    from any thread. `timeout` is the time limit of a call, in seconds. `show` gets what they have done so
    far, now and then.
    """
    workers = [
        Worker(number, link, behaviour, stop, report, timeout) for number, link in enumerate(links, start=1)
    ]
    with ThreadPoolExecutor(max_workers=max(1, len(links))) as pool:
        futures = [pool.submit(worker.work) for worker in workers]
        at_work = set(futures)
        while at_work:
            _, at_work = wait(at_work, timeout=SHOW_SECONDS, return_when=FIRST_COMPLETED)
            show(_sum(worker.totals for worker in workers))
    return _sum(future.result() for future in futures)


def _sum(parts: Iterable[Totals]) -> Totals:
    totals = Totals()
    for own in parts:
        totals.add(own)
    return totals


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C, SIGTERM or SIGHUP sets. A second Ctrl-C interrupts as usual."""
    stop = threading.Event()

    def handle(number: int, _frame: FrameType | None) -> None:
        stop.set()
        is_hangup = number == signal.SIGHUP  # closing a terminal may send it twice
        signal.signal(number, signal.SIG_IGN if is_hangup else handlers[signal.Signals(number)])

    handlers = {number: signal.signal(number, handle) for number in ending_signals()}
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
