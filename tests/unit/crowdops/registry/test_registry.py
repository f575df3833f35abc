"""The registry: one file, several processes, and every crash and full disk survived."""

import itertools
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crowdops.errors import RegistryError, UsageError
from crowdops.registry import Assignment, Registry, Run, migrations
from tests.support.run_parameters import some_parameters, some_run
from tests.support.scripts import run_script

NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, UTC)
PREAMBLE = """
import sys
from pathlib import Path
from crowdops.registry import Registry
home = Path(sys.argv[1])
"""


def new_run(run_id: str = "20261122-114502-k3f9", **values: Any) -> Run:
    usual = {"parameters": some_parameters(max_cost=Decimal("1.50")), "units": 3, "created_at": NOW}
    return some_run(run_id=run_id, **{**usual, **values})


RUN = new_run()


def new_assignment(number: int = 1, **values: Any) -> Assignment:
    made = Assignment(
        f"3ASSIGNMENT{number}",
        f"AWORKER{number}",
        "3HIT0",
        "Submitted",
        NOW,
        NOW + timedelta(seconds=9),
        NOW + timedelta(days=7),
        None,
        None,
        answer={"label": "日本", "tags": "a|b"},
        answer_values={"tags": ["a", "b"]},
    )
    return made._replace(**values)


def rows(count: int) -> Iterator[tuple[int, dict[str, Any]]]:
    return ((index, {"text": f"row {index}"}) for index in range(count))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "registry-home"


@pytest.fixture
def registry(home: Path) -> Iterator[Registry]:
    """An open registry that holds one run of three planned units."""
    with Registry.open(home) as opened:
        opened.add_run(RUN)
        opened.add_units(RUN.run_id, rows(3))
        yield opened


def program(body: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PREAMBLE + textwrap.dedent(body), *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outputs(*processes: subprocess.Popen[str]) -> list[str]:
    found = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), [
        error for _, error in found
    ]
    return [out for out, _ in found]


def sql(home: Path, statement: str, *values: object) -> list[Any]:
    connection = sqlite3.connect(home / "registry.db", isolation_level=None)
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


# What it remembers


def test_a_run_comes_back_as_it_was_added(registry: Registry) -> None:
    assert registry.run(RUN.run_id) == RUN
    other = new_run("20261122-114503-aaaa", detached=True, reason="x", hit_type_id="3TYPE", state="running")
    registry.add_run(other)
    assert registry.runs() == [RUN, other]
    assert registry.run("20260101-000000-none") is None


def test_an_end_state_has_its_time_and_others_do_not(registry: Registry) -> None:
    for state in ("running", "draining"):
        registry.set_run_state(RUN.run_id, state)
        assert registry.run(RUN.run_id).ended_at is None  # type: ignore[union-attr]
    for state in ("finished", "stopped", "failed"):
        registry.set_run_state(RUN.run_id, state, "why")
        found = registry.run(RUN.run_id)
        assert found is not None and found.ended_at is not None and found.reason == "why"


def test_a_hit_type_is_remembered(registry: Registry) -> None:
    registry.set_hit_type(RUN.run_id, "3TYPE")
    assert registry.run(RUN.run_id).hit_type_id == "3TYPE"  # type: ignore[union-attr]


def test_an_intent_is_written_before_the_call_and_withdrawn_if_nothing_was_sent(registry: Registry) -> None:
    intended = registry.intend(RUN.run_id, 2)
    assert [(unit.unit_index, unit.state) for unit in intended] == [(0, "creating"), (1, "creating")]
    assert intended[0].input == {"text": "row 0"} and intended[0].intended_at is not None
    assert registry.unit(RUN.run_id, 0) == intended[0]
    registry.withdraw(RUN.run_id, [1])
    registry.withdraw(RUN.run_id, [])
    assert registry.unit_counts(RUN.run_id) == {"creating": 1, "planned": 2}
    assert [unit.unit_index for unit in registry.intend(RUN.run_id, 9)] == [1, 2]
    assert registry.intend(RUN.run_id, 9) == []


def test_a_created_unit_cannot_be_withdrawn(registry: Registry) -> None:
    registry.intend(RUN.run_id, 2)
    registry.set_created(RUN.run_id, 0, "3HIT0")
    registry.withdraw(RUN.run_id, [0, 1])
    assert registry.unit_counts(RUN.run_id) == {"outstanding": 1, "planned": 2}


