"""Rows about the crowd server: beside an emulator that people use, and PostgreSQL beside sqlite.

Requests are signed before the clock starts and come from 32 connections of one process, as fast as they are
answered, for some seconds. A line's seconds are those of a thousand calls; its CPU is the servers' alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select

from crowdserver.storage import schema
from tests.benchmarks import accounts
from tests.benchmarks._sides import Bench, Options, alternate, bench, same
from tests.benchmarks.crowd_server import CrowdServer, Figures, Moto, Served, Work, measure, repeated
from tests.benchmarks.measures import Sample
from tests.benchmarks.table import Section
from tests.load.connections import Connection, Log
from tests.support import postgresql
from tests.support.forks import REPOSITORY
from tests.support.offers import sign

SQLITE, POSTGRESQL = "crowd server, sqlite", "crowd server, PostgreSQL"
MOTO = "moto, PutItem"
CONNECTIONS, A_PAGE = 32, 100
SECONDS, LEAST_SECONDS = 4, 2
SERVICE = "MTurkRequesterServiceV20170117"
Make = Callable[[Log], list[Work]]


class Asked(CrowdServer):
    """A crowd server that stands already, as what is asked here wants it."""

    def __init__(self, place: Bench) -> None:
        self._place = place
        self.url = place.crowd.url
        self.credentials = place.crowd.credentials
        with place.crowd.database.read() as tx:
            self.hit_type = tx.execute(select(schema.hits.c.hit_type_id).limit(1)).scalar_one()

    def processor_seconds(self) -> float:
        """Processor time that the server and its database have used."""
        return self._place.server_seconds()

    def requests(self, operation: str, inputs: Sequence[dict[str, object]], log: Log) -> list[Work]:
        """What as many connections as there are inputs do to ask for an operation, each with its own."""
        headers = {"X-Amz-Target": f"{SERVICE}.{operation}"}
        bodies = [json.dumps(one).encode() for one in inputs]
        return [
            repeated(Connection(self.url, log), sign(f"{self.url}/", body, self.credentials, headers), body)
            for body in bodies
        ]


def moto(options: Options) -> Iterator[Section]:
    """Create HITs as fast as they are taken, beside PutItem at moto's server, which keeps all in memory."""
    seconds = max(LEAST_SECONDS, SECONDS * options.scale)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        place = stack.enter_context(bench())
        servers: dict[str, CrowdServer | Moto] = {
            SQLITE: stack.enter_context(CrowdServer(folder, REPOSITORY / "lib", 1))
        }
        if options.peers:
            servers[MOTO] = stack.enter_context(Moto(str(options.peers.python)))
        sides = {
            name: partial(_asked, server, partial(_creations, server), seconds, ("create",))
            for name, server in servers.items()
        }
        rounds = options._replace(rounds=max(5, options.rounds))
        samples = alternate(rounds, partial(same, place), sides)
    section = Section("moto", f"creations, {CONNECTIONS} connections, 0 ms a call", samples)
    _tell_rates(section)
    section.aim("creations beside moto's PutItem", section.ratio(MOTO, SQLITE), 1.5, at_least=True)
    if not options.peers:
        section.notes.append("moto is one of the peers, which were left out")
    yield section


def _creations(server: CrowdServer | Moto, log: Log) -> list[Work]:
    return server.creations(log, CONNECTIONS)


def _asked(server: Served, make: Make, seconds: float, what: tuple[str, ...], _: Bench) -> Sample:
    """One round: a thousand of what was asked for."""
    figures: Figures = measure(server, make, seconds, what)
    return Sample(1000, 1000 / figures.per_second, 0, figures.processor_ms, 0, 0)


def _tell_rates(section: Section) -> None:
    for side in section.samples:
        it = section.middle(side)
        section.notes.append(f"{side}: {1000 / it.seconds:,.0f} a second, {it.server_cpu:.2f} ms of CPU each")


def databases(options: Options) -> Iterator[Section]:
    """Ask a server with 100,000 HITs for what it is asked most, on both databases, one process each."""
    hits = options.sized(100_000)
    with ExitStack() as stack:
        places = {SQLITE: stack.enter_context(_full(hits, []))}
        if not postgresql.missing():
            cluster = stack.enter_context(postgresql.Cluster())
            postmaster = int((cluster.directory / "data" / "postmaster.pid").read_text().split()[0])
            places[POSTGRESQL] = stack.enter_context(_full(hits, [postmaster], database=cluster.url))
        servers = {name: Asked(place) for name, place in places.items()}
        yield from _both(options, places, servers)


@contextmanager
def _full(hits: int, beside: list[int], **crowd: object) -> Iterator[Bench]:
    """Start a server that counts no calls, and fill it before another one is started."""
    with bench(beside, control=False, **crowd) as place:
        place.account = accounts.fill(place, 1, hits - 1)
        yield place


def _both(options: Options, places: dict[str, Bench], servers: dict[str, Asked]) -> Iterator[Section]:
    """Yield a section for each kind of request."""
    seconds = max(LEAST_SECONDS, SECONDS * options.scale)
    first: Section | None = None
    for name, (make, what, longer) in KINDS.items():
        sides = {
            side: partial(_asked, server, partial(make, places[side], server), seconds * longer, what)
            for side, server in servers.items()
        }
        samples = alternate(options, partial(same, places[SQLITE]), sides)
        section = Section("databases", f"{name}, {options.sized(100_000):,} HITs, 0 ms a call", samples)
        _tell_rates(section)
        section.aim("PostgreSQL beside sqlite", section.ratio(SQLITE, POSTGRESQL), 0.5, at_least=True)
        if name == FAR_DOWN and first:
            for side in sides:
                ratio = section.middle(side).seconds / first.middle(side).seconds
                section.aim(f"{side}: of the first page's time", ratio, 1.2)
        first = section
        yield section


def _create(_: Bench, server: Asked, log: Log) -> list[Work]:
    return server.creations(log, CONNECTIONS)


def _get(place: Bench, server: Asked, log: Log) -> list[Work]:
    return server.requests("GetHIT", [{"HITId": one} for one in place.account.others[:CONNECTIONS]], log)


def _work(_: Bench, server: Asked, log: Log) -> list[Work]:
    return server.workers(log, CONNECTIONS)


def _first_page(_: Bench, server: Asked, log: Log) -> list[Work]:
    return server.requests("ListHITs", [{"MaxResults": A_PAGE}] * 4, log)


def _page_far_down(place: Bench, server: Asked, log: Log) -> list[Work]:
    """The page that nine tenths of all HITs come before."""
    serial = schema.hits.c.serial
    with place.crowd.database.read() as tx:
        low, high = tx.execute(select(func.min(serial), func.max(serial))).one()
    token = place.crowd.opened.page_tokens.dumps(["ListHITs", high - (high - low) * 9 // 10])
    return server.requests("ListHITs", [{"MaxResults": A_PAGE, "NextToken": token}] * 4, log)


FAR_DOWN = "ListHITs, the page after nine tenths"
# What is done, the requests that make one of it, and how much longer than others: all workers sign in first.
KINDS: dict[str, tuple[Callable[[Bench, Asked, Log], list[Work]], tuple[str, ...], int]] = {
    "CreateHITWithHITType": (_create, ("create",), 1),
    "GetHIT": (_get, ("create",), 1),
    "accept and submit": (_work, ("accept", "submit"), 4),
    "ListHITs, the first page": (_first_page, ("create",), 1),
    FAR_DOWN: (_page_far_down, ("create",), 1),
}
