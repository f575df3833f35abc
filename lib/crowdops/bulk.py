"""One call over many items: side by side, counted, interrupted cleanly."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Generic, NamedTuple, TypeVar, cast

from crowdops.errors import Error, RegistryError, Unreachable

MAX_THREADS = 32
NOT_TRIED = "not tried: the endpoint does not answer"

Item = TypeVar("Item")
Result = TypeVar("Result")


class Outcome(NamedTuple, Generic[Item, Result]):
    """One item's result, or the error it failed with (exactly one of the two is set)."""

    item: Item
    result: Result | None
    error: Error | None

    def get(self) -> Result:
        """Return the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return cast(Result, self.result)


def outcomes(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int = MAX_THREADS,
    stop: Callable[[], bool] = lambda: False,
    together: Callable[[], AbstractContextManager[object]] | None = None,
) -> Iterator[Outcome[Item, Result]]:
    """Yield an outcome for every item, in order of completion; the consumer's thread does the rest.

    At most `threads` items are taken ahead of the consumer; with none, the consumer's own thread makes the
    calls, one after another. A failing item does not stop the others. When the other side stops answering, no
    more items are started until one call succeeds again; if none does, the iteration ends early: a hung
    endpoint costs one timeout, not one per item. `stop` is asked before each start. An Error of `items` is
    raised once the calls under way are over; an exception that is not ours ends everything and is raised.
    With `together`, all items for which there is a thread are taken in one such block, and started after it.
    """
    from concurrent.futures import ThreadPoolExecutor

    errors: list[Error] = []
    waiting = _until_error(items, errors)
    finished: queue.SimpleQueue[Outcome[Item, Result] | BaseException] = queue.SimpleQueue()
    running, paused, most = 0, False, threads or 1
    with ThreadPoolExecutor(most, thread_name_prefix="call") as pool:
        start: Callable[[Callable[[], None]], object] = pool.submit if threads else _at_once
        while True:
            # With `together`, whoever is through is heard first, so that there is room for more at once.
            if not paused and (together is None or finished.empty()):
                for item in _due(waiting, most - running, stop, together, errors):
                    running += 1
                    start(partial(_call, function, item, finished))
            if running == 0:
                break
            outcome = _next(finished)
            running -= 1
            paused = isinstance(outcome.error, Unreachable)
            yield outcome
    for error in errors:
        raise error


def _at_once(work: Callable[[], None]) -> None:
    work()


def _due(
    waiting: Iterator[Item],
    room: int,
    stop: Callable[[], bool],
    together: Callable[[], AbstractContextManager[object]] | None,
    errors: list[Error],
) -> Iterator[Item]:
    """Yield items to be started, for which there is `room`. `stop` is asked before each is taken.

    With `together` they are taken within one such block. If it fails, none is yielded, and its error is kept.
    """
    if together is None:
        for _ in range(room):
            if stop():
                return
            yield from islice(waiting, 1)
        return
    taken: list[Item] = []
    if room and not stop():
        try:
            with together():
                taken = [*islice(waiting, room)]
        except Error as error:
            errors.append(error)
            return
    yield from taken


def _until_error(items: Iterable[Item], errors: list[Error]) -> Iterator[Item]:
    """Yield items. An Error of theirs ends them, and is kept."""
    try:
        yield from items
    except Error as error:
        errors.append(error)


def _call(
    function: Callable[[Item], Result],
    item: Item,
    finished: queue.SimpleQueue[Outcome[Item, Result] | BaseException],
) -> None:
    """Put what came of an item into the queue, for the consumer's thread."""
    try:
        finished.put(Outcome(item, function(item), None))
    except Error as error:
        finished.put(Outcome(item, None, error))
    except BaseException as bug:  # noqa: BLE001 - carried to the consumer's thread, and raised there
        finished.put(bug)


class Errand(Generic[Item, Result]):
    """A call over one item in a thread that nobody has to wait for, not even the interpreter at its end."""

    def __init__(self, function: Callable[[Item], Result], item: Item) -> None:
        self.item = item
        self._finished: queue.SimpleQueue[Outcome[Item, Result] | BaseException] = queue.SimpleQueue()
        arguments = (function, item, self._finished)
        threading.Thread(target=_call, args=arguments, name="errand", daemon=True).start()

    def outcome(self, seconds: float) -> Outcome[Item, Result] | None:
        """Return what came of it, None if it is not over within so many seconds. To be asked for once."""
        try:
            return _next(self._finished, max(0.0, seconds))
        except queue.Empty:
            return None

    def result(self) -> Result:
        """Wait for its end; return the result, or raise the error. To be asked for once."""
        return _next(self._finished).get()