def test_created_is_safe_to_repeat_and_never_reopens_a_finished_unit(registry: Registry) -> None:
    registry.intend(RUN.run_id, 1)
    for _ in range(2):
        registry.set_created(RUN.run_id, 0, "3HIT0")
    registry.collect(RUN.run_id, 0, "3HIT0", [new_assignment()], ended=True)
    registry.set_created(RUN.run_id, 0, "3HIT0")
    found = registry.unit(RUN.run_id, 0)
    assert found is not None and (found.state, found.hit_id) == ("finished", "3HIT0")


def test_two_units_never_share_a_hit(registry: Registry) -> None:
    registry.intend(RUN.run_id, 2)
    registry.set_created(RUN.run_id, 0, "3HIT0")
    with pytest.raises(sqlite3.IntegrityError):
        registry.set_created(RUN.run_id, 1, "3HIT0")
    assert registry.unit(RUN.run_id, 1).state == "creating"  # type: ignore[union-attr]


def test_collecting_is_safe_to_repeat_and_takes_the_newer_status(registry: Registry) -> None:
    registry.intend(RUN.run_id, 2)
    registry.set_created(RUN.run_id, 0, "3HIT0")
    first, second = new_assignment(1), new_assignment(2)
    registry.collect(RUN.run_id, 0, "3HIT0", [first], ended=False)
    assert registry.unit(RUN.run_id, 0).state == "outstanding"  # type: ignore[union-attr]
    approved = first._replace(status="Approved", approved_at=NOW)
    for _ in range(2):
        registry.collect(RUN.run_id, 0, "3HIT0", [approved, second], ended=True)
    results = list(registry.iter_results([RUN.run_id]))
    assert [result.assignment for result in results] == [approved, second]
    assert results[0].input == {"text": "row 0"} and results[0].task_name == "pilot-1"
    assert registry.assignment_count(RUN.run_id) == 2
    assert registry.open_units(RUN.run_id) == 2


def test_a_unit_that_ended_without_an_answer_is_expired(registry: Registry) -> None:
    registry.intend(RUN.run_id, 2)
    registry.set_created(RUN.run_id, 0, "3HIT0")
    registry.set_expired(RUN.run_id, 0, "3HIT0")
    first = registry.unit(RUN.run_id, 0)
    registry.set_expired(RUN.run_id, 0, "3HIT0")
    assert first is not None and first.state == "outstanding" and first == registry.unit(RUN.run_id, 0)
    registry.collect(RUN.run_id, 0, "3HIT0", [], ended=True)
    registry.set_failed(RUN.run_id, 1, "refused")
    assert registry.unit_counts(RUN.run_id) == {"expired": 1, "failed": 1, "planned": 1}


def test_money_is_decimal_again(registry: Registry) -> None:
    registry.collect(RUN.run_id, 0, "3HIT0", [new_assignment(bonus=Decimal("0.30"))], ended=False)
    assert next(registry.iter_results([RUN.run_id])).assignment.bonus == Decimal("0.30")


def test_missing_hits_are_those_old_enough_to_be_listed(registry: Registry) -> None:
    registry.intend(RUN.run_id, 3)
    for index in range(3):
        registry.set_created(RUN.run_id, index, f"3HIT{index}")
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert registry.missing_hits(RUN.run_id, ["3HIT1"], later) == ["3HIT0", "3HIT2"]
    assert registry.missing_hits(RUN.run_id, [], later - timedelta(hours=1)) == []


def test_what_auto_approval_must_have_approved_is_stale(registry: Registry) -> None:
    approved = new_assignment(2, status="Approved")
    registry.collect(RUN.run_id, 0, "3HIT0", [new_assignment(1), approved], ended=False)
    due = NOW + timedelta(days=7)
    assert list(registry.iter_stale_units(RUN.run_id, due - timedelta(seconds=1))) == []
    assert list(registry.iter_stale_units(RUN.run_id, due)) == [(0, "3HIT0")]


def test_units_are_streamed_while_they_change(registry: Registry) -> None:
    registry.add_units(RUN.run_id, rows(50))
    seen = []
    for unit in registry.iter_units(RUN.run_id, ["planned"], chunk=7):
        seen.append(unit.unit_index)
        registry.set_failed(RUN.run_id, unit.unit_index, "x")
    assert seen == list(range(50))


