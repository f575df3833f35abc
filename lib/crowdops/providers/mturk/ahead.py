"""Pages of a list are fetched while those before them are worked on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Ahead(Generic[Item]):
    """Pages of items that a thread of their own takes from an iterator, ahead of whoever works on them.

    While `most` items or more wait to be worked on, no further page is taken. Pages come in their order, and
    after them whatever exception the iterator has raised. Nobody waits for the thread; it ends after the page
    that it is at, once nobody asks for more.
    """

    def __init__(self, pages: Iterator[Sequence[Item]], most: int) -> None:
        self._pages, self._most = pages, most
        self._taken: queue.SimpleQueue[Sequence[Item] | BaseException | None] = queue.SimpleQueue()
        self._waiting, self._is_over = 0, False
        self._room = threading.Condition()

    def __iter__(self) -> Iterator[Sequence[Item]]:
        threading.Thread(target=self._take, name="ahead", daemon=True).start()
        try:
            while (page := self._taken.get()) is not None:
                if isinstance(page, BaseException):
                    raise page
                with self._room:
                    self._waiting -= len(page)
                    self._room.notify()
                yield page
        finally:
            with self._room:
                self._is_over = True
                self._room.notify()

    def _take(self) -> None:
        try:
            for page in self._pages:
                with self._room:
                    self._waiting += len(page)
                    self._taken.put(page)
                    self._room.wait_for(lambda: self._is_over or self._waiting < self._most)
                if self._is_over:
                    return
        except BaseException as error:  # noqa: BLE001 - carried to the consumer's thread, and raised there
            self._taken.put(error)
        else:
            self._taken.put(None)
