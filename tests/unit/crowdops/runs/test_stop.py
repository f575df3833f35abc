"""Commands on the HITs of a run that a process attends: they say so, and stop it only when asked."""

from __future__ import annotations

import json

import pytest

from crowdops.providers import processes
from crowdops.registry import locks
from crowdops.runs import stop
from tests.support.scripts import Script
from tests.support.world import World

pytestmark = pytest.mark.gated

SCRIPTS = ("mturk/expire_hits", "mturk/delete_hits")


@pytest.fixture
def alive(world: World) -> Script:
    """A run that its process attends, with two HITs out and more to come."""
    launch = world.launch_run(units=4, max_num_concurrent_units=2)
    world.wait_for_units("outstanding", 2)
    return launch


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_run_goes_on_and_its_process_is_named(world: World, alive: Script, script: str) -> None:
    result = world.invoke(script, "--run", alive.run_id, "--dry-run")
    assert result.exit_code == 0
    assert f"goes on: it is attended by process {alive.process.pid} on" in result.stderr
    assert "To end it as Ctrl-C does there: --stop-run" in result.stderr
    shown = world.json(script, "--run", alive.run_id, "--dry-run")["attended_runs"]
    assert [(run["run_id"], run["by"]["pid"]) for run in shown] == [(alive.run_id, alive.process.pid)]
    assert alive.process.poll() is None


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_is_stopped_when_asked(world: World, alive: Script, script: str) -> None:
    result = world.invoke(script, "--run", alive.run_id, "--yes", "--stop-run")
    assert result.exit_code == 0, result.stderr
    assert f"process {alive.process.pid} was told to end it" in result.stderr
    assert alive.end() == 0
    assert "Stopping: no more HITs are launched" in alive.said
    assert world.open_hits() == []
    assert world.run(alive.run_id).state == "finished"


def test_a_dry_run_stops_nothing(world: World, alive: Script) -> None:
    result = world.invoke(SCRIPTS[0], "--run", alive.run_id, "--dry-run", "--stop-run")
    assert "is to end it." in result.stderr
    assert alive.process.poll() is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"host": "elsewhere"}, "is on another machine"),
        ({"since": "2020-01-01T00:00:00Z"}, "is not a process that this user can stop here"),
        ({"pid": 0}, "is not a process that this user can stop here"),
    ],
)
def test_a_process_that_is_not_surely_the_holder_gets_no_signal(
    world: World, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], why: str
) -> None:
    monkeypatch.setattr(processes, "interrupt", lambda process: pytest.fail("it was interrupted"))
    run = world.crash()
    with world.attend(run):
        path = world.home / "locks" / f"{run.run_id}.lock"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        [attended] = stop.find(world.settings, [run], is_asked=True)
        [(run_id, reason)] = stop.stop(world.settings, [attended])
    assert run_id == run.run_id and why in reason


def test_a_process_that_let_go_meanwhile_gets_no_signal(world: World) -> None:
    run = world.crash()
    with world.attend(run):
        attended = stop.find(world.settings, [run], is_asked=True)
    assert locks.holder_of(world.home, run.run_id) is None
    assert "has let go of it" in stop.stop(world.settings, attended)[0][1]
