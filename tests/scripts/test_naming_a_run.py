"""A run is asked for by its id, a beginning of it, its task_name or last, in options and in arguments."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crowdops.registry import Run
from tests.support.processes import wait_until
from tests.support.world import World

ASKING = [  # scripts of each kind
    ("local/diagnose_run", "{}"),
    ("local/print_runs", "--run", "{}"),
    ("mturk/print_outstanding_hit_status", "--run", "{}"),
    ("mturk/expire_hits", "--dry-run", "--run", "{}"),
    ("mturk/extend_hits", "--dry-run", "--hours", "1", "--run", "{}"),
    ("local/raise_max_cost", "--dry-run", "{}", "900.00"),
    ("mturk/launch_run", "--dry-run", "--resume", "{}"),
    ("local/rebuild_registry", "--dry-run", "--run", "{}"),
    ("mturk/download_results", "--offline", "--format", "jsonl", "--run", "{}"),
]


@pytest.fixture
def two(world: World) -> tuple[Run, Run]:
    """A run that is alive, and one that crashed, launched not in the same second."""
    first = world.launch("pilot-1")
    wait_until(lambda: f"{datetime.now(UTC):%Y%m%d-%H%M%S}" > first.run_id[:15], 30)
    return first, world.crash("pilot-2", max_cost="500.00")


def test_each_name_stands_for_the_run(world: World, two: tuple[Run, Run]) -> None:
    first, run = two
    for script, *words in ASKING:
        for name in (run.run_id, "last", run.run_id[:-1], "pilot-2"):
            result = world.invoke(script, *[word.format(name) for word in words])
            assert result.exit_code == 0, (script, name, result.stderr)
            assert first.run_id not in result.stdout, (script, name)
            assert run.run_id in result.stdout or script == "mturk/download_results", (script, name)


def test_what_could_be_meant_is_listed_the_newest_first(world: World, two: tuple[Run, Run]) -> None:
    first, run = two
    for script, *words in ASKING:
        result = world.invoke(script, *[word.format("2") for word in words])
        assert result.exit_code == 2, script
        assert "'2' could be any of 2 runs, the newest first:" in result.stderr
        assert result.stderr.index(run.run_id) < result.stderr.index(first.run_id)


def test_servers_and_orphans_are_named_so_too(world: World) -> None:
    run = world.crash("pilot-1")
    assert world.invoke("local/print_server_status", "--run", "last").exit_code == 0
    assert world.invoke("local/kill_servers", "--run", "last", "--dry-run").exit_code == 0
    for name in ("events", "units", "task_runs"):
        world.sql(f"DELETE FROM {name} WHERE run_id = ?", run.run_id)
    for name in ("last", "pilot-1", run.run_id[:-2]):
        plan = world.invoke("local/recover", "--dry-run", "--orphans", name).stdout
        assert "take over" in plan, name
