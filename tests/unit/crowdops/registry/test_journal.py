"""The journal: read by its indexes, each action once whoever settles it, old entries moved once."""

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crowdops.errors import UsageError
from crowdops.registry import Registry, archive
from crowdops.registry.journal import KINDS, Filter
from tests.support.forks import REPOSITORY
from tests.support.works import Work
from tests.support.world import World

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=400)
FILTERS = {
    "all": Filter(),
    "runs": Filter(run_ids=["r0", "r2"]),
    "a HIT": Filter(hit_ids=["3H7"]),
    "a worker": Filter(worker_ids=["A1"], kinds=["hit-created", "worker-blocked"]),
    "kinds of a run": Filter(run_ids=["r1"], kinds=["hit-created"]),
    "a kind": Filter(kinds=["hit-expired"], until=NOW + timedelta(days=1)),
    "a time": Filter(since=LONG_AGO, until=NOW + timedelta(days=1)),
    "before a time": Filter(until=LONG_AGO),
    "no run": Filter(run_ids=[]),
}


@pytest.fixture
def registry(tmp_path: Path) -> Any:
    with Registry.open(tmp_path / "home") as opened:
        with opened.transaction():
            for number in range(60):
                kind = ("hit-created", "hit-expired")[number % 2]
                opened.record(kind, f"3H{number}", f"r{number % 3}", f"unit {number}")
            opened.record("worker-blocked", "A1", detail="for pilot-1")
        yield opened


@pytest.mark.parametrize("name", FILTERS)
def test_what_is_meant_is_read_in_order_and_by_an_index(registry: Registry, name: str) -> None:
    meant = FILTERS[name]
    everything = list(registry.iter_events(Filter()))

    def is_meant(event: Any) -> bool:
        parts = [
            (meant.run_ids, event.run_id),
            (meant.hit_ids, event.hit_id),
            (meant.worker_ids, event.worker_id),
            (meant.kinds, event.kind),
        ]
        is_in_time = (meant.since or event.at) <= event.at <= (meant.until or event.at)
        return is_in_time and all(allowed is None or value in allowed for allowed, value in parts)

    wanted = [event for event in everything if is_meant(event)]
    assert list(registry.iter_events(meant)) == wanted
    assert registry.latest_events(meant, 4) == wanted[-4:]
    assert list(registry.iter_events(meant, 10, 30)) == [e for e in wanted if 10 < e.event_id <= 30]
    plans = []
    for query in registry._queries(meant):
        for statement in (query.next, query.newest):
            values = (*query.values, query.first, query.last, 9)
            rows = registry._connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            plans += [row[3] for row in rows]
    bounds = "EXPLAIN QUERY PLAN SELECT min(event_id), max(event_id) FROM events WHERE at BETWEEN '' AND 'A'"
    plans += [row[3] for row in registry._connection.execute(bounds)]
    assert not [plan for plan in plans if "SCAN" in plan or "TEMP" in plan]


def test_more_entries_than_are_read_at_once_are_read_while_others_write(registry: Registry) -> None:
    with registry.transaction():
        for number in range(2500):
            registry.record("hit-created", f"3X{number}", f"r{number % 2}")
    events = registry.iter_events(Filter(run_ids=["r0", "r1"], kinds=["hit-created"]), 61)
    first = next(events)
    with Registry.open(registry._path.parent) as other:
        other.record("hit-created", "3LATE", "r0")
    targets = [first.target, *(event.target for event in events)]
    assert targets == [*(f"3X{number}" for number in range(2500)), "3LATE"]


def test_every_kind_in_the_sources_is_explained() -> None:
    named = set()
    for path in (REPOSITORY / "lib" / "crowdops").rglob("*.py"):
        text = path.read_text()
        named |= set(re.findall(r'(?:Entry|record|_entry|_note_each)\(\s*"([a-z-]+)"', text))
    assert named - KINDS.keys() == set()
    states = re.findall(
        r"state IN \(([^)]*)\)", (Path(archive.__file__).parent / "schema/001_runs.sql").read_text()
    )
    words = [re.findall(r"'(\w+)'", states[number]) for number in (0, 2)]
    assert {f"run-{word}" for word in words[0]} | {f"server-{word}" for word in words[1]} <= KINDS.keys()


# Once, whoever settles it


