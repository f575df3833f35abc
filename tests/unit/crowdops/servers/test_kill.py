"""Taking several servers down: what cannot be ended, what is gone, and Ctrl-C in the middle."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from crowdops.config.settings import resolve
from crowdops.context import Context
from crowdops.errors import NotFound, ProviderError
from crowdops.registry import Server
from crowdops.servers import kill
from crowdops.servers.orphans import Choice
from crowdops.servers.status import ServerStatus

NAMES = ("local-a", "local-b", "local-c")


class Ending:
    """A backend whose servers end as a test says; what was ended is in the registry."""

    def __init__(self, end: Callable[[str], bool]) -> None:
        self._end = end

    def take_down(self, context: Context, server: Server, *, named: bool = False) -> bool:
        ended = self._end(server.name)
        context.registry.set_server(server.server_id, "gone", server.url, server.detail)
        return ended


@pytest.fixture
def context() -> Iterator[Context]:
    settings = resolve({}, quiet=True, verbose=False, as_json=False)._replace(threads=1)
    with Context.open(settings, quiet=True) as context:
        yield context


def choose(context: Context) -> Choice:
    """Write three servers of no run down, and choose them by their names."""
    statuses = []
    for name in NAMES:
        server = Server(name, None, "local", name, "creating", None, {}, datetime.now(UTC), None)
        context.registry.add_server(server)
        statuses.append(ServerStatus(server, True, True, 1, "up", answers=True, orphan=False))
    return Choice(statuses, frozenset(NAMES), 0, [])


def take_down(context: Context, end: Callable[[str], bool]) -> Any:
    return kill.kill(context, Ending(end), choose(context), "ended")  # type: ignore[arg-type]


def test_what_is_gone_counts_as_already_and_a_failure_leaves_the_rest(context: Context) -> None:
    def end(name: str) -> bool:
        if name == "local-a":
            raise ProviderError("it is another user's")
        if name == "local-b":
            raise NotFound("it is gone")
        return True

    result = take_down(context, end)
    assert (result.done, result.already) == (1, 1)
    assert result.failed == [("local-a", "it is another user's")]
    assert [server.name for server in context.registry.servers("gone")] == ["local-c"]


def test_ctrl_c_lets_the_server_that_is_being_ended_end_and_leaves_the_others(context: Context) -> None:
    def end(name: str) -> bool:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return True

    result = take_down(context, end)
    assert (result.done, result.failed, result.interrupted) == (1, [], True)
    assert [server.name for server in context.registry.servers("creating")] == ["local-b", "local-c"]