def test_adding_units_again_keeps_what_is_there(registry: Registry) -> None:
    registry.intend(RUN.run_id, 1)
    assert registry.add_units(RUN.run_id, rows(5)) == 5
    assert registry.unit_counts(RUN.run_id) == {"creating": 1, "planned": 4}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE task_runs SET state = 'crashed'",
        "UPDATE task_runs SET environment = 'prod'",
        "UPDATE task_runs SET detached = 2",
        "UPDATE units SET state = 'done'",
        "UPDATE units SET unit_index = -1 WHERE unit_index = 0",
        "INSERT INTO units (run_id, unit_index) VALUES ('no such run', 0)",
    ],
)
def test_what_makes_no_sense_is_refused_by_the_file_itself(
    registry: Registry, home: Path, statement: str
) -> None:
    connection = sqlite3.connect(home / "registry.db")
    connection.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()


def test_everything_done_stands_in_the_journal(registry: Registry, home: Path) -> None:
    registry.intend(RUN.run_id, 1)
    registry.set_created(RUN.run_id, 0, "3HIT0")
    registry.record("note", "3HIT0", RUN.run_id, "by hand")
    found = sql(home, "SELECT kind, target, detail FROM events ORDER BY event_id")
    assert found[0] == ("run-created", RUN.run_id, "pilot-1")
    assert found[-2:] == [("hit-created", "3HIT0", "unit 0"), ("note", "3HIT0", "by hand")]


def test_the_file_is_for_its_owner_only(home: Path) -> None:
    with Registry.open(home):
        assert home.stat().st_mode & 0o777 == 0o700
        assert all(path.stat().st_mode & 0o077 == 0 for path in home.iterdir())


# Migrations


def test_a_migration_that_is_killed_halfway_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = migrations._statements

    def killed(script: str) -> Iterator[str]:
        yield from itertools.islice(statements(script), 3)
        raise KeyboardInterrupt

    monkeypatch.setattr(migrations, "_statements", killed)
    with pytest.raises(KeyboardInterrupt):
        Registry.open(home)
    assert sql(home, "SELECT count(*) FROM sqlite_master")[0][0] == 0
    assert sql(home, "PRAGMA user_version")[0][0] == 0
    monkeypatch.undo()
    with Registry.open(home) as registry:
        assert registry.runs() == []


def test_a_process_killed_inside_a_migration_leaves_nothing(home: Path) -> None:
    body = """
    import os, signal
    from crowdops.registry import migrations
    whole = migrations._statements
    def killed(script):
        for number, statement in enumerate(whole(script)):
            if number == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            yield statement
    migrations._statements = killed
    Registry.open(home)
    """
    process = program(body, home)
    process.communicate(timeout=30)
    assert process.returncode == -9
    assert sql(home, "SELECT count(*) FROM sqlite_master")[0][0] == 0
    with Registry.open(home) as registry:
        registry.add_run(RUN)


def test_a_newer_file_is_refused_and_left_as_it_is(registry: Registry, home: Path) -> None:
    sql(home, "PRAGMA user_version = 99")
    with pytest.raises(
        RegistryError, match=r"registry.db was written by a newer crowdops \(schema 99, this one knows \d+\)"
    ):
        Registry.open(home)
    assert sql(home, "PRAGMA user_version")[0][0] == 99
    assert len(sql(home, "SELECT * FROM units")) == 3


def test_many_processes_may_open_a_new_registry_at_once(home: Path) -> None:
    body = "Registry.open(home).__exit__(None, None, None)"
    for attempt in range(2):
        outputs(*(program(body, home / str(attempt)) for _ in range(6)))
        assert sql(home / str(attempt), "PRAGMA user_version")[0][0] >= 1


# Trouble


def test_a_file_that_is_no_database_is_left_as_it_is(home: Path) -> None:
    home.mkdir()
    for content in (b"this is not a database, by any means" * 50, b"SQLite format 3\0" + b"\xff" * 4096):
        (home / "registry.db").write_bytes(content)
        with pytest.raises(RegistryError, match=r"registry.db is damaged \(.+\)\. Nothing was changed"):
            Registry.open(home)
        assert (home / "registry.db").read_bytes() == content


def test_a_damaged_page_is_said_by_whoever_reads_it(home: Path) -> None:
    with Registry.open(home) as registry:
        registry.add_run(RUN)
        registry.add_units(RUN.run_id, rows(5000))
    path = home / "registry.db"
    content = path.read_bytes()
    path.write_bytes(content[:20_000] + b"\xff" * (len(content) - 20_000))
    with (
        pytest.raises(RegistryError, match=r"is damaged \(.+malformed\)\. Nothing was changed"),
        Registry.open(home) as registry,
    ):
        list(registry.iter_units(RUN.run_id, ["planned"]))


