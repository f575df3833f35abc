"""restore_backup: a copy takes the registry's place, what was there is kept, and the marks close the gap."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from crowdops.registry import troubles
from tests.support.copies import RESTORE, back_up, damage, files, make_older, run_ids
from tests.support.world import World


def test_a_restore_brings_the_runs_back_and_keeps_what_was_there(world: World) -> None:
    first = world.launch("pilot-1").run_id
    backup = back_up(world)
    second = world.launch("pilot-2").run_id
    found = world.json(RESTORE, backup.name, "--yes")
    assert found["restored"] and found["backup"] == str(backup)
    assert [run["run_id"] for run in world.json("local/print_runs")["runs"]] == [first]
    assert run_ids(Path(found["kept"])) == sorted([first, second])
    assert run_ids(backup) == [first]


@pytest.mark.parametrize(
    "ruin", [damage, lambda world: (world.home / "registry.db").write_bytes(b"\0" * 9000)]
)
def test_a_damaged_registry_is_kept_as_it_is(world: World, ruin: Callable[[World], object]) -> None:
    run = world.launch(units=120)
    backup = back_up(world)
    ruin(world)
    damaged = (world.home / "registry.db").read_bytes()
    found = world.json(RESTORE, str(backup), "--yes")
    assert Path(found["kept"]).read_bytes() == damaged
    assert [each["run_id"] for each in world.json("local/print_runs")["runs"]] == [run.run_id]


def test_a_restore_needs_no_registry(world: World) -> None:
    run = world.launch()
    backup = back_up(world)
    (world.home / "registry.db").unlink()
    found = world.json(RESTORE, str(backup), "--yes")
    assert found["kept"] is None
    assert world.run(run.run_id).task_name == "pilot-1"


def test_a_restore_is_refused_while_a_run_is_attended(world: World) -> None:
    first, second = world.crash("pilot-1"), world.crash("pilot-2")
    backup = back_up(world)
    with world.attend(second):
        result = world.invoke(RESTORE, backup.name, "--yes")
    assert result.exit_code == 2
    assert f"run {second.run_id} is attended by process {os.getpid()}" in result.stderr
    assert first.run_id not in result.stderr
    assert files(world) == [backup.name]


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def foreign(path: Path) -> bytes:
    """Put another program's database there, whose version could be one of ours; returns what is in it."""
    path.unlink(missing_ok=True)
    change(path, "CREATE TABLE notes (text)", "PRAGMA user_version = 2")
    return path.read_bytes()


@pytest.mark.parametrize(
    "spoil,complaint",
    [
        (
            lambda path: path.write_text("not a database, and long enough to be read as one" * 100),
            "no whole copy",
        ),
        (lambda path: path.write_bytes(path.read_bytes()[:9000]), "no whole copy"),
        (lambda path: change(path, "PRAGMA user_version = 99"), "newer crowdops (schema 99"),
        (
            lambda path: change(path, "PRAGMA foreign_keys = OFF", "DROP TABLE task_runs"),
            "not a registry of crowdops",
        ),
        (
            lambda path: change(path, "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM units; END"),
            "it has a trigger t",
        ),
        (lambda path: change(path, "CREATE VIEW v AS SELECT 1"), "it has a view v"),
        (lambda path: change(path, "DROP TABLE bonuses"), "it lacks the table bonuses"),
        (lambda path: change(path, "ALTER TABLE units DROP COLUMN error"), "its table units is another one"),
        (foreign, "not a registry of crowdops"),
    ],
    ids=[
        "no database",
        "cut off",
        "newer",
        "another program's",
        "a trigger",
        "a view",
        "a table less",
        "a column less",
        "another program's, of a version",
    ],
)
def test_a_file_that_is_no_registry_changes_nothing(
    world: World, spoil: Callable[[Path], object], complaint: str
) -> None:
    run = world.launch(units=60)
    backup = back_up(world)
    spoil(backup)
    result = world.invoke(RESTORE, backup.name, "--yes")
    assert result.exit_code == 1 and complaint in result.stderr
    assert world.run(run.run_id).units == 60
    assert files(world) == [backup.name]


@pytest.mark.parametrize(
    "command", ["local/print_runs", "mturk/print_outstanding_hit_status", "local/back_up"]
)
def test_another_programs_database_is_left_as_it_is(world: World, command: str) -> None:
    content = foreign(world.home / "registry.db")
    result = world.invoke(command)
    assert result.exit_code == 1
    assert "registry.db is a database, and not a registry of crowdops. Nothing was changed." in result.stderr
    assert (world.home / "registry.db").read_bytes() == content


@pytest.mark.parametrize("command", [(RESTORE, "--yes"), ("local/rebuild_registry",)])
def test_another_programs_database_is_set_aside(world: World, command: tuple[str, ...]) -> None:
    run = world.launch()
    backup = back_up(world)
    for path in world.home.glob("registry.db-*"):
        path.unlink()
    content = foreign(world.home / "registry.db")
    script, *flags = command
    arguments = [backup.name, *flags] if script == RESTORE else flags
    result = world.invoke(script, *arguments)
    assert result.exit_code == 0, result.stderr
    (kept,) = world.home.glob("registry-damaged-*.db")
    assert kept.read_bytes() == content and str(kept) in result.stderr
    assert world.run(run.run_id).task_name == "pilot-1"


def registry_files(world: World) -> list[Path]:
    return [world.home / "registry.db", *world.home.glob("registry.db-*")]


def put_a_folder(world: World) -> None:
    for path in registry_files(world):
        path.unlink()
    (world.home / "registry.db").mkdir()


