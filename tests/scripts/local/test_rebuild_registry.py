"""rebuild_registry: the registry is lost or damaged, and comes back from the marks alone."""

from __future__ import annotations

import json
import shutil
import signal
from decimal import Decimal
from typing import Any

import pytest

from tests.support.strikes import LAUNCH
from tests.support.sweeps import Point
from tests.support.world import World

pytestmark = pytest.mark.gated

REBUILD = "local/rebuild_registry"


@pytest.fixture
def run_toml(world: World) -> str:
    """A run of six units, three at once, two assignments each, and workers to do it."""
    world.add_foreign_hits()
    world.work_in_pairs()
    return str(world.write_run(6, max_num_concurrent_units=3, assignments_per_unit=2))


@pytest.fixture
def cut_off(world: World, run_toml: str) -> str:
    """The run was killed in its middle, and the registry is lost. Its id."""
    assert world.kill_at(Point("call", "after", 10), LAUNCH, run_toml, "--yes")
    (run_id,) = world.run_ids()
    lose(world)
    return run_id


def lose(world: World) -> None:
    for name in ("registry.db", "registry.db-wal", "registry.db-shm"):
        (world.home / name).unlink(missing_ok=True)


def results_of(world: World, run_id: str) -> dict[str, dict[str, Any]]:
    shown = world.invoke("mturk/download_results", "--run", run_id, "--format", "jsonl")
    assert shown.exit_code == 0, shown.stderr
    found = [json.loads(line) for line in shown.stdout.splitlines()]
    return {line["assignment_id"]: line for line in found}


def test_a_run_of_a_lost_registry_is_rebuilt_and_shut_down(world: World, cut_off: str) -> None:
    result = world.invoke(REBUILD)
    assert result.exit_code == 0, result.stderr
    assert "1 run, " in result.stderr
    assert f"The data rows of {cut_off} are not known." in result.stderr
    assert world.sql("SELECT run_id, task_name, data_digest, state FROM task_runs") == [
        (cut_off, "pilot-1", "", "running")
    ]
    assert world.collected() <= world.submitted()
    recovered = world.recover()
    assert recovered.exit_code == 0, recovered.stderr
    world.assert_nothing_is_left()
    found = results_of(world, cut_off)
    assert set(found) == world.submitted()
    assert all(line["input"] is None and line["answer"]["label"] == "cat" for line in found.values())


def test_a_run_of_a_lost_registry_is_rebuilt_and_carried_on_as_if_nothing_had_happened(
    world: World, cut_off: str, run_toml: str
) -> None:
    assert world.invoke(REBUILD).exit_code == 0
    world.finish(LAUNCH, run_toml, "--resume", cut_off, "--yes")
    world.assert_nothing_is_left()
    assert world.units(cut_off) == {"finished": 6}
    found = results_of(world, cut_off)
    assert len(found) == 12
    assert {(line["unit_index"], line["input"]["text"]) for line in found.values()} == {
        (number, f"message {number}") for number in range(6)
    }


def test_without_its_run_toml_a_rebuilt_run_ends_with_what_was_out(world: World, cut_off: str) -> None:
    assert world.invoke(REBUILD).exit_code == 0
    launched = len(world.hits())
    launch = world.finish(LAUNCH, "--resume", cut_off, "--yes")
    assert "units that had no HIT are not known" in launch.said
    assert world.units(cut_off) == {"finished": launched}
    world.assert_nothing_is_left()


def test_a_run_toml_that_differs_from_the_hits_is_refused(world: World, cut_off: str) -> None:
    assert world.invoke(REBUILD).exit_code == 0
    other = str(world.write_run(6, task_reward="0.06", assignments_per_unit=2))
    launch = world.finish(LAUNCH, other, "--resume", cut_off, "--yes", code=2)
    assert "has task_reward = 0.05, and the run.toml says 0.06" in launch.said
    fewer = str(world.write_run(2, assignments_per_unit=2))
    launch = world.finish(LAUNCH, fewer, "--resume", cut_off, "--yes", code=2)
    assert "has 2 rows, and run" in launch.said


def test_what_the_registry_knows_better_stays(world: World, run_toml: str) -> None:
    world.finish(LAUNCH, run_toml, "--yes")
    before = [world.sql(f"SELECT * FROM {table}") for table in ("task_runs", "units")]
    world.sql("DELETE FROM assignments WHERE unit_index = 2")
    world.sql("UPDATE task_runs SET reason = 'somebody was here'")
    lines = world.json(REBUILD)
    assert lines["written"] == {
        "runs": 0,
        "units": 0,
        "assignments": 2,
        "bonuses": 0,
        "servers": 0,
        "failures": [],
    }
    assert world.sql("SELECT * FROM units") == before[1]
    assert world.sql("SELECT reason FROM task_runs") == [("somebody was here",)]
    assert world.collected() == world.submitted()


def test_rebuilding_only_reads_at_the_provider_and_can_be_repeated(world: World, cut_off: str) -> None:
    before, calls = world.hits(), len(world.gate.calls)
    assert world.invoke(REBUILD).exit_code == 0
    first = [world.sql(f"SELECT * FROM {table}") for table in ("task_runs", "units")]
    assert world.json(REBUILD)["written"]["units"] == 0
    assert [world.sql(f"SELECT * FROM {table}") for table in ("task_runs", "units")] == first
    assert {call.operation for call in world.gate.calls[calls:]} <= {
        "ListHITs",
        "GetHIT",
        "ListAssignmentsForHIT",
        "ListBonusPayments",
    }
    assert world.hits() == before


