"""This machine's clock is set while a run is attended: that is said, and nothing is done by a wrong time."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crowdops.context import Context
from crowdops.hits import create
from crowdops.hits.create import Creator
from crowdops.runs import clock
from crowdops.runs.clock import ClockWatch
from tests.support.world import World


class Set:
    """A clock that is set: `seconds` ahead of what it was."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        apart, clock_class = clock.seconds_apart, datetime

        class Now(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:
                return clock_class.now(UTC) + timedelta(seconds=made.seconds)

        made = self
        patch.setattr(clock, "seconds_apart", lambda: apart() + self.seconds)
        patch.setattr(clock, "datetime", Now)
        patch.setattr(create, "datetime", Now)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Set:
    return Set(monkeypatch)


@pytest.mark.parametrize(
    ("seconds", "words"), [(-3600.0, "back by 3600 s"), (7200.0, "ahead by 7200 s"), (-30.0, "back by 30 s")]
)
def test_a_clock_that_is_set_is_said_once_with_the_endpoints_time(
    world: World, machine: Set, seconds: float, words: str
) -> None:
    said: list[str] = []
    with Context.open(world.settings) as opened:
        context = replace(opened, say=said.append)
        watch = ClockWatch(context)
        context.provider.balance()
        watch.look()
        assert said == []
        before = datetime.now(UTC)
        machine.seconds = seconds
        watch.look()
        watch.look()
    [line] = said
    assert f"This machine's clock was set {words}, to " in line
    told = datetime.fromisoformat(line.partition("by the endpoint's it is ")[2].partition(". ")[0])
    assert abs(told - before) < timedelta(seconds=60)
    assert watch.is_wrong is ("Set it right" in line) is (abs(seconds) > 300)


def test_without_an_answer_yet_only_our_own_time_is_told(world: World, machine: Set) -> None:
    said: list[str] = []
    with Context.open(world.settings) as opened:
        watch = ClockWatch(replace(opened, say=said.append))
        machine.seconds = -3600
        watch.look()
    assert len(said) == 1 and "endpoint" not in said[0] and not watch.is_wrong


@pytest.mark.parametrize("hours", [-48, -1, 30])
def test_a_creation_of_another_process_is_not_sent_again_by_a_clock_that_was_set(
    world: World, machine: Set, hours: int
) -> None:
    run = world.crash(units=1)
    world.sql("UPDATE units SET state = 'creating', hit_id = NULL, created_at = NULL")
    world.crowd.control("calls", method="DELETE")
    machine.seconds = hours * 3600
    with Context.open(world.settings) as context:
        context.provider.balance()
        Creator(context, run, question=lambda unit: "", listen=lambda error: None).settle()
    assert "CreateHITWithHITType" not in world.crowd.calls()
    assert world.units(run.run_id) == {"outstanding": 1}, "it was found by its mark"


def test_what_this_process_has_sent_is_as_old_as_it_is_whatever_the_clock_says(
    world: World, machine: Set
) -> None:
    run = world.crash(units=1)
    with Context.open(world.settings) as context:
        [unit] = context.registry.iter_units(run.run_id, ["outstanding"])
        creator = Creator(context, run, question=lambda unit: "", listen=lambda error: None)
        creator._unanswered[unit.unit_index] = time.monotonic()
        machine.seconds = 30 * 3600
        [age] = creator._ages(unit)
    assert abs(age) < timedelta(seconds=60)
