"""identify_broken_units: what registry and provider disagree about, why, and what mends it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from crowdops.errors import ProviderError
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Run
from tests.support.world import World

SCRIPT = "mturk/identify_broken_units"
TARGETS = {"broken": SCRIPT, "results": "mturk/download_results"}
AsJson = Callable[..., dict[str, Any]]
Attend = Callable[[Run], AbstractContextManager[Run]]


def forget_hits(world: World, run: Run) -> None:
    """The registry is as it was before the HITs' creation was answered, or even intended."""
    world.sql(
        "UPDATE units SET state = 'creating', hit_id = NULL, created_at = NULL"
        " WHERE unit_index = 0 AND run_id = ?",
        run.run_id,
    )
    world.sql(
        "UPDATE units SET state = 'planned', hit_id = NULL, created_at = NULL"
        " WHERE unit_index = 1 AND run_id = ?",
        run.run_id,
    )


def lose_units(world: World, run: Run) -> None:
    """The registry has the run, and not its units: an old backup."""
    world.sql("DELETE FROM units WHERE run_id = ?", run.run_id)


def delete_hits(world: World, run: Run) -> None:
    """Somebody ends and deletes HITs at the provider."""
    for hit_id in world.hit_ids(run)[:2]:
        world.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)
        world.client.delete_hit(HITId=hit_id)
    world.sql("UPDATE units SET created_at = '2026-01-01T00:00:00.000000Z' WHERE run_id = ?", run.run_id)


def double_hits(world: World, run: Run) -> None:
    """A lost registry was replaced by an older one, and units were launched again."""
    for index in (0, 1):
        world.add_hit(run, index)


def reopen_hits(world: World, run: Run) -> None:
    """HITs were expired here, and somebody has extended them."""
    world.sql("UPDATE units SET expired_at = '2026-01-01T00:00:00.000000Z' WHERE run_id = ?", run.run_id)


def end_units(world: World, run: Run) -> None:
    """The registry takes units for ended whose HITs are open."""
    world.sql("UPDATE units SET state = 'finished' WHERE unit_index = 0 AND run_id = ?", run.run_id)
    world.sql("UPDATE units SET state = 'expired' WHERE unit_index = 1 AND run_id = ?", run.run_id)


def end_run(world: World, run: Run) -> None:
    """The run is at its end, and its HITs are open."""
    world.set_state(run, "stopped")


def do_units(world: World, run: Run) -> None:
    """Workers finish HITs, and nobody attends the run."""
    for hit_id in world.hit_ids(run)[:2]:
        world.do(hit_id)


def lose_answers(world: World, run: Run) -> None:
    """Answers that were collected are gone from the registry."""
    do_units(world, run)
    world.invoke("mturk/download_results", "--run", run.run_id)
    world.sql("DELETE FROM assignments")


BREAKS = [
    (forget_hits, "unrecorded", 2, ("creating", "planned"), "Assignable", "broken"),
    (lose_units, "unrecorded", 3, ("unknown",), "Assignable", "broken"),
    (delete_hits, "deleted", 2, ("outstanding",), "gone", "broken"),
    (double_hits, "second", 2, ("outstanding",), "Assignable", "broken"),
    (reopen_hits, "reopened", 3, ("outstanding",), "Assignable", "broken"),
    (end_units, "open_after_end", 2, ("finished", "expired"), "Assignable", "broken"),
    (end_run, "open_after_end", 3, ("outstanding",), "Assignable", "broken"),
    (do_units, "unseen_end", 2, ("outstanding",), "Reviewable", "results"),
    (lose_answers, "answers_missing", 2, ("finished",), "Reviewing", "broken"),
]


@pytest.mark.parametrize(
    "break_it,kind,count,registry,provider,target", BREAKS, ids=[b[0].__name__ for b in BREAKS]
)
def test_each_kind_is_found_and_its_command_mends_it(
    world: World,
    break_it: Callable[[World, Run], None],
    kind: str,
    count: int,
    registry: tuple[str, ...],
    provider: str,
    target: str,
) -> None:
    run, other = world.crash("pilot-1", units=3), world.launch("pilot-2")
    foreign = world.add_foreign_hits()
    break_it(world, run)
    found = world.json(SCRIPT, "--run", run.run_id)["broken"]
    assert [each["kind"] for each in found] == [kind] * count
    assert {each["registry"] for each in found} == set(registry)
    assert {each["provider"] for each in found} == {provider}
    command = found[0]["command"]
    assert {each["command"] for each in found} == {command}
    assert command.startswith(f"make {target} RUN={run.run_id}")
    options = ["--mend", "--yes"] if target == "broken" else []
    mended = world.invoke(TARGETS[target], "--run", run.run_id, *options)
    assert mended.exit_code == 0, mended.stderr
    assert world.json(SCRIPT, "--run", run.run_id)["broken"] == []
    assert world.statuses([*world.hit_ids(other), *foreign]) == ["Assignable"] * 4


def test_units_that_agree_are_not_shown(world: World) -> None:
    world.launch("pilot-1"), world.crash("pilot-2")
    result = world.invoke(SCRIPT)
    assert result.exit_code == 0 and result.stdout == ""
    assert result.stderr == "Registry and provider say the same of every unit.\n"


def test_a_detached_run_whose_work_waits_to_be_collected_is_not_broken(world: World) -> None:
    run = world.launch()
    do_units(world, run)
    assert world.json(SCRIPT)["broken"] == []


