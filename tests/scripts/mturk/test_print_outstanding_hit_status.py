"""print_outstanding_hit_status: what is outstanding, whose it is, and what it costs to ask."""

import json
import math
import re
from datetime import UTC, datetime, timedelta

import pytest

from crowdops.registry import locks
from tests.support.documents import table
from tests.support.world import World

SCRIPT = "mturk/print_outstanding_hit_status"


def test_it_counts_hits_and_assignments_per_run(world: World) -> None:
    one = world.crash("pilot-1", units=4, assignments=2)
    two = world.launch("pilot-2")
    hits = world.hit_ids(one)
    world.do(hits[0], "AWORKER1"), world.do(hits[0], "AWORKER2")
    world.accept(hits[1], "AWORKER1"), world.accept(hits[1], "AWORKER2")
    world.do(hits[2], "AWORKER1")
    found = world.json(SCRIPT)
    assert found["environment"] == "local" and found["endpoint"] == world.crowd.url
    assert found["checked_at"].endswith("Z")
    by_id = {run["run_id"]: run for run in found["runs"]}
    first, second = by_id[one.run_id], by_id[two.run_id]
    assert first["hits"] == {
        "assignable": 2,
        "unassignable": 1,
        "reviewable": 1,
        "reviewing": 0,
        "missing": 0,
    }
    assert first["assignments"] == {"available": 3, "pending": 2, "submitted": 3, "completed": 0}
    assert (first["outstanding"], first["safe_to_shut_down"], first["attended"]) == (3, False, False)
    assert (first["condition"], second["condition"]) == ("crashed", "detached")
    assert (second["outstanding"], second["units"]) == (2, 2)


def test_foreign_hits_are_counted_and_orphans_too(world: World) -> None:
    crashed, detached, lost = world.crash("pilot-1"), world.launch("pilot-2"), world.crash("pilot-3", units=3)
    world.add_foreign_hits(4)
    for name in ("events", "units", "task_runs"):
        world.sql(f"DELETE FROM {name} WHERE run_id = ?", lost.run_id)
    found = world.json(SCRIPT)
    assert (found["orphan_hits"], found["foreign_hits"]) == (5, 4)
    assert {run["run_id"] for run in found["runs"]} == {crashed.run_id, detached.run_id}


def test_hits_of_runs_that_are_not_known_are_told_apart(world: World) -> None:
    lost = world.crash("pilot-3", units=3)
    for name in ("events", "units", "task_runs"):
        world.sql(f"DELETE FROM {name} WHERE run_id = ?", lost.run_id)
    assert "3 outstanding HITs carry our mark and are of runs that this registry does not know." in (
        world.invoke(SCRIPT).stdout
    )


def test_of_work_in_flight_after_the_end_the_moment_is_told(world: World) -> None:
    run = world.launch()
    held = [world.accept(hit_id) for hit_id in world.hit_ids(run)]
    assert world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes").exit_code == 0
    world.set_state(run, "stopped")
    [found] = world.json(SCRIPT)["runs"]
    until = datetime.fromisoformat(found["in_flight_until"]) - datetime.now(UTC)
    assert timedelta(seconds=580) < until < timedelta(seconds=601)
    said = world.invoke(SCRIPT).stdout
    assert f"They are in workers' hands until {found['in_flight_until']} at the latest." in said
    assert f"Then: make results RUN={run.run_id}\n" in said
    world.submit(held[0])
    world.give_back(held[1])
    [found] = world.json(SCRIPT)["runs"]
    assert found["in_flight_until"] is None


def test_the_table_says_whether_it_is_safe(world: World) -> None:
    run = world.crash()
    result = world.invoke(SCRIPT)
    assert result.exit_code == 0
    [row] = table(result)
    assert row[:4] == [run.run_id, "pilot-1", "running, crashed", "2"] and row[-1] == "no"
    assert f"Carry it on: make resume RUN={run.run_id}, or end it: make recover" in result.stdout
    assert "carry our mark" not in result.stdout, "they are told of once"
    other = world.launch("pilot-2", units=1)
    line = "2 outstanding HITs carry our mark and have no living run. Take them down: make recover\n"
    assert line in world.invoke(SCRIPT, "--run", other.run_id).stdout
    world.set_state(other, "stopped")
    selected = world.invoke(SCRIPT, "--run", other.run_id).stdout
    assert f"End it: make expire RUN={other.run_id}\n2 more outstanding HITs carry our mark" in selected
    world.client.update_expiration_for_hit(HITId=world.hit_ids(other)[0], ExpireAt=0)
    assert world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes").exit_code == 0
    result = world.invoke(SCRIPT)
    assert table(result)[0][-1] == "yes"
    assert "Nothing is available or pending: it is safe to shut down." in result.stdout


