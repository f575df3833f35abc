"""extend_hits: more time or more assignments, each exactly once, and never over max_cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from crowdops.errors import InsufficientFunds, Unreachable
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Place, Run, locks
from crowdops.runs import extension
from tests.support.world import World

SCRIPT = "mturk/extend_hits"
EXTENDING = {"CreateAdditionalAssignmentsForHIT", "UpdateExpirationForHIT"}


def hit(world: World, hit_id: str) -> dict[str, Any]:
    found: dict[str, Any] = world.client.get_hit(HITId=hit_id)["HIT"]
    return found


def places(world: World, run: Run) -> list[int]:
    """How many assignments the endpoint says that each HIT of a run has."""
    return [hit(world, hit_id)["MaxAssignments"] for hit_id in world.hit_ids(run)]


def hours_left(world: World, hit_id: str) -> int:
    return round((hit(world, hit_id)["Expiration"] - datetime.now(UTC)).total_seconds() / 3600)


def test_more_assignments_for_every_hit_of_a_run_at_one_call_each(world: World) -> None:
    run, other = world.launch("pilot-1", units=3), world.launch("pilot-2")
    done, *_ = world.hit_ids(run)
    world.do(done)
    world.invoke("mturk/download_results", "--run", run.run_id)
    shown, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--assignments", "2", "--dry-run")
    assert shown.exit_code == 0 and not set(calls) & EXTENDING
    assert "Each gets 2 more assignments. They may bring 6 more answers, for $0.36 with fees." in (
        shown.stderr
    )
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--assignments", "2", "--yes")
    assert result.exit_code == 0 and "3 extended, 0 were so already, 0 failed." in result.stderr
    assert calls == {"ListHITs": 2, "GetAccountBalance": 1, "CreateAdditionalAssignmentsForHIT": 3}
    assert places(world, run) == [3, 3, 3] and places(world, other) == [1, 1]
    assert world.statuses([done]) == ["Assignable"]
    world.do(done, "AWORKER2")
    world.do(done, "AWORKER3")
    world.invoke("mturk/download_results", "--run", run.run_id)
    assert len(world.collected(run.run_id)) == 3
    assert world.units(run.run_id) == {"finished": 1, "outstanding": 2}
    assert world.sql("SELECT count(*) FROM events WHERE kind = 'hit-extended'") == [(3,)]


def test_more_time_counts_from_the_end_of_a_hit_and_opens_one_that_has_expired(world: World) -> None:
    run = world.launch(units=3)
    first, second, third = world.hit_ids(run)
    world.client.update_expiration_for_hit(HITId=first, ExpireAt=0)
    world.do(third)  # nothing is left to be done of it
    found = world.json(SCRIPT, "--run", run.run_id, "--hours", "5", "--yes")
    assert (found["selected"], found["done"], found["answers"]) == (2, 2, 0)
    assert [hours_left(world, one) for one in (first, second, third)] == [5, 24 + 5, 24]
    until = datetime.now(UTC) + timedelta(hours=10)
    found = world.json(SCRIPT, "--run", run.run_id, "--until", f"{until:%Y-%m-%dT%H:%M:%SZ}", "--yes")
    assert (found["done"], found["already"]) == (1, 2)  # the last one has no place, and is open for longer
    assert [hours_left(world, one) for one in (first, second)] == [10, 29]


def test_assignments_alone_do_not_open_what_has_expired(world: World) -> None:
    run = world.launch(units=2)
    first, second = world.hit_ids(run)
    world.client.update_expiration_for_hit(HITId=first, ExpireAt=0)
    found = world.json(SCRIPT, "--run", run.run_id, "--assignments", "1", "--yes", exit_code=1)
    assert found["done"] == 1 and [failed["id"] for failed in found["failed"]] == [first]
    assert "give it time as well" in found["failed"][0]["error"]
    both = world.json(SCRIPT, "--run", run.run_id, "--assignments", "1", "--hours", "1", "--yes")
    assert both["done"] == 2 and places(world, run) == [2, 3]
    assert world.statuses([first, second]) == ["Assignable"] * 2


def test_nine_assignments_never_become_ten(world: World) -> None:
    run = world.launch(units=1, assignments=8)
    found = world.json(SCRIPT, "--run", run.run_id, "--assignments", "2", "--yes", exit_code=1)
    assert "can never have 10" in found["failed"][0]["error"]
    assert places(world, run) == [8]


def test_max_cost_is_the_wall_and_refuses_the_whole_run_with_the_command_that_makes_room(
    world: World,
) -> None:
    run = world.launch(units=3, max_cost="0.30")
    result = world.invoke(SCRIPT, "--run", run.run_id, "--assignments", "1", "--yes")
    assert result.exit_code == 1 and places(world, run) == [1, 1, 1]
    assert f"make raise-max-cost RUN={run.run_id} ARGS=0.36" in result.stderr
    assert world.invoke("local/raise_max_cost", run.run_id, "0.36", "--yes").exit_code == 0
    assert world.json(SCRIPT, "--run", run.run_id, "--assignments", "1", "--yes")["done"] == 3
    assert world.json(SCRIPT, "--run", run.run_id, "--assignments", "1", "--yes", exit_code=1)["done"] == 0
    assert places(world, run) == [2, 2, 2]


def test_an_account_that_cannot_pay_is_said_before_anything_is_changed(world: World) -> None:
    run = world.launch(units=2)
    world.set_funds(13)
    result = world.invoke(SCRIPT, "--run", run.run_id, "--assignments", "1", "--yes")
    assert result.exit_code == 2 and "The account has $0.01, and this would cost $0.12." in result.stderr


@pytest.mark.parametrize("way", ["drop-after", "error-after"])
def test_an_answer_that_is_lost_does_not_buy_twice(world: World, way: str) -> None:
    run = world.launch(units=2)
    fault = {"operation": "CreateAdditionalAssignmentsForHIT", "kind": way, "count": 2}
    world.crowd.control("faults", fault)
    assert world.json(SCRIPT, "--run", run.run_id, "--assignments", "2", "--yes")["done"] == 2
    assert places(world, run) == [3, 3]


def test_what_was_broken_off_is_gone_on_with_and_only_then_the_same_means_more(world: World) -> None:
    run = world.launch(units=3)
    broken = world.hit_ids(run)[1]
    add = MTurk.add_assignments

    def failing(self: MTurk, hit_id: str, more: int, token: str) -> None:
        if hit_id == broken:
            raise InsufficientFunds("no money")
        add(self, hit_id, more, token)

    command = (SCRIPT, "--run", run.run_id, "--assignments", "2", "--hours", "2", "--yes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MTurk, "add_assignments", failing)
        assert world.json(*command, exit_code=1)["done"] == 2
    result = world.invoke(*command)
    assert "going on with what was asked for" in result.stderr
    assert "1 extended, 2 were so already, 0 failed." in result.stderr
    assert places(world, run) == [3, 3, 3]
    assert [hours_left(world, one) for one in world.hit_ids(run)] == [26, 26, 26]
    assert world.json(*command)["done"] == 3
    assert places(world, run) == [5, 5, 5]


def test_a_run_at_its_end_is_refused(world: World) -> None:
    run = world.launch(units=1)
    world.do(world.hit_ids(run)[0])
    world.invoke("mturk/download_results", "--run", run.run_id)
    assert world.run(run.run_id).state == "finished"
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--assignments", "1", "--yes")
    assert result.exit_code == 1 and "the run has ended" in result.stderr
    assert f"make top-up RUN={run.run_id}" in result.stderr
    assert not set(calls) & EXTENDING
    other = world.launch("pilot-2", units=1)
    result = world.invoke(SCRIPT, "--task-name", "pilot-*", "--assignments", "1", "--yes")
    assert result.exit_code == 0 and "1 run has ended and is left out." in result.stderr
    assert places(world, other) == [2]


@pytest.mark.parametrize(
    "options,said",
    [
        ((), "Say what the HITs are to get"),
        (("--hours", "1", "--until", "2030-01-01"), "say the same"),
        (("--hours", "nan"), "by a year at most"),
        (("--hours", "0"), "by a minute at least"),
        (("--hours", "1e300"), "by a year at most"),
        (("--until", "2020-01-01"), "at least a minute from now"),
        (("--until", "soon"), "is no moment"),
        (("--assignments", "0"), "--assignments"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_call(
    world: World, options: tuple[str, ...], said: str
) -> None:
    run = world.launch(units=1)
    result, calls = world.calls_of(SCRIPT, "--run", run.run_id, *options, "--yes")
    assert result.exit_code == 2 and said in result.stderr and not calls


def test_an_attended_run_waits_for_what_was_added_while_it_goes_on(world: World) -> None:
    script = world.launch_run(units=2)
    world.wait_for_units("outstanding", 2)
    run = world.run(script.run_id)
    first, second = world.hit_ids(run)
    world.do(first)
    world.wait_for_units("finished", 1)
    found = world.json(SCRIPT, "--run", run.run_id, "--assignments", "1", "--yes")
    assert (found["done"], found["cost"]) == (2, "0.12")
    world.wait_for_units("outstanding", 2)
    world.do(first, "AWORKER2")
    for worker in ("AWORKER1", "AWORKER2"):
        world.do(second, worker)
    assert script.end() == 0, script.said
    assert world.units(run.run_id) == {"finished": 2} and len(world.collected(run.run_id)) == 4
    assert world.open_hits() == []


def test_what_was_broken_off_and_never_asked_for_again_still_counts_against_max_cost(world: World) -> None:
    run = world.launch(units=1, max_cost="0.18")
    add = MTurk.add_assignments

    def lost(self: MTurk, hit_id: str, more: int, token: str) -> None:
        add(self, hit_id, more, token)
        raise Unreachable("no answer")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MTurk, "add_assignments", lost)
        world.json(SCRIPT, "--run", run.run_id, "--assignments", "2", "--yes", exit_code=1)
    assert world.json(SCRIPT, "--run", run.run_id, "--hours", "2", "--yes")["done"] == 1
    world.json(SCRIPT, "--run", run.run_id, "--assignments", "1", "--yes", exit_code=1)
    assert places(world, run) == [3]


def test_what_the_run_itself_has_asked_for_since_the_look_is_not_added_to(world: World) -> None:
    run = world.launch(units=2)
    done, _ = world.hit_ids(run)
    world.do(done)
    world.invoke("mturk/download_results", "--run", run.run_id)
    cost = extension.cost

    def meanwhile(targets: Sequence[extension.Target]) -> Decimal:
        with world.registry() as registry:
            registry.plan_places(run.run_id, [Place(0, 2, done, is_new=False)], None)
        return cost(targets)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extension, "cost", meanwhile)
        found = world.json(SCRIPT, "--run", run.run_id, "--assignments", "2", "--yes", exit_code=1)
    assert found["done"] == 1 and [failed["id"] for failed in found["failed"]] == [done]
    assert hit(world, done)["MaxAssignments"] == 1


def test_a_list_that_is_a_minute_old_does_not_buy_what_was_bought_since(world: World) -> None:
    run = world.launch(units=1)
    listed, command = MTurk.iter_hits, (SCRIPT, "--run", run.run_id, "--yes", "--assignments")
    assert world.json(*command, "2")["done"] == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            MTurk, "iter_hits", lambda self: (hit._replace(max_assignments=1) for hit in listed(self))
        )
        found = world.json(*command, "1")
    assert found["answers"] == 1 and places(world, run) == [4]


def test_two_who_extend_the_same_run_wait_for_each_other_and_a_top_up_for_both(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.launch(units=1)
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.0)
    with locks.extend(world.home, [run.run_id]):
        result, calls = world.calls_of(SCRIPT, "--run", run.run_id, "--assignments", "1", "--yes")
        assert result.exit_code == 2 and not set(calls) & EXTENDING
        assert f"the HITs of run {run.run_id} are being extended by process" in result.stderr
        world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
        world.invoke("mturk/download_results", "--run", run.run_id)
        result, calls = world.calls_of("mturk/top_up_run", "--run", run.run_id, "--yes")
        assert result.exit_code == 2 and not set(calls) & EXTENDING
        assert f"Once that is through: make top-up RUN={run.run_id}" in result.stderr
    assert world.json("mturk/top_up_run", "--run", run.run_id, "--yes", "--detach")["answers"] == 1
