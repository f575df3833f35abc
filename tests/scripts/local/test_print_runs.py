"""print_runs: what the registry knows."""

import pytest

from crowdops.registry import locks
from tests.support.documents import table
from tests.support.world import World

SCRIPT = "local/print_runs"


def test_each_run_is_shown_with_its_condition(world: World) -> None:
    crashed, detached, ended = world.crash("pilot-1"), world.launch("pilot-2"), world.crash("pilot-3")
    world.set_state(ended, "finished")
    found = world.json(SCRIPT)["runs"]
    assert [run["run_id"] for run in found] == sorted(run.run_id for run in (crashed, detached, ended))
    assert {run["run_id"]: (run["state"], run["condition"]) for run in found} == {
        crashed.run_id: ("running", "crashed"),
        detached.run_id: ("running", "detached"),
        ended.run_id: ("finished", "ended"),
    }
    assert {row[1]: row[2] for row in table(world.invoke(SCRIPT))} == {
        "pilot-1": "running, crashed",
        "pilot-2": "running, detached",
        "pilot-3": "finished",
    }


def test_a_run_is_attended_while_a_process_holds_its_lock(world: World) -> None:
    run, other = world.crash("pilot-1"), world.launch("pilot-2")
    with locks.hold(world.home, run.run_id), locks.hold(world.home, other.run_id):
        assert [found["condition"] for found in world.json(SCRIPT)["runs"]] == ["attended", "attended"]
    assert {found["condition"] for found in world.json(SCRIPT)["runs"]} == {"crashed", "detached"}


def test_units_and_answers_are_counted(world: World) -> None:
    run = world.crash(units=3)
    world.do(world.hit_ids(run)[0])
    world.invoke("mturk/download_results", "--run", run.run_id)
    [found] = world.json(SCRIPT)["runs"]
    assert found["units"] == 3 and found["assignments"] == 1
    assert found["unit_states"] == {"finished": 1, "outstanding": 2}
    assert table(world.invoke(SCRIPT))[0][4:10] == ["3", "1", "0", "0", "2", "1"]
    assert (found["answered"], found["unanswered"], found["never_launched"], found["failed"]) == (1, 0, 0, 0)


def test_it_calls_nobody_and_needs_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.crash()
    result, calls = world.calls_of(SCRIPT)
    assert result.exit_code == 0 and calls == {}
    monkeypatch.setenv("AWS_ENDPOINT_URL_MTURK", "http://127.0.0.1:1")
    assert len(table(world.invoke(SCRIPT))) == 1


def test_selectors_choose(world: World) -> None:
    one, two = world.crash("pilot-1"), world.crash("main-1")
    assert [row[0] for row in table(world.invoke(SCRIPT, "--task-name", "m*"))] == [two.run_id]
    assert [row[0] for row in table(world.invoke(SCRIPT, "--run", one.run_id))] == [one.run_id]
    assert world.invoke(SCRIPT, "--run", "nonsense").exit_code == 2


def test_runs_of_several_endpoints_are_shown_together(world: World) -> None:
    world.crash("pilot-1")
    elsewhere = world.crash("pilot-2")
    world.sql("UPDATE task_runs SET endpoint = 'http://127.0.0.1:1' WHERE run_id = ?", elsewhere.run_id)
    for args in ([], ["--all-runs"], ["--task-name", "pilot-*"]):
        assert len(table(world.invoke(SCRIPT, *args))) == 2, args


def test_an_empty_registry_says_what_to_do(world: World) -> None:
    result = world.invoke(SCRIPT)
    assert result.exit_code == 0
    assert result.stderr == "No runs yet. See one: make demo\n"
