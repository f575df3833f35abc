"""Runs that a process attends go on whatever is done to their HITs; asked to, that process ends them."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from crowdops.config.settings import Settings
from crowdops.console import output
from crowdops.errors import ProviderError
from crowdops.providers import processes
from crowdops.registry import Run, locks
from crowdops.registry.locks import Holder

# The lock tells in whole seconds when it was taken, and start times shift when the clock is set.
SAME_SECONDS = 3.0


class Attended(NamedTuple):
    """A run and the process that attends it."""

    run: Run
    holder: Holder

    def describe(self) -> str:
        """Return in words that the run goes on, and how it is stopped."""
        return (
            f"{self.run.task_name} ({self.run.run_id}) goes on: it is attended by"
            f" {locks.describe(self.holder)}. To end it as Ctrl-C does there: --stop-run"
        )


def find(settings: Settings, runs: Iterable[Run], *, is_asked: bool) -> list[Attended]:
    """Return which of the runs are attended, and by whom; say of each that it goes on, or is to be ended."""
    holders = [(run, locks.holder_of(settings.home, run.run_id)) for run in runs]
    attended = [Attended(run, holder) for run, holder in holders if holder]
    for each in attended:
        if is_asked:
            output.say(
                f"{each.run.task_name} ({each.run.run_id}): {locks.describe(each.holder)} is to end it."
            )
        else:
            output.say(each.describe())
    return attended


def stop(settings: Settings, attended: Sequence[Attended]) -> list[tuple[str, str]]:
    """Send what Ctrl-C sends to the process of each run, once to each process, and say so.

    Returns the runs (id, why) whose process was not to be reached.
    """
    failed: list[tuple[str, str]] = []
    told: set[int] = set()
    for run, holder in attended:
        now = locks.holder_of(settings.home, run.run_id)
        if now != holder:
            failed.append((run.run_id, "the process that attended it has let go of it"))
        elif why := _tell(holder, told):
            failed.append((run.run_id, why))
        else:
            output.say(
                f"{run.task_name} ({run.run_id}): process {holder.pid} was told to end it. It waits for"
                f" accepted work. Look: make status RUN={run.run_id}"
            )
    return failed


def _tell(holder: Holder, told: set[int]) -> str | None:
    """Interrupt the process of a lock. Returns why that cannot be done."""
    if holder.host != socket.gethostname():
        return f"{locks.describe(holder)} is on another machine: stop it there, with Ctrl-C or SIGTERM"
    if holder.pid in told:
        return None
    process = processes.find(holder.pid) if holder.pid else None
    since = datetime.fromisoformat(holder.since).timestamp()
    # The process that took the lock ran by then: one that got its pid afterwards started later.
    if process is None or process.started > since + SAME_SECONDS:
        return f"{locks.describe(holder)} is not a process that this user can stop here"
    try:
        processes.interrupt(process)
    except ProviderError as error:
        return str(error)
    told.add(holder.pid)
    return None


def document(attended: Sequence[Attended]) -> list[dict[str, object]]:
    """Return the attended runs as JSON objects."""
    return [{"run_id": run.run_id, "by": holder._asdict()} for run, holder in attended]