def died(*arguments: object, **options: object) -> None:
    raise KeyboardInterrupt


def entries(world: World, glob: str) -> list[tuple[str, str]]:
    query = "SELECT kind, target FROM events WHERE kind GLOB ? ORDER BY event_id"
    return [(kind, target) for kind, target in world.sql(query, glob)]


def killed(world: World, method: str, *command: str) -> None:
    """Let a command die when its call has taken effect and the outcome is about to be written down."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Registry, method, died)
        assert world.invoke(*command).exit_code == 130


def test_an_expiry_that_nobody_lived_to_write_down_is_in_the_journal_once(world: World) -> None:
    run = world.crash(units=2)
    hit_ids = [*world.hit_ids(run), world.add_hit(run, 0)]
    world.setenv(CROWDOPS_THREADS="1")
    killed(world, "set_expired", "mturk/expire_hits", "--run", run.run_id, "--yes")
    assert entries(world, "hit-expired") == []
    world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    world.invoke("mturk/download_results", "--run", run.run_id)
    world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    assert sorted(entries(world, "hit-expired")) == sorted(("hit-expired", hit) for hit in hit_ids)


def test_a_deletion_that_nobody_lived_to_write_down_is_in_the_journal_once(world: World) -> None:
    work = Work(world, units=2)
    assert work.review("--approve-all", "--yes").exit_code == 0
    world.setenv(CROWDOPS_THREADS="1")
    killed(world, "set_disposed", "mturk/delete_hits", "--run", work.run.run_id, "--yes")
    assert entries(world, "hit-disposed") == [] and len([hit for hit in world.hits() if hit.disposed]) >= 1
    for _ in range(2):
        assert world.invoke("mturk/delete_hits", "--run", work.run.run_id, "--yes").exit_code == 0
    assert sorted(entries(world, "hit-disposed")) == sorted(("hit-disposed", hit) for hit in work.hits)


@pytest.mark.parametrize("next_command", ["review", "results"])
def test_a_review_that_nobody_lived_to_write_down_is_in_the_journal_once(
    world: World, next_command: str
) -> None:
    work = Work(world, units=2)
    work.collect()
    killed(world, "set_reviewed", "mturk/review_assignments", "--approve-all", "--yes", "--all-runs")
    assert entries(world, "assignment-*") == []
    if next_command == "results":
        work.collect()
    assert work.review("--approve-all", "--yes").exit_code == 0
    assert sorted(entries(world, "assignment-*")) == sorted(
        ("assignment-approved", a) for a in work.assignments
    )
    rows = world.sql("SELECT hit_id, worker_id FROM events WHERE kind = 'assignment-approved'")
    assert set(rows) == {(work.hits[0], "AWORKER1"), (work.hits[1], "AWORKER2")}


@pytest.mark.parametrize("next_command", ["bonuses", "results"])
def test_a_bonus_that_nobody_lived_to_write_down_is_in_the_journal_once(
    world: World, next_command: str
) -> None:
    work = Work(world, units=1)
    work.collect()
    path = str(work.bonuses({"n": "0"}))
    killed(world, "set_paid", "mturk/pay_bonuses", path, "--yes")
    if next_command == "results":
        world.invoke("mturk/download_results", "--run", work.run.run_id)
    for _ in range(2):
        assert world.invoke("mturk/pay_bonuses", path, "--yes").exit_code == 0
    assert entries(world, "bonus-*") == [("bonus-paid", work.assignments[0])]


def test_a_block_that_nobody_lived_to_write_down_is_in_the_journal_once(world: World) -> None:
    world.do(world.hit_ids(world.crash())[0], "AWORKER1")
    block = ("mturk/soft_block_workers", "AWORKER1", "--task-name", "pilot-1", "--yes")
    killed(world, "note_block", *block)
    for more in ((), (), ("--unblock",), ("--unblock",), (), ("--everywhere",)):
        command = ["mturk/soft_block_workers", "AWORKER1", "--yes", *more]
        command += [] if "--everywhere" in more else ["--task-name", "pilot-1"]
        assert world.invoke(*command).exit_code == 0
    kinds = [kind for kind, _ in entries(world, "worker-*")]
    assert kinds == ["worker-blocked", "worker-unblocked", "worker-blocked", "worker-blocked"]


# Old entries


def old_entries(world: World, count: int) -> str:
    """Give a run that has ended so many entries of long ago, and one that has not. Returns the first."""
    ended, running = world.crash("pilot-1", units=1), world.crash("pilot-2", units=1)
    world.set_state(ended, "finished")
    with world.registry() as registry, registry.transaction():
        for number in range(count):
            for run in (ended, running):
                registry.record("hit-expired", f"3{number}", run.run_id)
    world.sql("UPDATE events SET at = '2025-01-01T00:00:00.000000Z' WHERE kind = 'hit-expired'")
    world.setenv(CROWDOPS_EVENTS_KEEP="90")
    return ended.run_id


def json_lines(world: World, *command: str) -> list[Any]:
    result = world.invoke(*command, "--json")
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def in_file(world: World) -> list[Any]:
    return [json.loads(line) for line in (world.home / archive.NAME).read_text().splitlines()]


def archive_all(world: World) -> Any:
    return world.json("local/print_events", "--archive")


def test_old_entries_of_ended_runs_go_to_a_file_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "BATCH", 4)
    ended = old_entries(world, 10)
    before = json_lines(world, "local/print_events", "--run", ended)
    assert archive_all(world)["archived"] == 10
    assert in_file(world) == [event for event in before if event["kind"] == "hit-expired"]
    assert stat.S_IMODE((world.home / archive.NAME).stat().st_mode) == 0o600
    after = json_lines(world, "local/print_events")
    kinds = Counter((event["kind"], event["run_id"] == ended) for event in after)
    assert kinds["hit-expired", True] == 0 and kinds["hit-expired", False] == 10
    assert kinds["journal-archived", False] == 3
    assert archive_all(world)["archived"] == 0 and len(in_file(world)) == 10
    assert "were archived" in world.invoke("local/print_events", "--run", ended).stderr


def test_killed_between_the_file_and_the_journal_nothing_is_lost_or_doubled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "BATCH", 4)
    old_entries(world, 10)
    synced = []
    monkeypatch.setattr(archive.os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    killed(world, "_delete", "local/print_events", "--archive")
    assert len(in_file(world)) == 4
    file = world.home / archive.NAME
    assert synced == [world.home.stat().st_ino, file.stat().st_ino]  # a new name is the folder's
    with (world.home / archive.NAME).open("a") as file:
        file.write('{"event_id": 5, "at": "20')  # killed while it was writing
    document = archive_all(world)
    assert (document["archived"], document["known"]) == (10, 4)
    ids = [event["event_id"] for event in in_file(world)]
    assert len(ids) == len(set(ids)) == 10


def test_a_number_that_was_archived_is_never_given_again(world: World) -> None:
    old_entries(world, 3)
    highest = world.sql("SELECT max(event_id) FROM events")[0][0]
    archive_all(world)
    with world.registry() as registry:
        registry.record("worker-blocked", "A1")
        assert registry.last_event_id() > highest


def spoil(path: Path) -> None:
    path.write_text("not an entry\n")


@pytest.mark.parametrize("prepare", [lambda path: None, spoil])
def test_without_a_setting_or_with_a_strange_file_nothing_is_moved(
    world: World, prepare: Callable[[Path], None]
) -> None:
    old_entries(world, 2)
    prepare(world.home / archive.NAME)
    if prepare is not spoil:
        world.setenv(CROWDOPS_EVENTS_KEEP="")
    before = world.sql("SELECT count(*) FROM events")
    result = world.invoke("local/print_events", "--archive")
    assert result.exit_code == 2 and "Nothing was done." in result.stderr
    assert world.sql("SELECT count(*) FROM events") == before


def test_two_do_not_archive_at_once(world: World) -> None:
    old_entries(world, 2)
    with (
        archive._opened(world.home / archive.NAME),
        world.registry() as registry,
        pytest.raises(UsageError, match="Another process"),
    ):
        registry.archive_events(world.home, NOW)


def test_that_a_registry_was_taken_back_is_part_of_what_it_then_holds(world: World) -> None:
    world.crash()
    backup = Path(world.invoke("local/back_up").stdout.strip())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Registry, "runs", died)  # the first thing after it
        assert world.invoke("local/restore_backup", str(backup), "--yes").exit_code == 130
    assert entries(world, "registry-restored") == [("registry-restored", backup.name)]
