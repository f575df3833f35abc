"""What the benchmarks share: a crowd server with a home around it, both sides in processes, and tables."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tabulate import tabulate

from tests.benchmarks import measures
from tests.benchmarks.measures import Ended, Sample
from tests.benchmarks.peers import Peers
from tests.support.crowds import Crowd
from tests.support.home import Home
from tests.support.scripts import SCRIPTS

if TYPE_CHECKING:
    from tests.benchmarks.accounts import Account

__all__ = [
    "SCRIPTS",
    "Bench",
    "Options",
    "Theirs",
    "alternate",
    "bench",
    "crowd_on",
    "same",
    "show",
]

FUNDS = 1_000_000_00
REQUESTER = Path(__file__).with_name("requester.py")


class Options(NamedTuple):
    """How much is measured. `part`: what a side does of a long row of equal calls; the rest is reckoned."""

    scale: float = 1.0
    rounds: int = 1
    part: float = 0.2
    latencies: tuple[int, ...] = ()
    rates: tuple[int, ...] = ()
    peers: Peers | None = None

    def sized(self, size: int) -> int:
        """Return a size at this scale."""
        return max(1, round(size * self.scale))

    def latency(self) -> int:
        """Return the delay of rows that have one of them."""
        return self.latencies[0] if self.latencies else 50


class Theirs(NamedTuple):
    """A piece of work of another side: which of them, what it does, on what, and with how many threads."""

    side: str
    work: str
    items: Sequence[str]
    threads: int = 1
    part: float = 1.0
    python: Path = Path(sys.executable)


class Bench(Home):
    """A home on a crowd server, with money enough, whose scripts run as a user runs them.

    `beside`: processes that do a part of the server's work, such as a database's. `account`: what
    accounts.fill() has made there.
    """

    account: Account

    def __init__(self, folder: Path, crowd: Crowd, beside: Sequence[int] = ()) -> None:
        patch = pytest.MonkeyPatch()
        for name in [name for name in os.environ if name.startswith(("AWS_", "CROWDOPS_"))]:
            patch.delenv(name)
        patch.setenv("CROWDOPS_ENV_FILE", os.devnull)
        super().__init__(crowd, folder, patch)
        patch.delenv("CROWDOPS_POLL_INTERVAL")  # as users have it
        # Nor do they compile every module at every start: the libraries of the other sides are compiled, too.
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        self.patch, self.beside, self.is_counted = patch, beside, True
        self.set_funds(FUNDS)

    def ours(
        self,
        script: str,
        *arguments: str,
        ok: Sequence[int] = (0,),
        meanwhile: Callable[[], object] | None = None,
    ) -> tuple[Sample, str]:
        """Run a script in a fresh interpreter to its end; what it took, and its stdout."""
        command = [sys.executable, str(SCRIPTS / f"{script}.py"), *arguments]
        return self._measure(lambda: measures.run(command, ok=ok, meanwhile=meanwhile))

    def theirs(self, job: Theirs) -> Sample:
        """Let another side do a piece of work, from the start of its process to its end, or a part of it."""
        return self.theirs_in_detail(job)[0]

    def theirs_in_detail(self, job: Theirs) -> tuple[Sample, dict[str, float]]:
        """Do theirs(); what it took, and what it says itself."""
        part = job.items[: max(1, round(len(job.items) * job.part))]
        ids = self.folder / "ids"
        ids.write_text("\n".join(part))
        command = [str(job.python), str(REQUESTER), job.side, job.work, "--url", self.crowd.url]
        command += ["--ids", str(ids), "--threads", str(job.threads)]
        environment = {**os.environ, **self.crowd.environment}
        sample, shown = self._measure(lambda: measures.run(command, environment))
        said: dict[str, float] = json.loads(shown)
        return sample.times(len(job.items) / len(part), said), said

    def _measure(self, work: Callable[[], Ended]) -> tuple[Sample, str]:
        calls, cpu = self._calls(), self.server_seconds()
        ended = work()
        server = self.server_seconds() - cpu
        ok, failed = (after - before for before, after in zip(calls, self._calls(), strict=True))
        return Sample(ok + failed, ended.seconds, ended.cpu, server, failed, ended.megabytes), ended.stdout

    def _calls(self) -> tuple[int, int]:
        if not self.is_counted:
            return 0, 0
        numbers = self.crowd.calls().values()
        return sum(number["ok"] for number in numbers), sum(number["failed"] for number in numbers)

    def server_seconds(self) -> float:
        """Return what the server has used of the processor so far."""
        return measures.processor_seconds([self.crowd.pid, *self.beside])


def alternate(
    options: Options,
    places: Callable[[], AbstractContextManager[Bench]],
    sides: Mapping[str, Callable[[Bench], Sample]],
    *,
    apart: bool = False,
) -> dict[str, list[Sample]]:
    """Let the sides have their turns, each round in the other order and at a place of its own.

    `apart`: each side, too, has a place of its own.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in sides}
    for number in range(options.rounds):
        order = list(sides)[:: -1 if number % 2 else 1]
        for names in [[name] for name in order] if apart else [order]:
            with places() as place:
                for name in names:
                    samples[name].append(sides[name](place))
    return samples


@contextmanager
def bench(beside: Sequence[int] = (), **crowd: object) -> Iterator[Bench]:
    """Start a crowd server with these conditions, and a home beside it."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Crowd(balance="1000000.00", **crowd) as running,  # type: ignore[arg-type]
    ):
        place = Bench(Path(folder), running, beside)
        place.is_counted = bool(crowd.get("control", True))
        try:
            yield place
        finally:
            place.close()
            place.patch.undo()


@contextmanager
def same(place: Bench) -> Iterator[Bench]:
    """Give each round the same place."""
    yield place


@contextmanager
def crowd_on(place: Bench, **conditions: object) -> Iterator[Bench]:
    """Serve a place's crowd anew at the same address, under other conditions."""
    before, port = place.crowd, int(place.crowd.url.rpartition(":")[2])
    before.stop()
    with Crowd(before.home, port=port, **conditions) as crowd:  # type: ignore[arg-type]
        place.crowd = crowd
        try:
            yield place
        finally:
            place.crowd = before


def show(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print one table."""
    sys.stdout.write(f"{title}\n{tabulate(rows, headers=headers, floatfmt='.2f')}\n\n")
    sys.stdout.flush()
