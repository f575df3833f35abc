"""Runs whose HITs have ended and are collected are at their end, whichever command sees it."""

from __future__ import annotations

import pytest

from crowdops.errors import ProviderError
from crowdops.registry import Run
from crowdops.runs.drain import Drain
from tests.support.world import World

STATUS = "mturk/print_outstanding_hit_status"


def end(world: World, run: Run, done: int = 0) -> None:
    """Let a run's HITs end: so many are done, nobody does the others."""
    for hit_id in world.hit_ids(run)[:done]:
        world.do(hit_id)
    for hit_id in world.hit_ids(run)[done:]:
        world.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)


@pytest.mark.parametrize("kind", ["launch", "crash"])
@pytest.mark.parametrize(
    "command",
    [(STATUS,), ("mturk/expire_hits", "--all-runs", "--yes"), ("mturk/download_results", "--all-runs")],
    ids=lambda command: str(command[0]),
)
def test_a_run_whose_hits_have_all_ended_untouched_is_brought_to_its_end(
    world: World, kind: str, command: tuple[str, ...]
) -> None:
    run = getattr(world, kind)(units=2)
    end(world, run)
    result, calls = world.calls_of(*command)
    assert result.exit_code == 0, result.stderr
    assert f"pilot-1 ({run.run_id}) is finished: 0 of 2 units have answers, 2 ended" in result.stderr
    assert world.run(run.run_id).state == "finished"
    assert world.units(run.run_id) == {"expired": 2}
    assert set(calls) == {"ListHITs"}
    assert world.json(STATUS)["runs"][0]["condition"] == "ended"


def test_recover_ends_a_detached_run_of_which_nothing_is_left(world: World) -> None:
    run, other = world.launch(units=2), world.launch("pilot-2", units=2)
    end(world, run)
    end(world, other, done=1)
    result = world.invoke("local/recover", "--yes")
    assert result.exit_code == 0, result.stderr
    assert world.run(run.run_id).state == "finished"
    assert world.run(other.run_id).state == "running"


def test_recover_says_what_has_failed_even_if_it_is_told_to_be_quiet(world: World) -> None:
    run = world.crash(units=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drain, "expire_all", refuse)
        result = world.invoke("local/recover", "--yes", "--quiet")
    assert result.exit_code == 1
    assert f"run {run.run_id}: not today" in result.stderr


def refuse(drain: Drain) -> None:
    """Fail, in place of an endpoint that refuses."""
    raise ProviderError("not today")


def test_answers_that_are_not_collected_are_not_safe_and_do_not_end_the_run(world: World) -> None:
    run = world.launch(units=3, assignments=1)
    end(world, run, done=2)
    result = world.invoke(STATUS)
    command = f"make results RUN={run.run_id}"
    assert f"is detached, and 2 answers are not collected. Collect them: {command}" in result.stdout
    assert "it is safe" not in result.stdout
    [shown] = world.json(STATUS)["runs"]
    assert (shown["uncollected"], shown["safe_to_shut_down"], shown["outstanding"]) == (2, False, 0)
    assert world.run(run.run_id).state == "running"
    assert world.invoke("mturk/download_results", "--run", run.run_id).exit_code == 0
    [shown] = world.json(STATUS)["runs"]
    assert (shown["uncollected"], shown["safe_to_shut_down"], shown["state"]) == (0, True, "finished")
    assert (shown["answered"], shown["unanswered"], shown["never_launched"]) == (2, 1, 0)


def test_an_ended_run_with_answers_that_came_in_late_is_not_safe(world: World) -> None:
    run = world.crash(units=1)
    held = world.accept(world.hit_ids(run)[0])
    assert world.invoke("local/recover", "--yes", "--no-wait").exit_code == 0
    assert world.run(run.run_id).state == "stopped"
    world.submit(held)
    [shown] = world.json(STATUS)["runs"]
    assert (shown["condition"], shown["uncollected"], shown["safe_to_shut_down"]) == ("ended", 1, False)


def test_hits_that_have_expired_offer_nothing(world: World) -> None:
    run = world.launch(units=2, assignments=2)
    world.accept(world.hit_ids(run)[0])
    for hit_id in world.hit_ids(run):
        world.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)
    document = world.json(STATUS, "--hits")
    assert document["runs"][0]["assignments"]["available"] == 0
    assert [(hit["status"], hit["available"]) for hit in document["hits"]] == [("Unassignable", 0)]


def test_an_attended_run_is_never_touched(world: World) -> None:
    run = world.crash(units=2)
    end(world, run)
    with world.attend(run):
        world.invoke(STATUS)
        assert world.run(run.run_id).state == "running"
        assert world.units(run.run_id) == {"outstanding": 2}


def test_a_run_with_units_that_were_never_launched_is_left_unless_its_hits_are_expired(world: World) -> None:
    run = world.crash(units=3)
    end(world, run)
    world.client.delete_hit(HITId=world.hit_ids(run)[2])
    world.sql("UPDATE units SET state = 'planned', hit_id = NULL WHERE unit_index = 2")
    world.invoke(STATUS)
    assert world.run(run.run_id).state == "running"
    result = world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    assert result.exit_code == 0
    ended = world.run(run.run_id)
    assert (ended.state, ended.reason) == (
        "stopped",
        "its HITs were expired before all of its units were launched",
    )