def test_what_an_attending_process_does_by_itself_is_left_out(world: World) -> None:
    with world.attend(world.crash(units=4)) as run:
        forget_hits(world, run)
        for hit_id in world.hit_ids(run)[:1]:
            world.do(hit_id)
        assert world.json(SCRIPT)["broken"] == []


def test_an_end_that_the_attending_process_cannot_see_is_found_and_mended(world: World) -> None:
    with world.attend(world.crash(units=3)) as run:
        do_units(world, run)
        for hit_id in world.hit_ids(run)[:2]:
            world.client.update_hit_review_status(HITId=hit_id)
        found = world.json(SCRIPT)["broken"]
        assert [(each["kind"], each["provider"]) for each in found] == [("unseen_end", "Reviewing")] * 2
        assert world.json(SCRIPT, "--mend", "--yes")["done"] == 2
        assert world.sql("SELECT count(*) FROM assignments") == [(2,)]
        assert world.json(SCRIPT)["broken"] == []


def test_mending_stores_what_was_submitted_to_a_second_hit(world: World) -> None:
    run = world.crash()
    seconds = [world.add_hit(run, index) for index in (0, 1)]
    for hit_id in seconds:
        world.do(hit_id, "AWORKER2")
    assert {each["hit_id"] for each in world.json(SCRIPT)["broken"]} == set(seconds)
    assert world.json(SCRIPT, "--mend", "--yes")["done"] == 2
    assert [
        hit_id for (hit_id,) in world.sql("SELECT hit_id FROM assignments ORDER BY unit_index")
    ] == seconds
    assert world.sql("SELECT DISTINCT state FROM units") == [("outstanding",)]
    assert world.json(SCRIPT)["broken"] == []


def test_hits_of_unknown_runs_are_counted_and_left_alone(world: World) -> None:
    run = world.launch(units=3)
    hits = world.hit_ids(run)
    world.sql("DELETE FROM units"), world.sql("DELETE FROM task_runs")
    result = world.invoke(SCRIPT, "--mend", "--yes")
    assert result.exit_code == 0
    assert (
        "3 HITs carry the mark of runs that this registry does not know."
        " Which these are: make rebuild ARGS='--all-runs --dry-run'" in result.stderr
    )
    assert world.json(SCRIPT)["unknown_hits"] == 3
    assert world.statuses(hits) == ["Assignable"] * 3


# --mend is a destroyer


def test_a_dry_run_changes_nothing(world: World) -> None:
    run = world.crash(units=3)
    end_units(world, run)
    result, calls = world.calls_of(SCRIPT, "--mend", "--dry-run")
    assert result.exit_code == 0 and run.run_id in result.stdout
    assert result.stderr == "Dry run: 2 would be mended, 0 are so already. Nothing was changed.\n"
    assert set(calls) == {"ListHITs"}
    assert world.sql("SELECT count(*) FROM units WHERE state = 'outstanding'") == [(1,)]


def test_without_a_terminal_mending_needs_yes_and_only_reads(world: World) -> None:
    end_units(world, world.crash())
    before = world.sql("SELECT * FROM units")
    result, calls = world.calls_of(SCRIPT, "--mend")
    assert result.exit_code == 2 and set(calls) == {"ListHITs"}
    assert world.sql("SELECT * FROM units") == before
    assert "There is no terminal to ask on" in result.stderr


def test_one_failure_does_not_stop_the_rest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = world.crash(units=3)
    reopen_hits(world, run)
    hits, expire = world.hit_ids(run), MTurk.expire

    def failing(self: MTurk, hit_id: str) -> None:
        if hit_id == hits[1]:
            raise ProviderError("this one not")
        expire(self, hit_id)

    with monkeypatch.context() as patch:
        patch.setattr(MTurk, "expire", failing)
        found = world.json(SCRIPT, "--mend", "--yes", exit_code=1)
    assert found["failed"] == [{"id": hits[1], "error": "this one not"}]
    assert (found["selected"], found["done"], found["already"]) == (3, 2, 0)
    assert world.statuses(hits) == ["Reviewable", "Assignable", "Reviewable"]


def test_a_second_mending_has_nothing_to_do(world: World) -> None:
    run = world.crash(units=3)
    double_hits(world, run)
    assert world.json(SCRIPT, "--mend", "--yes")["done"] == 2
    again = world.json(SCRIPT, "--mend", "--yes")
    assert (again["selected"], again["done"], again["failed"]) == (0, 0, [])


def test_a_unit_that_was_mended_meanwhile_counts_as_already_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crowdops.context import Context
    from crowdops.hits import differences, reconcile

    run = world.crash(units=2)
    reopen_hits(world, run)
    settings = world.settings._replace(endpoint=run.endpoint)
    with Context.open(settings) as context:
        broken, _ = differences.find_all(context, [run], {run.run_id: "attended"})
        context.provider.expire(world.hit_ids(run)[0])
        result = reconcile.mend(context, broken)
    assert (result.done, result.already, result.failed) == (1, 1, [])


def test_calls_are_counted_in_pages_of_a_hundred_hits(world: World) -> None:
    for name in ("pilot-1", "pilot-2"):
        world.launch(name, units=60)
    _, calls = world.calls_of(SCRIPT)
    assert calls["ListHITs"] <= 3 and set(calls) == {"ListHITs"}
