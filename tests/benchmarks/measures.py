"""What a process cost: its own time, processor and memory, and what it cost the server that it spoke to."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import psutil

LOOK_SECONDS = 0.05
ENDED = (psutil.NoSuchProcess, psutil.ZombieProcess, FileNotFoundError, ProcessLookupError)


class Sample(NamedTuple):
    """What one side took once. Times are seconds; `refused`: calls that got no good answer."""

    calls: float
    seconds: float
    client_cpu: float
    server_cpu: float
    refused: float
    megabytes: float

    def times(self, factor: float, said: Mapping[str, float]) -> Sample:
        """Return what it would have taken for so many times the work, of which it has said what it took."""
        return Sample(
            calls=self.calls + (self.calls - said["prepared"]) * (factor - 1),
            seconds=self.seconds + said["seconds"] * (factor - 1),
            client_cpu=self.client_cpu + said["cpu"] * (factor - 1),
            server_cpu=self.server_cpu * factor,
            refused=self.refused * factor,
            megabytes=self.megabytes,
        )


class Ended(NamedTuple):
    """A process that has ended: seconds, of them on a processor, its largest memory, and its stdout."""

    seconds: float
    cpu: float
    megabytes: float
    stdout: str


def run(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    ok: Sequence[int] = (0,),
    meanwhile: Callable[[], object] | None = None,
) -> Ended:
    """Run a program to its end, and do something meanwhile. Raises SystemExit if it fails."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        out, said = Path(folder, "stdout"), Path(folder, "stderr")
        with out.open("wb") as stdout, said.open("wb") as stderr:
            started = perf_counter()
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
            )
            peaks = [0.0]
            over = threading.Event()
            watcher = threading.Thread(target=_watch, args=(process.pid, over, peaks))
            watcher.start()
            helper = threading.Thread(target=meanwhile or (lambda: None))
            helper.start()
            _, status, usage = os.wait4(process.pid, 0)
            seconds = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        watcher.join()
        helper.join()
        if process.returncode not in ok:
            raise SystemExit(f"{' '.join(command)}\nended with {process.returncode}: {said.read_text()}")
        return Ended(seconds, usage.ru_utime + usage.ru_stime, max(peaks), out.read_text())


def _watch(pid: int, over: threading.Event, peaks: list[float]) -> None:
    """Note the largest resident set that the kernel knows of a process, again and again.

    Not that of wait4(): it counts what the parent had in memory when it forked.
    """
    while not over.wait(LOOK_SECONDS):
        with suppress(*ENDED):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            peaks.extend(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def processor_seconds(pids: Iterable[int]) -> float:
    """Return what processes and all of their children have used of the processor."""
    total = 0.0
    for pid in pids:
        with suppress(*ENDED):
            process = psutil.Process(pid)
            for member in (process, *process.children(recursive=True)):
                with suppress(*ENDED):
                    times = member.cpu_times()
                    total += times.user + times.system
    return total