def test_the_results_are_the_same_with_reviews_and_bonuses_after_the_registry_was_lost(
    world: World, run_toml: str
) -> None:
    world.finish(LAUNCH, run_toml, "--yes")
    (run_id,) = world.run_ids()
    bonuses = world.folder / "bonuses.csv"
    decisions = world.folder / "decisions.csv"
    assignments = world.sql("SELECT assignment_id, worker_id FROM assignments ORDER BY assignment_id")
    (paid, by), (rejected, of), *_ = assignments
    bonuses.write_text(
        f"assignment_id,worker_id,amount,reason\n{paid},{by},0.10,Well done\n{paid},{by},1.00,And quick\n"
    )
    decisions.write_text(
        "assignment_id,worker_id,decision,feedback,bonus\n"
        f"{paid},{by},approve,Thank you,0.25\n{rejected},{of},reject,Empty,\n"
    )
    assert world.invoke("mturk/review_assignments", "--apply", str(decisions), "--yes").exit_code == 0
    assert world.invoke("mturk/pay_bonuses", str(bonuses), "--yes").exit_code == 0
    another = {"AssignmentId": paid, "WorkerId": by, "BonusAmount": "0.05", "Reason": "By somebody else"}
    for _ in range(2):  # who has no token pays twice
        world.crowd.client().send_bonus(**another)
    before = results_of(world, run_id)
    account = world.json("mturk/print_account")
    lose(world)
    assert world.json(REBUILD)["written"]["bonuses"] == 5
    after = results_of(world, run_id)
    assert after[paid]["bonus"] == "1.45"  # what others paid is in the provider's list, and so in the sum
    assert (after[paid]["status"], after[rejected]["status"]) == ("Approved", "Rejected")
    strip = {"input": None, "unit_id": None}  # the latter is a hash of the former
    assert {key: line | strip for key, line in after.items()} == {
        key: line | strip for key, line in before.items()
    }
    total = world.json("mturk/print_account")["total"]
    assert Decimal(total["bonuses"]) == Decimal(account["total"]["bonuses"])
    again = world.invoke("mturk/pay_bonuses", str(bonuses), "--yes")
    assert again.exit_code == 0, again.stderr
    assert world.json("mturk/print_account")["total"]["bonuses"] == total["bonuses"]


def test_a_dry_run_shows_the_runs_and_writes_nothing(world: World, cut_off: str) -> None:
    document = world.json(REBUILD, "--dry-run")
    assert [run["run_id"] for run in document["runs"]] == [cut_off]
    assert document["written"] is None
    assert world.run_ids() == []


def test_runs_of_another_home_are_taken_only_when_they_are_named(world: World, cut_off: str) -> None:
    for folder in ("runs", "locks"):
        shutil.rmtree(world.home / folder)
    result = world.invoke(REBUILD)
    assert result.exit_code == 0
    assert f"Left out: {cut_off}. This home has no folder of them." in result.stderr
    assert world.run_ids() == []
    assert world.invoke(REBUILD, "--task-name", "pilot-*").exit_code == 0
    assert world.run_ids() == [cut_off]
    unknown = world.invoke(REBUILD, "--run", "20200101-000000-none")
    assert unknown.exit_code == 2
    assert "carries the mark of a run '20200101-000000-none'" in unknown.stderr


@pytest.mark.parametrize("damage", ["overwritten", "cut"])
def test_a_damaged_registry_is_named_kept_and_replaced(world: World, run_toml: str, damage: str) -> None:
    world.finish(LAUNCH, run_toml, "--yes")
    (run_id,) = world.run_ids()
    path = world.home / "registry.db"
    world.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm"):
        (world.home / f"registry.db{suffix}").unlink(missing_ok=True)
    whole = path.read_bytes()
    path.write_bytes(b"x" * 5000 + whole[5000:] if damage == "overwritten" else whole[: len(whole) // 2])
    refused = world.invoke("local/print_runs")
    if damage == "overwritten":
        assert refused.exit_code == 1
        assert "is damaged" in refused.stderr
        assert "make rebuild" in refused.stderr
    damaged = path.read_bytes()
    result = world.invoke(REBUILD)
    assert result.exit_code == 0, result.stderr
    (kept,) = world.home.glob("registry-damaged-*.db")
    assert f"The file is kept: {kept}" in result.stderr
    assert kept.read_bytes() == damaged
    assert len(results_of(world, run_id)) == 12


def test_the_servers_of_a_lost_registry_are_found_by_their_marks(world: World, run_toml: str) -> None:
    with open(run_toml, "a") as file:
        file.write('[server]\nkind = "local"\n')
    launch = world.start(LAUNCH, run_toml, "--yes")
    world.wait_for_units("outstanding", 3)
    launch.process.send_signal(signal.SIGKILL)
    launch.end()
    (run_id,) = world.run_ids()
    lose(world)
    assert world.json(REBUILD)["written"]["servers"] == 1
    assert world.sql("SELECT kind, run_id, state FROM servers") == [("local", run_id, "up")]
    assert world.recover().exit_code == 0
    assert world.server_processes() == []
    world.assert_nothing_is_left()