def test_an_attended_run_is_not_safe(world: World) -> None:
    run = world.crash()
    for hit_id in world.hit_ids(run):
        world.client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)
    with locks.hold(world.home, run.run_id):
        [found] = world.json(SCRIPT)["runs"]
    assert (found["attended"], found["outstanding"], found["safe_to_shut_down"]) == (True, 0, False)


def test_hits_lists_each_outstanding_one(world: World) -> None:
    run = world.crash(units=3)
    hits = world.hit_ids(run)
    world.do(hits[0])
    found = world.json(SCRIPT, "--hits")["hits"]
    assert [hit["hit_id"] for hit in sorted(found, key=lambda hit: hit["unit_index"])] == hits[1:]
    assert found[0].keys() == {
        "hit_id",
        "run_id",
        "unit_index",
        "status",
        "available",
        "pending",
        "submitted",
        "completed",
        "expiration",
    }
    assert "hits" not in world.json(SCRIPT)
    text = world.invoke(SCRIPT, "--hits").stdout
    assert hits[1] in text and hits[2] in text and hits[0] not in text


@pytest.mark.parametrize("extra", [0, 1, 100])
def test_a_status_costs_a_call_a_hundred_hits(world: World, extra: int) -> None:
    for number in range(3):
        world.launch(f"pilot-{number}", units=33)
    world.add_foreign_hits(extra)
    result, calls = world.calls_of(SCRIPT, "--json")
    hits = 99 + extra
    assert sum(calls.values()) <= math.ceil(hits / 100) + 2
    assert json.loads(result.stdout)["api_calls"] == sum(calls.values())
    assert set(calls) == {"ListHITs"}


def test_check_is_silent_while_no_crashed_run_has_anything_out(world: World) -> None:
    world.launch("pilot-1")
    done = world.crash("pilot-2")
    world.invoke("mturk/expire_hits", "--run", done.run_id, "--yes")
    result = world.invoke(SCRIPT, "--check")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_check_shows_the_crashed_run_and_exits_4(world: World) -> None:
    world.launch("pilot-1")
    run = world.crash("pilot-2")
    result = world.invoke(SCRIPT, "--check")
    assert result.exit_code == 4
    assert [row[0] for row in table(result)] == [run.run_id]
    assert run.run_id in result.stdout


def test_selectors_choose(world: World) -> None:
    one, two = world.crash("pilot-1"), world.crash("main-1")
    assert [run["run_id"] for run in world.json(SCRIPT, "--task-name", "main-*")["runs"]] == [two.run_id]
    assert [run["run_id"] for run in world.json(SCRIPT, "--run", one.run_id)["runs"]] == [one.run_id]
    assert len(world.json(SCRIPT, "--all-runs")["runs"]) == 2


def test_a_disposed_hit_is_missing_once_the_list_would_show_it(world: World) -> None:
    run = world.crash()
    gone = world.hit_ids(run)[0]
    world.client.update_expiration_for_hit(HITId=gone, ExpireAt=0)
    world.client.delete_hit(HITId=gone)
    assert world.json(SCRIPT)["runs"][0]["hits"]["missing"] == 0
    world.sql("UPDATE units SET created_at = '2026-01-01T00:00:00.000000Z'")
    assert world.json(SCRIPT)["runs"][0]["hits"]["missing"] == 1


def test_an_empty_account_is_said(world: World) -> None:
    result = world.invoke(SCRIPT)
    assert result.exit_code == 0
    assert f"No runs at {world.crowd.url}." in result.stdout


def test_every_figure_of_the_table_stands_under_its_header(world: World) -> None:
    run = world.launch(units=3)
    world.do(world.hit_ids(run)[0])
    *_, headers, _, row = world.invoke(SCRIPT).stdout.splitlines()
    shown = dict(zip(re.split(r"\s{2,}", headers), re.split(r"\s{2,}", row.strip()), strict=True))
    names = ("run", "units", "assignable", "ended", "available", "submitted", "safe")
    assert [shown[name] for name in names] == [run.run_id, "3", "2", "1", "2", "1", "no"]