def put_a_link(world: World) -> None:
    for path in registry_files(world):
        path.unlink()
    (world.home / "registry.db").symlink_to(world.folder / "elsewhere" / "registry.db")


def leave_a_part(world: World) -> None:
    (world.home / "registry.db").unlink()
    (world.home / "registry.db-wal").write_bytes(b"what was written last")


def make_newer(world: World) -> None:
    change(world.home / "registry.db", "PRAGMA user_version = 99")


@pytest.mark.parametrize(
    "spoil,complaint",
    [
        (put_a_folder, "is a folder, and must be a file. A new one can be made"),
        (put_a_link, "cannot be opened: No such file or directory."),
        (leave_a_part, "is gone, and registry.db-wal, which belongs to it, is left. Put it back"),
        (make_newer, "was written by a newer crowdops (schema 99"),
    ],
)
@pytest.mark.parametrize("command", [(RESTORE, "--yes"), ("local/rebuild_registry",)])
def test_whatever_cannot_be_opened_is_said_and_set_aside(
    world: World, spoil: Callable[[World], None], complaint: str, command: tuple[str, ...]
) -> None:
    run = world.launch()
    backup = back_up(world)
    spoil(world)
    refused = world.invoke("local/print_runs")
    assert refused.exit_code in (1, 2) and complaint in refused.stderr
    script, *flags = command
    result = world.invoke(script, *([backup.name, *flags] if script == RESTORE else flags))
    assert result.exit_code == 0, result.stderr
    kept = list(world.home.glob("registry-damaged-*.db*"))
    assert kept and all(str(path).partition(".db")[0] in result.stderr for path in kept)
    assert world.run(run.run_id).task_name == "pilot-1"


def test_a_registry_that_another_process_has_locked_is_not_set_aside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(troubles, "LOCK_SECONDS", 0.05)
    world.launch()
    backup = back_up(world)
    with closing(sqlite3.connect(world.home / "registry.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        for script, *arguments in ((RESTORE, backup.name, "--yes"), ("local/rebuild_registry",)):
            result = world.invoke(script, *arguments)
            assert result.exit_code == 1 and "is locked by another process" in result.stderr
    assert not list(world.home.glob("registry-damaged-*"))


def test_an_unusable_registry_of_a_living_run_is_not_pulled_from_under_it(world: World) -> None:
    run = world.crash()
    damage(world)
    with world.attend(run):
        result = world.invoke("local/rebuild_registry")
    assert result.exit_code == 2 and "is attended by process" in result.stderr
    assert not list(world.home.glob("registry-damaged-*"))


def test_an_unknown_file_is_answered_with_the_newest_backups(world: World) -> None:
    world.launch()
    names = [back_up(world).name, back_up(world).name]
    result = world.invoke(RESTORE, "yesterday.db", "--yes")
    assert result.exit_code == 2
    assert "There is no file yesterday.db." in result.stderr
    assert f"{names[1]}, {names[0]}." in result.stderr


def test_a_dry_run_changes_nothing(world: World) -> None:
    world.launch("pilot-1")
    backup = back_up(world)
    second = world.launch("pilot-2")
    result = world.invoke(RESTORE, backup.name, "--dry-run")
    assert result.exit_code == 0
    assert result.stderr == f"{backup} would be put in its place. Nothing was changed.\n"
    assert world.run(second.run_id).task_name == "pilot-2" and files(world) == [backup.name]


def test_without_a_terminal_a_restore_needs_yes(world: World) -> None:
    world.launch()
    backup = back_up(world)
    result = world.invoke(RESTORE, backup.name)
    assert result.exit_code == 2 and "There is no terminal to ask on" in result.stderr
    assert files(world) == [backup.name]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_backup_of_an_older_schema_is_brought_up_to_date(world: World, version: int) -> None:
    run = world.launch()
    backup = back_up(world)
    make_older(backup, version)
    world.json(RESTORE, backup.name, "--yes")
    assert world.sql("PRAGMA user_version") > [(version,)]
    assert world.sql("SELECT count(*) FROM decisions") == [(0,)]
    assert world.run(run.run_id).units == 2


# The whole way


def test_after_a_lost_registry_a_backup_and_the_marks_bring_back_every_result(world: World) -> None:
    def results(*selectors: str) -> list[dict[str, Any]]:
        text = world.invoke("mturk/download_results", *selectors, "--format", "jsonl").stdout
        return [json.loads(line) for line in text.splitlines()]

    first = world.launch("pilot-1", units=3)
    for hit_id in world.hit_ids(first)[:2]:
        world.do(hit_id)
    assert len(results("--all-runs")) == 2
    backup = back_up(world)
    world.do(world.hit_ids(first)[2], "AWORKER2")
    second = world.launch("pilot-2", units=2)
    for hit_id in world.hit_ids(second):
        world.do(hit_id)
    expected = sorted(
        (each["run_id"], each["unit_index"], each["assignment_id"]) for each in results("--all-runs")
    )
    assert len(expected) == 5
    for path in world.home.glob("registry.db*"):
        path.unlink()

    assert world.invoke(RESTORE, backup.name, "--yes").exit_code == 0
    rebuilt = world.invoke("local/rebuild_registry")
    assert rebuilt.exit_code == 0, rebuilt.stderr
    assert world.invoke("local/recover", "--yes").exit_code == 0
    found = results("--all-runs")
    assert sorted((each["run_id"], each["unit_index"], each["assignment_id"]) for each in found) == expected
    inputs = {each["run_id"]: each["input"] for each in found}
    assert inputs == {first.run_id: {"text": "message 2"}, second.run_id: None}, (
        "rows come from the backup alone"
    )
    assert world.invoke("mturk/identify_broken_units").stdout == ""
