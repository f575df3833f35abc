"""The log of a run: a JSON line an event, of bounded size, written by several processes, without a secret."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crowdops.registry import Registry, run_log
from tests.support.world import World

PLANTED = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTEDPLANTED00",
    "AWS_SECRET_ACCESS_KEY": "planted/aws/secret/0123456789abcdefghijk",
    "HEROKU_API_KEY": "HRKU-planted-0123-4567",
    "DATABASE_URL": "postgresql://leases:planted-password@db.example/leases",
    "CROWD_DATABASE_URL": "postgresql://crowd:planted-crowd@db.example/crowd",
}
TEXT = (
    "it failed with {} at https://ada:pass-word@x.example/ and http://127.0.0.1:1/sign-in/tok-en.of.Ada?x=1"
)


def lines(world: World, run_id: str) -> list[Any]:
    path = world.home / "runs" / run_id / run_log.NAME
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_log_has_what_the_journal_has_of_the_run(world: World) -> None:
    run, other = world.crash(), world.crash("pilot-2")
    world.do(world.hit_ids(run)[0])
    for script in ("mturk/expire_hits", "mturk/download_results"):
        world.invoke(script, "--run", run.run_id, *(["--yes"] if "expire" in script else []))
    printed = world.invoke("local/print_events", "--run", run.run_id, "--json").stdout.splitlines()
    assert lines(world, run.run_id) == [json.loads(line) for line in printed]
    assert {line["run_id"] for line in lines(world, other.run_id)} == {other.run_id}
    path = world.home / "runs" / run.run_id / run_log.NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_verbose_shows_each_event_and_quiet_none(world: World) -> None:
    run = world.crash()
    said = world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes", "-v").stderr
    assert said.count("hit-expired") == 2 and world.hit_ids(run)[0] in said
    run = world.crash("pilot-2")
    assert "hit-expired" not in world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes").stderr


def test_no_secret_is_in_the_journal_the_log_or_on_stderr(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    run = world.crash()
    world.setenv(**PLANTED)
    shown = []
    with (
        world.registry() as registry,
        run_log.kept(world.home, print, lambda event: shown.append(str(event))),
    ):
        for secret in PLANTED.values():
            registry.set_failed(run.run_id, 0, TEXT.format(secret))
            registry.set_run_state(run.run_id, "running", TEXT.format(secret))
    log = (world.home / "runs" / run.run_id / run_log.NAME).read_text()
    journal = str(world.sql("SELECT * FROM events"))
    for text in (log, journal, str(shown), capsys.readouterr().out):
        assert not [s for s in (*PLANTED.values(), "planted", "pass-word", "tok-en") if s in text]
    assert (
        log.count("it failed with *** at https://ada:***@x.example/ and http://127.0.0.1:1/sign-in/***?x")
        == 10
    )


def test_a_log_that_is_full_is_set_aside_and_the_oldest_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_log, "MOST_BYTES", 100)
    path = tmp_path / run_log.NAME
    for number in range(60):
        run_log.append(path, f"{number:08d}\n")
    names = sorted(each.name for each in tmp_path.iterdir())
    assert names == ["log.jsonl", "log.jsonl.1", "log.jsonl.2", "log.jsonl.3"]
    kept = [line for name in reversed(names) for line in (tmp_path / name).read_text().split()]
    assert kept == [f"{number:08d}" for number in range(60 - len(kept), 60)]
    assert all(each.stat().st_size <= 100 for each in tmp_path.iterdir())


PROGRAM = """
import sys
from pathlib import Path
from crowdops.registry import run_log
run_log.MOST_BYTES, run_log.KEPT = 4000, 100
for number in range(200):
    run_log.append(Path(sys.argv[1]), f"{sys.argv[2]}-{number:04d}-{'x' * 40}\\n")
"""


def test_several_processes_lose_and_tear_no_line_while_it_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / run_log.NAME
    processes = [subprocess.Popen([sys.executable, "-c", PROGRAM, str(path), name]) for name in "abc"]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    written = [line for each in tmp_path.iterdir() for line in each.read_text().splitlines()]
    wanted = [f"{name}-{number:04d}-{'x' * 40}" for name in "abc" for number in range(200)]
    assert sorted(written) == wanted
    assert len(list(tmp_path.iterdir())) > 5


def test_a_log_that_cannot_be_written_stops_nothing_and_is_said_once(world: World) -> None:
    run = world.crash()
    (world.home / "runs" / run.run_id / run_log.NAME).unlink()
    (world.home / "runs" / run.run_id / run_log.NAME).mkdir()
    result = world.invoke("mturk/expire_hits", "--run", run.run_id, "--yes")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("cannot be written") == 1
    with Registry.open(world.home) as registry:
        assert registry.last_event_id() > 0
