"""Every script with streams that are closed, full or of a small alphabet: a sentence, and never a bug."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.forks import CLOSED, NOTHING, REPOSITORY, Process, Streams
from tests.support.scripts import END_SECONDS
from tests.support.world import World

SCRIPTS = sorted(
    f"{path.parent.name}/{path.stem}"
    for path in (REPOSITORY / "scripts").glob("*/*.py")
    if path.name != "__init__.py"
)
FULL = "/dev/full"
# What lets a script come to where it writes; the others end with what is wrong with their arguments or keys.
ARGUMENTS = {
    "local/diagnose_run": ["RUN"],
    "local/find_capacity": ["RUN"],
    "local/kill_servers": ["--dry-run"],
    "local/recover": ["--dry-run"],
    "local/rebuild_registry": ["--dry-run"],
    "local/serve_crowd": ["--help"],
    "local/simulate_workers": ["--workers", "1", "--until-idle", "0.1"],
    "mturk/delete_hits": ["--all-runs", "--dry-run"],
    "mturk/download_results": ["--all-runs"],
    "mturk/expire_hits": ["--all-runs", "--dry-run"],
    "mturk/review_assignments": ["--all-runs", "--approve-all", "--dry-run"],
    "mturk/soft_block_workers": ["--list"],
}
WRITES = (
    "local/back_up",
    "local/diagnose_run",
    "local/invite_workers",
    "local/kill_servers",
    "local/print_events",
    "local/print_runs",
    "local/print_server_status",
    "local/recover",
    "local/rebuild_registry",
    "local/serve_crowd",
    "local/wut",
    "mturk/delete_hits",
    "mturk/download_results",
    "mturk/expire_hits",
    "mturk/print_account",
    "mturk/print_outstanding_hit_status",
    "mturk/review_assignments",
    "mturk/soft_block_workers",
)
# With a full stdout all of them run, with other streams those of which the end depends on them.
SAMPLE = ["local/check_runs", *WRITES]
ALL = pytest.param(SCRIPTS, marks=pytest.mark.long, id="all")


@pytest.fixture
def crashed(world: World) -> str:
    """A crashed run whose task_title is not ASCII."""
    return world.crash("pilot-1", task_title="Sécher").run_id


def run_each(
    run_id: str,
    folder: Path,
    scripts: Sequence[str] = SCRIPTS,
    command: Sequence[str] = (),
    *,
    stdin: str = NOTHING,
    stdout: str = "out",
    stderr: str = "err",
    **variables: str,
) -> dict[str, tuple[int, str]]:
    """Run scripts with these streams; return the exit code of each, and what it wrote to both."""
    processes = {}
    for script in scripts:
        name = script.replace("/", "-")
        files = {"out": str(folder / f"{name}.out"), "err": str(folder / f"{name}.err")}
        arguments = [run_id if word == "RUN" else word for word in command or ARGUMENTS.get(script, [])]
        processes[script] = Process(
            str(REPOSITORY / "scripts" / f"{script}.py"),
            *arguments,
            environment={**os.environ, "CROWDOPS_THREADS": "2", **variables},
            streams=Streams(stdin, files.get(stdout, stdout), files.get(stderr, stderr)),
        )
    codes = {script: process.wait(END_SECONDS) for script, process in processes.items()}
    written = {
        script: "".join(
            path.read_text(errors="replace") for path in folder.glob(f"{script.replace('/', '-')}.*")
        )
        for script in scripts
    }
    return {script: (codes[script], written[script]) for script in scripts}


def assert_no_bug(ended: dict[str, tuple[int, str]], home: Path) -> None:
    """Assert that none ended with a bug or a traceback."""
    for script, (code, written) in ended.items():
        assert code in (0, 1, 2) or script == "local/check_runs", (script, code, written)
        assert "bug" not in written and "Traceback" not in written, (script, written)
    assert not (home / "crash.log").exists()


def assert_said(
    stdout: str, reason: str, scripts: Sequence[str], world: World, run_id: str, folder: Path
) -> None:
    """Run scripts with a stdout that takes nothing; assert that those that write say so, and why."""
    ended = run_each(run_id, folder, scripts, stdout=stdout)
    assert_no_bug(ended, world.home)
    assert ended["local/check_runs"] == (3, "")  # a plugin writes to stdout or not at all
    for script in WRITES:
        code, written = ended[script]
        assert code == 1 and f"error: {reason}" in written, (script, code, written)


def test_a_stdout_that_takes_nothing_is_said(world: World, crashed: str, tmp_path: Path) -> None:
    assert_said(FULL, "stdout cannot be written: No space left on device.", SCRIPTS, world, crashed, tmp_path)


@pytest.mark.parametrize("scripts", [pytest.param(SAMPLE, id="sample"), ALL])
def test_a_stdout_that_is_closed_is_said(
    scripts: list[str], world: World, crashed: str, tmp_path: Path
) -> None:
    assert_said(CLOSED, "stdout is closed.", scripts, world, crashed, tmp_path)


@pytest.mark.parametrize("scripts", [pytest.param(SAMPLE, id="sample"), ALL])
def test_a_script_that_is_not_heard_ends_as_it_would_if_it_were(
    scripts: list[str], world: World, crashed: str, tmp_path: Path
) -> None:
    ended = run_each(crashed, tmp_path, scripts, stdin=CLOSED, stderr=CLOSED, PYTHONIOENCODING="latin-1")
    assert_no_bug(ended, world.home)
    assert ended["local/check_runs"][0] == 2
    for script in WRITES:
        code, written = ended[script]
        assert code == 0 and written, (script, code, written)
    assert "\\u2026" in ended["local/wut"][1]  # the sign for what was cut is no letter of Latin 1


def test_talk_that_is_lost_on_a_full_disk_does_not_decide_how_a_script_ends(
    world: World, crashed: str, tmp_path: Path
) -> None:
    talkative = ("local/print_runs", "mturk/expire_hits", "mturk/print_account", "mturk/delete_hits")
    ended = run_each(crashed, tmp_path, scripts=talkative, stderr=FULL)
    assert_no_bug(ended, world.home)
    assert {code for code, _ in ended.values()} == {0}
    ended = run_each(crashed, tmp_path, scripts=["mturk/pay_bonuses"], stderr=FULL)
    assert ended == {"mturk/pay_bonuses": (2, "")}


def test_data_in_letters_that_stdout_lacks_is_not_written_wrongly(world: World, tmp_path: Path) -> None:
    run = world.crash("pilot-1", rows=[{"text": "Sécher"}])
    for hit_id in world.open_hits():
        world.do(hit_id, "AWORKER1")
    world.json("mturk/download_results", "--run", run.run_id)
    for form, code in (("csv", 1), ("json", 1), ("table", 1)):
        command = ["--run", run.run_id, "--offline", "--format", form]
        ended = run_each("", tmp_path, ["mturk/download_results"], command, PYTHONIOENCODING="ascii")
        assert ended["mturk/download_results"][0] == code
        assert "stdout is ascii and has no '\\xe9'. Write to a file" in ended["mturk/download_results"][1]


def test_a_fresh_interpreter_does_so_too(world: World) -> None:
    script = str(REPOSITORY / "scripts" / "local" / "print_runs.py")
    for streams, code, written in (
        (">&-", 1, "error: stdout is closed."),
        ("<&- >/dev/null", 0, "No runs yet."),
        ("2>&1 >/dev/full", 1, "error: stdout cannot be written: No space left on device."),
        ("--version >/dev/full", 1, "error: stdout cannot be written: No space left on device."),
    ):
        command = ["sh", "-c", f'"$0" "$1" {streams}', sys.executable, script]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=END_SECONDS)
        assert ended.returncode == code, ended
        assert written in ended.stderr + ended.stdout
