"""A task server that does not answer: restarted if that can be tried, waited for if it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from crowdops.config.settings import resolve
from crowdops.context import Context
from crowdops.errors import ServerFailed, Unreachable
from crowdops.registry import Run, Server
from crowdops.servers import pages
from crowdops.servers.pages import MAX_RESTARTS, ServedPages
from tests.support.run_parameters import some_parameters

NAME = "crowdops-pilot-1-00000001"


class Place:
    """A backend whose server answers, and can be restarted, as a test says."""

    def __init__(self) -> None:
        self.answers = False
        self.failure: Exception | None = None
        self.restarts = 0

    def is_answering(self, server: Server, timeout: float) -> bool:
        return self.answers

    def restart(self, context: Context, server: Server) -> Server:
        self.restarts += 1
        if self.failure:
            raise self.failure
        return server


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place()
    monkeypatch.setattr(pages, "backend_of", lambda kind: made)
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(pages, "time", made)
    return made


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def served(place: Place, clock: Clock, said: list[str]) -> Iterator[ServedPages]:
    """The pages of a run with a patience of 60 s, on a server at Heroku."""
    settings = resolve({}, quiet=True, verbose=False, as_json=False)
    run = Run.new("20261122-114502-k3f9", settings, some_parameters(no_submission_patience=60), None)
    server = Server("heroku-1", run.run_id, "heroku", NAME, "up", "http://x", {}, datetime.now(UTC), None)
    with Context.open(settings) as context:
        context = Context(context.settings, context.registry, context.provider, said.append)
        yield ServedPages(context, run, server, "token")


def test_while_heroku_is_away_nothing_counts_as_a_restart(
    place: Place, clock: Clock, said: list[str], served: ServedPages
) -> None:
    place.failure = Unreachable("https://api.heroku.com cannot be reached.")
    for _ in range(3 * MAX_RESTARTS):
        assert not served.are_up()
        clock.now += 5
    place.failure = None
    assert served.are_up()
    assert place.restarts == 3 * MAX_RESTARTS + 1
    assert said == [
        f"The task server {NAME} does not answer. Launching pauses; restarting it (1 of 3).",
        f"The task server {NAME} cannot be restarted now: https://api.heroku.com cannot be reached."
        " Nothing is launched until it answers, for 60 s at most.",
        f"The task server {NAME} answers again.",
    ]


def test_a_heroku_that_stays_away_ends_the_run_when_its_patience_does(
    place: Place, clock: Clock, served: ServedPages
) -> None:
    place.failure = Unreachable("https://api.heroku.com cannot be reached.")
    assert not served.are_up()
    clock.now += 60
    assert not served.are_up()
    clock.now += 1
    with pytest.raises(ServerFailed, match=r"cannot be restarted now.* has lasted 60 s"):
        served.are_up()


def test_a_server_that_comes_back_by_itself_is_taken_up_again(
    place: Place, clock: Clock, said: list[str], served: ServedPages
) -> None:
    place.failure = Unreachable("https://api.heroku.com cannot be reached.")
    for _ in range(2):  # two outages, each with a patience of its own
        assert not served.are_up()
        clock.now += 50
        place.answers = True
        assert served.are_up()
        place.answers = False
    assert said.count(f"The task server {NAME} answers again.") == 2


@pytest.mark.parametrize(
    "works,reason",
    [
        (True, f"The task server {NAME} was restarted 3 times and is down again."),
        (False, f"The task server {NAME} is down, and 3 tries to restart it have failed."),
    ],
)
def test_what_is_said_of_the_restarts_is_what_they_came_to(
    place: Place, served: ServedPages, works: bool, reason: str
) -> None:
    place.failure = None if works else ServerFailed("its web process crashed as it started")
    for _ in range(MAX_RESTARTS):
        assert served.are_up() is works
    with pytest.raises(ServerFailed) as failure:
        served.are_up()
    assert str(failure.value) == reason