def test_a_damaged_registry_is_one_line_and_exit_1_in_a_script(home: Path) -> None:
    home.mkdir()
    (home / "registry.db").write_bytes(b"no database" * 1000)
    result = run_script("local/print_runs", "--home", str(home))
    assert result.returncode == 1
    assert result.stderr.startswith("error: The registry ") and result.stderr.count("\n") == 1


@pytest.mark.parametrize("place", ["a-file/home", "a-file"])
def test_a_home_that_cannot_be_is_said(tmp_path: Path, place: str) -> None:
    (tmp_path / "a-file").write_text("")
    with pytest.raises(
        UsageError, match="The registry .*a-file.* cannot be opened: (Not a directory|File exists)"
    ):
        Registry.open(tmp_path / place)


def test_a_read_only_file_is_said(registry: Registry, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # chmod does not stop root: sqlite's own read-only mode does.
    def read_only(path: Path, **options: Any) -> sqlite3.Connection:
        return connect(f"file:{path}?mode=ro", uri=True, **options)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", read_only)
    with (
        Registry.open(home) as opened,
        pytest.raises(RegistryError, match="attempt to write a readonly database"),
    ):
        opened.record("note", "x")


def test_a_full_disk_is_said_and_loses_nothing_that_was_committed(registry: Registry, home: Path) -> None:
    pages = registry._connection.execute("PRAGMA page_count").fetchone()[0]
    registry._connection.execute(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(RegistryError, match=r"cannot be used: database or disk is full\. Make room"):
        registry.add_units(RUN.run_id, ((n, {"text": "x" * 1000}) for n in range(3, 5000)))
    with Registry.open(home) as opened:
        assert opened.unit_counts(RUN.run_id) == {"planned": 3}
    registry._connection.execute(f"PRAGMA max_page_count = {pages + 5000}")
    registry.record("note", "the disk has room again")


# Several at once


def test_three_processes_writing_at_once_lose_nothing(registry: Registry, home: Path) -> None:
    body = """
    name = sys.argv[2]
    with Registry.open(home) as registry:
        for number in range(100):
            registry.record(name, str(number))
            units = registry.intend("20261122-114502-k3f9", 1)
            for unit in units:
                registry.set_created(unit.run_id, unit.unit_index, f"3{name}{unit.unit_index}")
                print(unit.unit_index)
    """
    registry.add_units(RUN.run_id, rows(120))
    printed = outputs(*(program(body, home, name) for name in ("ONE", "TWO", "THREE")))
    done = [int(line) for text in printed for line in text.split()]
    assert sorted(done) == list(range(120)), "a unit was given out twice, or never"
    assert dict(
        sql(home, "SELECT kind, count(*) FROM events WHERE kind IN ('ONE', 'TWO', 'THREE') GROUP BY kind")
    ) == {
        "ONE": 100,
        "TWO": 100,
        "THREE": 100,
    }
    assert registry.unit_counts(RUN.run_id) == {"outstanding": 120}


def test_a_reader_is_not_held_up_by_a_writer(registry: Registry, home: Path) -> None:
    with Registry.open(home) as other, registry.transaction():
        registry.record("note", "x")
        assert len(other.runs()) == 1
        assert other.unit_counts(RUN.run_id) == {"planned": 3}


def test_a_writer_waits_for_its_turn(registry: Registry, home: Path) -> None:
    body = """
    with Registry.open(home) as registry:
        print("open", flush=True)
        registry.record("waited", "x")
    """
    with registry.transaction():
        process = program(body, home)
        assert process.stdout is not None and process.stdout.readline() == "open\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
    outputs(process)
    assert sql(home, "SELECT count(*) FROM events WHERE kind = 'waited'") == [(1,)]


def test_a_hundred_thousand_units_need_no_more_memory_than_a_few(home: Path) -> None:
    body = """
    import resource
    from datetime import UTC, datetime
    from tests.support.run_parameters import some_run
    run = some_run()
    with Registry.open(home) as registry:
        registry.add_run(run)
        registry.add_units(run.run_id, ((n, {"text": "x" * 200}) for n in range(1000)))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        registry.add_units(run.run_id, ((n, {"text": "x" * 200}) for n in range(1000, 100_000)))
        assert sum(1 for _ in registry.iter_units(run.run_id, ["planned"])) == 100_000
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    grown = int(outputs(program(body, home))[0])
    assert grown * 1024 < 20_000_000
