"""A second launch of the same while a run of it is alive: asked about, or refused, unless it is meant."""

from __future__ import annotations

import json

import pytest

from tests.support.terminals import Terminal
from tests.support.world import World

LAUNCH = "mturk/launch_run"


def refusal(world: World, *arguments: str) -> str:
    """Launch the same once more, which must be refused before any call; returns what was said."""
    before = world.run_ids()
    result, calls = world.calls_of(LAUNCH, str(world.folder / "pilot-1" / "run.toml"), "--yes", *arguments)
    assert (result.exit_code, calls) == (2, {}), result.stderr
    assert world.run_ids() == before
    assert "To launch another one all the same: --again" in result.stderr
    return result.stderr


def test_beside_a_detached_run_it_is_refused_and_the_run_named(world: World) -> None:
    run = world.launch(units=3)
    assert f"pilot-1 ({run.run_id}) is alive, detached, with 3 HITs out." in refusal(world)


def test_beside_a_crashed_run_it_is_refused_and_what_mends_that_is_named(world: World) -> None:
    run = world.crash()
    said = refusal(world)
    assert f"has crashed with 2 HITs out. Carry it on: make resume RUN={run.run_id}." in said
    assert "make recover" in said


def test_beside_an_attended_run_it_is_refused_and_the_process_named(world: World) -> None:
    run = world.crash()
    with world.attend(run):
        assert "is alive, attended by process" in refusal(world)


def test_another_name_given_on_the_command_line_does_not_make_it_another_run(world: World) -> None:
    world.launch()
    refusal(world, "--set", "task_name=pilot-2")


def test_a_dry_run_names_the_living_run(world: World) -> None:
    run, path = world.launch(), str(world.folder / "pilot-1" / "run.toml")
    result = world.invoke(LAUNCH, path, "--dry-run")
    assert result.exit_code == 0
    assert run.run_id in result.stdout
    assert json.loads(world.invoke(LAUNCH, path, "--dry-run", "--json").stdout)["living_runs"] == [run.run_id]


@pytest.mark.parametrize("answer", ["n", "y"])
def test_at_a_terminal_it_is_asked_about(world: World, answer: str) -> None:
    run = world.launch()
    with Terminal(LAUNCH, str(world.folder / "pilot-1" / "run.toml"), "--detach") as terminal:
        terminal.expect(f"{run.run_id}.* is alive, detached")
        terminal.expect("Launch another one beside that?")
        terminal.enter(answer)
        assert terminal.end() == 0
    assert len(world.run_ids()) == (2 if answer == "y" else 1)


def test_again_launches_another_one(world: World) -> None:
    world.launch()
    path = str(world.folder / "pilot-1" / "run.toml")
    assert world.invoke(LAUNCH, path, "--yes", "--detach", "--again").exit_code == 0
    assert len(world.run_ids()) == 2


def test_runs_that_have_ended_or_have_another_task_are_no_obstacle(world: World) -> None:
    world.set_state(world.launch(), "finished")
    crashed = world.crash("pilot-2")
    world.sql("UPDATE units SET state = 'expired' WHERE run_id = ?", crashed.run_id)
    world.launch("other-task", task_reward="0.07")
    for name in ("pilot-1", "pilot-2"):
        path = str(world.folder / name / "run.toml")
        result = world.invoke(LAUNCH, path, "--yes", "--detach")
        assert result.exit_code == 0, result.stderr


def test_a_resume_is_not_concerned_and_does_not_take_the_option(world: World) -> None:
    run = world.crash()
    world.launch()
    assert world.invoke(LAUNCH, "--resume", run.run_id, "--dry-run").exit_code == 0
    refused = world.invoke(LAUNCH, "--resume", run.run_id, "--again", "--yes")
    assert refused.exit_code == 2
    assert "--again" in refused.stderr
