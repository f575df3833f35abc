"""Acting on HITs while the account's list is read, and with one walk over it."""

from __future__ import annotations

import signal
import threading

import pytest

from crowdops.providers.mturk import retries
from tests.support.gates import Call, Instead
from tests.support.works import Work, document
from tests.support.world import World

pytestmark = pytest.mark.gated

EXPIRE, DELETE = "mturk/expire_hits", "mturk/delete_hits"


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two HITs each."""
    monkeypatch.setattr(retries, "PAGE", 2)


def reviewed(world: World, units: int) -> Work:
    """A run all of whose work is approved, which the registry knows."""
    work = Work(world, units=units)
    for assignment_id in work.assignments:
        world.client.approve_assignment(AssignmentId=assignment_id)
    assert world.invoke("mturk/download_results", "--run", work.run.run_id).exit_code == 0
    return work


def before_page(world: World, number: int, act: threading.Event | BaseException) -> None:
    """Let a page of the list wait for an event, or be refused."""

    def enter(call: Call) -> None:
        if call.operation in ("UpdateExpirationForHIT", "DeleteHIT"):
            acted.set()
        if call.operation == "ListHITs" and world.gate.count("ListHITs") == number:
            assert acted.wait(30), "nothing was done before the whole list was read"
            if not isinstance(act, threading.Event):
                raise act

    acted = act if isinstance(act, threading.Event) else threading.Event()
    world.gate.before = enter


def test_hits_are_expired_while_the_list_is_read(world: World, small_pages: None) -> None:
    run = world.crash(units=6)
    calls = len(world.gate.calls)
    before_page(world, 3, threading.Event())
    found = world.json(EXPIRE, "--run", run.run_id, "--yes")
    assert (found["selected"], found["done"], found["failed"]) == (6, 6, [])
    assert world.statuses(world.hit_ids(run)) == ["Reviewable"] * 6
    made = [call.operation for call in world.gate.calls[calls:]]
    # The list has four pages of two, the last one of none, and so has that of what was expired.
    assert {name: made.count(name) for name in made} == {
        "ListHITs": 4,
        "UpdateExpirationForHIT": 6,
        "ListReviewableHITs": 4,
    }
    assert world.run(run.run_id).state == "finished"


def test_hits_are_deleted_while_the_list_is_read_and_shrinks(world: World, small_pages: None) -> None:
    work = reviewed(world, 6)
    calls, lists = len(world.gate.calls), world.gate.count("ListHITs")
    before_page(world, lists + 3, threading.Event())
    found = document(world.invoke(DELETE, "--run", work.run.run_id, "--yes", "--json"))
    assert (found["selected"], found["done"], found["failed"], found["held"]) == (6, 6, [], [])
    made = [call.operation for call in world.gate.calls[calls:]]
    assert {name: made.count(name) for name in made} == {"ListHITs": 4, "DeleteHIT": 6}
    assert world.units(work.run.run_id) == {"disposed": 6}


def test_a_list_that_leaves_hits_out_leaves_none_of_them_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crowdops.providers.mturk.client import MTurk

    work = reviewed(world, 4)
    whole = MTurk.iter_hits
    monkeypatch.setattr(MTurk, "iter_hits", lambda self: list(whole(self))[::2])
    result, calls = world.calls_of(DELETE, "--run", work.run.run_id, "--yes")
    assert result.exit_code == 0 and (calls["GetHIT"], calls["DeleteHIT"]) == (2, 4)
    assert world.units(work.run.run_id) == {"disposed": 4}


def test_with_a_question_the_list_is_read_first_and_once(
    world: World, monkeypatch: pytest.MonkeyPatch, small_pages: None
) -> None:
    run = world.crash(units=4)
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)
    calls = len(world.gate.calls)
    result = world.invoke(EXPIRE, "--run", run.run_id, "--quiet", input="y\n")
    assert result.exit_code == 0
    made = [call.operation for call in world.gate.calls[calls:]]
    assert made[:3] == ["ListHITs"] * 3
    assert sorted(made[3:]) == ["ListReviewableHITs"] * 3 + ["UpdateExpirationForHIT"] * 4


def test_what_was_done_before_the_list_broke_off_is_said(world: World, small_pages: None) -> None:
    run = world.crash(units=6)
    before_page(world, 3, Instead("RequestError", "No more of this list."))
    result = world.invoke(EXPIRE, "--run", run.run_id, "--yes", "--json")
    found = document(result)
    assert (result.exit_code, found["selected"], found["done"]) == (1, 4, 4)
    assert [failure["id"] for failure in found["failed"]] == [world.gate.url]
    assert "No more of this list." in found["failed"][0]["error"]
    assert f"Not known: {world.gate.url}." in result.stderr
    assert world.statuses(world.hit_ids(run)).count("Assignable") == 2
    assert world.run(run.run_id).state == "running"
    world.gate.before = lambda call: None
    assert world.json(EXPIRE, "--run", run.run_id, "--yes")["done"] == 2


def test_ctrl_c_ends_the_walk_cleanly(world: World, small_pages: None) -> None:
    run = world.crash(units=6)

    def interrupt(call: Call) -> None:
        if call.operation == "ListHITs" and world.gate.count("ListHITs") == 2:
            signal.raise_signal(signal.SIGINT)

    world.gate.before = interrupt
    result = world.invoke(EXPIRE, "--run", run.run_id, "--yes", "--json")
    assert result.exit_code == 130
    assert "Interrupted. The same command goes on where this one stopped." in result.stderr
    done = document(result)["done"]
    assert done < 6 and world.statuses(world.hit_ids(run)).count("Reviewable") == done
    assert world.sql("SELECT count(*) FROM units WHERE expired_at IS NOT NULL") == [(done,)]
    world.gate.before = lambda call: None
    assert world.json(EXPIRE, "--run", run.run_id, "--yes")["done"] == 6 - done
