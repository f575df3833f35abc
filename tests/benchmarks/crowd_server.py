"""Writes at the crowd server on sqlite: python -m tests.benchmarks.crowd_server [--seconds N] [--rounds N]

Creations are CreateHITWithHITType from so many connections at once, signed before the clock starts; beside
them, by the same connections, PutItem at moto's server, which keeps an item in memory and nothing on a disk.
A venv with moto is made in a temporary folder, unless --moto names the Python of one. Accept and submit are
what a worker's browser sends for each task, and nothing else. Rounds alternate between the sides, and between
them and the crowd server of another version, if --beside names its folder `lib`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import boto3
import psutil
import requests

from tests.benchmarks._sides import show
from tests.load.connections import Browser, Connection, Log
from tests.support.forks import REPOSITORY
from tests.support.offers import ask_for_invitation, html_question, sign
from tests.support.processes import free_port, wait_until

MOTO = "moto[dynamodb,server]==5.2.5"
CREATE, PUT = "MTurkRequesterServiceV20170117.CreateHITWithHITType", "DynamoDB_20120810.PutItem"
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
# One connection's work, until the time is over.
Work = Callable[[float], Awaitable[None]]


class Figures(NamedTuple):
    """One round: of what the server was asked for, so many a second, and what each took."""

    per_second: float
    processor_ms: float
    median_ms: float
    percentile_99_ms: float


class Served:
    """A server in a process of its own, and what is asked of it."""

    def __init__(self, command: list[str], environment: dict[str, str], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, env={**os.environ, **environment}, **quiet)
        wait_until(lambda: _accepts(port), 60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def processor_seconds(self) -> float:
        """Processor time that its processes have used."""
        main = psutil.Process(self._process.pid)
        return sum(sum(one.cpu_times()[:2]) for one in (main, *main.children(recursive=True)))


class CrowdServer(Served):
    """A crowd server on a new sqlite file, of this version or of another one."""

    def __init__(self, folder: Path, lib: Path, processes: int) -> None:
        port = free_port()
        command = [sys.executable, "-m", "crowdserver", "--port", str(port), "--balance", "100000000.00"]
        environment = {"PYTHONPATH": str(lib), "CROWDOPS_HOME": str(folder), "CROWD_DATABASE_URL": ""}
        super().__init__([*command, "--processes", str(processes)], environment, port)
        text = (folder / "crowd" / "credentials").read_text()
        self.credentials = tuple(re.findall(r"= *(\S+)", text)[:2])
        key_id, secret = self.credentials
        client: Any = boto3.client(
            "mturk",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
        )
        self.hit_type = client.create_hit_type(
            Title="Look", Description="Look", Reward="0.01", AssignmentDurationInSeconds=600
        )["HITTypeId"]

    def creations(self, log: Log, count: int) -> list[Work]:
        """What so many connections do to create HITs."""
        question = {"HITTypeId": self.hit_type, "Question": html_question(), "LifetimeInSeconds": 86400}
        body = json.dumps({**question, "MaxAssignments": 1}).encode()
        address, headers = f"{self.url}/", {"X-Amz-Target": CREATE}
        # The same one over and over: without a token each makes another HIT.
        signed = sign(address, body, self.credentials, headers)  # type: ignore[arg-type]
        return [repeated(Connection(self.url, log), signed, body) for _ in range(count)]

    def workers(self, log: Log, count: int) -> list[Work]:
        """What so many browsers do to accept and submit whatever is there."""
        return [self._worker(Browser(self.url, log)) for _ in range(count)]

    def _worker(self, browser: Browser) -> Work:
        link = ask_for_invitation(self.url, self.credentials).json()["url"]  # type: ignore[arg-type]

        async def work(until: float) -> None:
            await browser.get("sign in", link.removeprefix(self.url))
            form = {"form_token": _FORM_TOKEN.findall((await browser.get("list", "/")).text)[0]}
            while time.monotonic() < until:
                accepted = await browser.post("accept", f"/groups/{self.hit_type}/accept", form)
                assignment_id = accepted.headers["location"].rpartition("/")[2]
                fields = {"assignmentId": assignment_id, "label": "cat"}
                await browser.post_from_frame("submit", "/mturk/externalSubmit", fields)
            browser.close()

        return work


class Moto(Served):
    """moto's server, with one table."""

    def __init__(self, python: str) -> None:
        port = free_port()
        super().__init__([python, "-m", "moto.server", "-p", str(port)], {}, port)
        kinds = {"AttributeName": "id"}
        table = {
            "TableName": "hits",
            "KeySchema": [{**kinds, "KeyType": "HASH"}],
            "AttributeDefinitions": [{**kinds, "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
        headers = self._headers(b"") | {"X-Amz-Target": "DynamoDB_20120810.CreateTable"}
        requests.post(self.url, json=table, headers=headers, timeout=30).raise_for_status()

    def creations(self, log: Log, count: int) -> list[Work]:
        """What so many connections do to put items of the same size into it."""
        item = {"id": {"S": "3" * 30}, "question": {"S": html_question()}, "lifetime": {"N": "86400"}}
        body = json.dumps({"TableName": "hits", "Item": item}).encode()
        signed = self._headers(body)
        return [repeated(Connection(self.url, log), signed, body) for _ in range(count)]

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {"X-Amz-Target": PUT, "Content-Type": "application/x-amz-json-1.0"}
        signed = sign(f"{self.url}/", body, ("key", "secret"), headers)
        signed["Authorization"] = signed["Authorization"].replace("mturk-requester", "dynamodb")
        return signed


def repeated(connection: Connection, headers: dict[str, str], body: bytes) -> Work:
    """What a connection does to send the same signed request over and over."""

    async def work(until: float) -> None:
        while time.monotonic() < until:
            await connection.ask("create", "POST", "/", headers, body)
        connection.close()

    return work


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def measure(
    side: Served, make: Callable[[Log], list[Work]], seconds: float, what: tuple[str, ...]
) -> Figures:
    """One round; what: the requests that count as one when they have all been answered."""
    log = Log()
    works = make(log)
    before = side.processor_seconds()

    async def work() -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(*(one(until) for one in works))

    asyncio.run(work())
    bad = {key: count for key, count in log.answers.items() if key[1] not in (200, 303)}
    if bad or log.lost or log.hung:
        raise SystemExit(f"{side.url} answered {bad or log.lost or log.hung}")
    done = sum(count for (name, _), count in log.answers.items() if name == what[-1])
    if not done:
        raise SystemExit(f"{side.url} answered no {what[-1]} in {seconds:g} s: give it more")
    times = sorted(log.seconds)
    return Figures(
        done / seconds,
        1000 * (side.processor_seconds() - before) / done,
        1000 * statistics.median(times),
        1000 * times[int(0.99 * len(times))],
    )


def rows(rounds: dict[str, list[Figures]]) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a table; each ratio is taken to the first side's round of the same minute."""
    first = next(iter(rounds.values()))
    for label, figures in rounds.items():
        ratio = statistics.median(
            one.per_second / other.per_second for one, other in zip(first, figures, strict=True)
        )
        yield (label, *(statistics.median(column) for column in zip(*figures, strict=True)), ratio)


def compare(options: argparse.Namespace, moto: str, folder: Path) -> None:
    """Start all sides, let the rounds alternate between them, print the tables."""
    libs = {"crowd server": REPOSITORY / "lib"}
    libs |= {f"crowd server of {options.beside}": options.beside} if options.beside else {}
    with contextlib.ExitStack() as stack:
        ours = {
            label: stack.enter_context(CrowdServer(folder / str(number), lib.resolve(), options.processes))
            for number, (label, lib) in enumerate(libs.items())
        }
        sides: dict[str, CrowdServer | Moto] = {**ours, "moto's PutItem": stack.enter_context(Moto(moto))}
        count, seconds = options.connections, options.seconds
        created: dict[str, list[Figures]] = {label: [] for label in sides}
        worked: dict[str, list[Figures]] = {label: [] for label in ours}
        for _ in range(options.rounds):
            for label, side in sides.items():
                made = measure(side, partial(side.creations, count=count), seconds, ("create",))
                created[label].append(made)
            for label, server in ours.items():
                done = measure(
                    server,
                    partial(server.workers, count=count),
                    seconds / 2,
                    ("accept", "submit"),
                )
                worked[label].append(done)
    headers = ("", "a second", "CPU ms each", "median ms", "99th ms", "times as many")
    load = f"{count} connections, {options.rounds} rounds of {seconds:g} s"
    show(f"Creations, {load}", headers, list(rows(created)))
    show("Accepted and submitted, rounds of half as long", headers, list(rows(worked)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--beside", type=Path, metavar="LIB")
    parser.add_argument("--moto", metavar="PYTHON", help="of a venv that has moto's server")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        python = options.moto or f"{folder}/moto/bin/python"
        if not options.moto:
            subprocess.run([sys.executable, "-m", "venv", f"{folder}/moto"], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", MOTO], check=True)
        compare(options, python, Path(folder))


if __name__ == "__main__":
    main()
