"""The task server beside the least that Flask can do: python -m tests.benchmarks.task_server

The other side is a Flask route that returns a constant, under the same gunicorn with the same settings. Both
are asked by the same load: connections kept open, each with one request under way at any time, from processes
of their own. Then the same again with a million rows in place of a hundred, and with the leases on PostgreSQL
where that is installed. Rounds alternate, so that what else the machine does falls on both; the medians are
shown.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.support import postgresql
from tests.support.task_servers import Served, animals, unit_path, write_folder

GENERATORS = 2
CONSTANT = '''"""A Flask route that returns a constant, under the task server's gunicorn settings."""
from flask import Flask
from taskserver.wsgi import *
wsgi_app = "constant:app"
app = Flask("constant")
PAGE = %r
app.add_url_rule("/unit", "unit", lambda: PAGE)
app.add_url_rule("/health", "health", lambda: {"status": "ok"})
'''


class Figures(NamedTuple):
    """One round: requests per second, processor time of one in microseconds, and times in milliseconds."""

    per_second: float
    processor: float
    median: float
    percentile_99: float


class Client(asyncio.Protocol):
    """One connection that asks for the next path as soon as it has the answer to the last."""

    def __init__(
        self, paths: Iterator[str], until: float, times: list[float], done: Callable[[], None]
    ) -> None:
        self._paths = paths
        self._until = until
        self._times = times
        self._done = done
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            return
        assert head.startswith(b"HTTP/1.1 200"), self._buffer.decode()
        self._times.append(time.perf_counter() - self._asked)
        self._buffer = b""
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._done()

    def _ask(self) -> None:
        if time.monotonic() >= self._until:
            self._transport.close()
            return
        self._asked = time.perf_counter()
        self._transport.write(f"GET {next(self._paths)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())


def generate(port: int, paths: list[str], connections: int, seconds: float) -> list[float]:
    """Response times of one generator process."""

    async def load() -> list[float]:
        times: list[float] = []
        left = asyncio.Semaphore(0)
        supply = iter(paths)
        loop = asyncio.get_running_loop()
        until = time.monotonic() + seconds
        for _ in range(connections):
            await loop.create_connection(
                lambda: Client(supply, until, times, left.release), "127.0.0.1", port
            )
        for _ in range(connections):
            await left.acquire()
        return times

    return asyncio.run(load())


def measure(
    pool: ProcessPoolExecutor, server: Served, paths: list[str], options: argparse.Namespace
) -> Figures:
    """One round of load against one server, each path asked for at most once."""
    before = processor_seconds(server)
    share = [
        pool.submit(
            generate, server.port, paths[part::GENERATORS], options.connections // GENERATORS, options.seconds
        )
        for part in range(GENERATORS)
    ]
    times = sorted(spent for future in share for spent in future.result())
    return Figures(
        len(times) / options.seconds,
        1_000_000 * (processor_seconds(server) - before) / len(times),
        1000 * statistics.median(times),
        1000 * times[int(0.99 * len(times))],
    )


def processor_seconds(server: Served) -> float:
    """Processor time that the server's processes have used."""
    return sum(sum(child.cpu_times()[:2]) for child in psutil.Process(server.process.pid).children())


def visits(count: int, units: int, round_number: int) -> list[str]:
    """Every request opens a unit anew: another assignment, another worker, another lease."""
    return [
        unit_path(index * 7919 % units, f"3R{round_number}N{index}", f"A{index}W{round_number}")
        for index in range(count)
    ]


def make_constant(folder: Path) -> None:
    """Turn a task server's folder into the other side; the constant is a page as long as a task's."""
    with Served(folder, fresh=True) as server:
        page = server.open(0, "3LENGTH").text
    (folder / "constant.py").write_text(CONSTANT % page)
    (folder / "Procfile").write_text("web: gunicorn --config python:constant\n")


def show(label: str, rounds: list[Figures], start: float, constant: list[Figures]) -> None:
    """Print a line of the table. Ratios are taken to the constant's round of the same minute."""
    speed, processor, median, slow = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(
        ours.per_second / theirs.per_second for ours, theirs in zip(rounds, constant, strict=True)
    )
    tail = statistics.median(figures.percentile_99 / figures.median for figures in rounds)
    print(
        f"{label:34} {speed:7.0f} /s {ratio:6.2f} {processor:7.0f} us {median:9.1f} ms {slow:9.1f} ms"
        f" {tail:6.2f} {start:8.2f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="crowdops-benchmark-"))
    try:
        compare(directory, options)
    finally:
        shutil.rmtree(directory)


def compare(directory: Path, options: argparse.Namespace) -> None:
    """Start all the servers, let the rounds alternate between them, print the table."""
    processes = {"WEB_CONCURRENCY": str(options.processes)}
    constant = write_folder(directory / "constant", animals(1))
    make_constant(constant)
    few = write_folder(directory / "few", animals(100))
    many = write_folder(directory / "many", animals(options.rows))
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ProcessPoolExecutor(GENERATORS, get_context("spawn")))
        sides = [
            ("a constant from Flask", stack.enter_context(Served(constant, fresh=True, **processes)), 0),
            ("a unit of 100 rows", stack.enter_context(Served(few, fresh=True, **processes)), 100),
            (
                f"a unit of {options.rows:,} rows",
                stack.enter_context(Served(many, fresh=True, **processes)),
                options.rows,
            ),
        ]
        if reason := postgresql.missing():
            print(reason)
        else:
            cluster = stack.enter_context(postgresql.Cluster())
            shared = write_folder(directory / "shared", animals(100))
            server = stack.enter_context(Served(shared, DATABASE_URL=cluster.url, fresh=True, **processes))
            sides.append(("the same, leases on PostgreSQL", server, 100))
        rounds: list[list[Figures]] = [[] for _ in sides]
        for number in range(options.rounds + 1):
            for (_, server, units), figures in zip(sides, rounds, strict=True):
                count = int(options.seconds * 8000)
                paths = visits(count, units, number) if units else ["/unit"] * count
                figures.append(measure(pool, server, paths, options))
        served = [json.dumps(side[1].health().get("served")) for side in sides]
    print(
        f"{options.connections} connections, {options.processes} process(es), {options.rounds} rounds of"
        f" {options.seconds:g} s; leases given: {', '.join(served)}"
    )
    print(
        f"{'':34} {'requests':>10} {'ratio':>6} {'processor':>10} {'median':>12} {'99th':>12}"
        f" {'ratio':>6} {'start':>10}"
    )
    warm = [figures[1:] for figures in rounds]
    for (label, server, _), figures in zip(sides, warm, strict=True):
        show(label, figures, server.seconds_to_start, warm[0])


if __name__ == "__main__":
    main()