def _next(
    finished: queue.SimpleQueue[Outcome[Item, Result] | BaseException], seconds: float | None = None
) -> Outcome[Item, Result]:
    """Wait for an outcome, for so many seconds. Raises an exception that is not ours."""
    outcome = finished.get(timeout=seconds)
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


@dataclass
class BulkResult(Generic[Item]):
    """What came of many items; `failed` is (id, why).

    `done` were changed, `already` were as they should be, before or without a call. `settled` are those
    items that are as they should be after a call, whether it changed them or not.
    """

    settled: list[Item] = field(default_factory=list)
    done: int = 0
    already: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    interrupted: bool = False

    def __add__(self, other: BulkResult[Item]) -> BulkResult[Item]:
        """Return what came of both, such as of items that need no call and of those that were called."""
        return BulkResult(
            settled=self.settled + other.settled,
            done=self.done + other.done,
            already=self.already + other.already,
            failed=self.failed + other.failed,
            interrupted=self.interrupted or other.interrupted,
        )


@dataclass(frozen=True)
class Action(Generic[Item, Result]):
    """What is done to each of many items.

    `call` runs in a thread of the pool. The others run in the caller's thread: `intend` writes down what is
    about to be called, and `settle` what came of it; it returns whether the item was as it should be
    already. Each of the three raises an Error if its item has failed. `explain` returns (id, why) for an
    item and its error. `together` is a transaction for the intents of all items that start at the same time.
    """

    call: Callable[[Item], Result]
    settle: Callable[[Outcome[Item, Result]], bool]
    explain: Callable[[Item, object], tuple[str, str]]
    intend: Callable[[Item], None] = lambda item: None
    together: Callable[[], AbstractContextManager[object]] | None = None


def carry_out(
    action: Action[Item, Result],
    items: Iterable[Item],
    *,
    threads: int,
    stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[int, str], None] = lambda settled, note: None,
) -> BulkResult[Item]:
    """Do something to every item, side by side, and return what came of it.

    Items are taken as they are needed, in the caller's thread, while the calls of those before run. Items
    that were not tried are among the failed if the endpoint fell silent, and nowhere if `stop` said so.
    `on_progress` gets the number of items that are as they should be, and in words how many have failed.
    One id may stand for several items. A RegistryError ends everything: without the registry nothing can be
    written down before it is called.
    """
    work = _Work(action, items)
    calls = outcomes(action.call, work.intended(), threads=threads, stop=stop, together=action.together)
    for outcome in calls:
        work.settle(outcome)
        on_progress(work.settled, work.note)
    return work.end(interrupted=stop())


class _Work(Generic[Item, Result]):
    """The items of an action that are still to come, and what came of the others."""

    def __init__(self, action: Action[Item, Result], items: Iterable[Item]) -> None:
        self._action, self._items = action, iter(items)
        self._result: BulkResult[Item] = BulkResult()

    @property
    def settled(self) -> int:
        """How many items are as they should be."""
        return len(self._result.settled)

    @property
    def note(self) -> str:
        """How many items have failed, in words; '' if none has."""
        return f"{len(self._result.failed)} failed" if self._result.failed else ""

    def intended(self) -> Iterator[Item]:
        for item in self._items:
            try:
                self._action.intend(item)
            except Error as error:
                self._fail(item, error)
            else:
                yield item

    def settle(self, outcome: Outcome[Item, Result]) -> None:
        try:
            was_so = self._action.settle(outcome)
        except Error as error:
            self._fail(outcome.item, error)
        else:
            self._result.settled.append(outcome.item)
            self._result.already += was_so
            self._result.done += not was_so

    def _fail(self, item: Item, error: Error) -> None:
        if isinstance(error, RegistryError):
            raise error
        self._result.failed.append(self._action.explain(item, error))

    def end(self, *, interrupted: bool) -> BulkResult[Item]:
        if interrupted:
            self._result.interrupted = any(True for _ in self._items)
        else:
            self._result.failed += [self._action.explain(item, NOT_TRIED) for item in self._items]
        return self._result


def in_row(name: str, row: int | None, why: object) -> tuple[str, str]:
    """Return a failure as reports show it: what failed, and the row of a file and the reason."""
    return name, f"row {row}: {why}" if row else str(why)
