"""Run a script that is struck by a signal at one of its registry commits.

    python tests/support/struck.py SIGKILL before|after NUMBER SCRIPT.py ARGUMENTS…

The signal is sent by the process to itself, just before or just after the transaction of that number, counted
from 1, is committed.
"""

import os
import runpy
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from crowdops.registry import Registry


def strike(name: str, when: str, number: int) -> None:
    """Let the signal strike at the commit of that number."""
    sign, original, count = signal.Signals[name], Registry.transaction, 0

    @contextmanager
    def transaction(registry: Registry, **options: bool) -> Iterator[None]:
        nonlocal count
        count += not registry._connection.in_transaction  # what is part of another is no commit of its own
        chosen = count == number and not registry._connection.in_transaction
        with original(registry, **options):
            yield
            if chosen and when == "before":
                os.kill(os.getpid(), sign)
        if chosen and when == "after":
            os.kill(os.getpid(), sign)

    setattr(Registry, "transaction", transaction)  # noqa: B010 - mypy forbids the plain form


if __name__ == "__main__":
    strike(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    sys.argv[:4] = []
    runpy.run_path(sys.argv[0], run_name="__main__")
