"""One call over many items: side by side, tallied, interrupted cleanly."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from crowdops.errors import Error, Unreachable

MAX_THREADS = 32

Item = TypeVar("Item")
Result = TypeVar("Result")


class Outcome(NamedTuple, Generic[Item, Result]):
    """One item's result, or the error it failed with (exactly one of the two is set)."""

    item: Item
    result: Result | None
    error: Error | None


def each(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int = MAX_THREADS,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome[Item, Result]]:
    """Yield an outcome for every item, in order of completion; the consumer's thread does the rest.

    At most `threads` items are taken ahead of the consumer. A failing item does not stop the others.
    When the other side stops answering, no more items are started until one call succeeds again;
    if none does, the iteration ends early: a hung endpoint costs one timeout, not one per item.
    `stop` is asked before each start. An exception that is not ours ends everything and is raised here.
    """
    waiting = iter(items)
    finished: queue.SimpleQueue[Outcome[Item, Result] | BaseException] = queue.SimpleQueue()

    def work(item: Item) -> None:
        try:
            finished.put(Outcome(item, function(item), None))
        except Error as error:
            finished.put(Outcome(item, None, error))
        except BaseException as bug:  # noqa: BLE001 - carried to the consumer's thread, and raised there
            finished.put(bug)

    running, paused, exhausted = 0, False, False
    with ThreadPoolExecutor(threads, thread_name_prefix="call") as pool:
        while True:
            while running < threads and not paused and not exhausted and not stop():
                try:
                    item = next(waiting)
                except StopIteration:
                    exhausted = True
                    break
                pool.submit(work, item)
                running += 1
            if running == 0:
                return
            outcome = finished.get()
            running -= 1
            if isinstance(outcome, BaseException):
                raise outcome
            paused = isinstance(outcome.error, Unreachable)
            yield outcome


@dataclass
class Tally(Generic[Item]):
    """`settled` are as they should be, `already` of them were so before; `failed` is (id, why)."""

    settled: list[Item] = field(default_factory=list)
    already: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    interrupted: bool = False

    @property
    def done(self) -> int:
        """How many were changed."""
        return len(self.settled) - self.already

    def add_untried(self, names: Iterable[str]) -> None:
        """What was not tried failed, unless somebody pressed Ctrl-C: then the endpoint fell silent."""
        if not self.interrupted:
            self.failed += [(name, "not tried: the endpoint does not answer") for name in names]


def trouble(name: str, row: int | None, why: object) -> tuple[str, str]:
    """Return a failure as reports show it: what failed, and the row of a file and the reason."""
    return name, f"row {row}: {why}" if row else str(why)
