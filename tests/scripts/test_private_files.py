"""What the scripts write is its owner's alone, wherever the home lies and whatever the shell's umask is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import wait_until
from tests.support.scripts import SCRIPTS
from tests.support.world import World

RUNS = "--all-runs"
# Every script once, in an order in which there is something to write.
COMMANDS = [
    ("local/serve_crowd", "--help"),  # see below
    ("mturk/launch_run", "FILE", "--detach", "--yes"),
    ("local/launch_server", "--app-dir", "APP"),
    ("local/print_server_status",),
    ("local/simulate_workers", "--workers", "1", "--until-idle", "0.1"),
    ("mturk/print_outstanding_hit_status",),
    ("mturk/download_results", RUNS, "-o", "FOLDER/results.csv"),
    ("mturk/review_assignments", RUNS, "--export", "FOLDER/decisions.csv"),
    ("mturk/pay_bonuses", "FOLDER/decisions.csv", "-n"),
    (
        "mturk/launch_makeup_hits",
        "--task-name",
        "makeup",
        "--worker",
        "A1",
        "--amount",
        "1",
        "--reason",
        "x",
        "-y",
    ),
    ("mturk/soft_block_workers", "A1", "--task-name", "pilot-1", "-y"),
    ("mturk/notify_workers", "FILE", RUNS, "--subject", "x", "-n"),
    ("mturk/print_account",),
    ("mturk/identify_broken_units", RUNS),
    ("mturk/extend_hits", RUNS, "--hours", "1", "-y"),
    ("mturk/expire_hits", RUNS, "-y"),
    ("mturk/top_up_run", RUNS, "-n"),
    ("mturk/delete_hits", RUNS, "-y"),
    ("local/raise_max_cost", "RUN", "9"),
    ("local/preview_page", "FILE"),
    ("local/print_runs",),
    ("local/print_events",),
    ("local/render_report", RUNS, "--anonymous", "-o", "FOLDER/report.html"),
    ("local/diagnose_run", "RUN"),
    ("local/check_runs",),
    ("local/find_capacity", "RUN"),
    ("local/back_up",),
    ("local/restore_backup", "FOLDER/results.csv", "-n"),
    ("local/rebuild_registry", "-n"),
    ("local/recover", "-y"),
    ("local/invite_workers", "--name", "Ada"),
    ("local/print_workers",),
    ("local/print_messages",),
    ("local/print_earnings",),
    ("local/remove_workers", "A1", "-n"),
    ("local/manage_keys",),
    ("local/print_panel_link", "RUN"),
    ("local/wut",),
    ("local/kill_servers", "SERVER", "-y"),
    ("heroku/check_credentials",),
    ("heroku/launch_server", "RUN"),
    ("heroku/print_server_status",),
    ("heroku/scale_server", "--run", "RUN", "--dynos", "1", "-n"),
    ("heroku/kill_servers", "-n"),
]


@pytest.fixture
def open_shell() -> Iterator[None]:
    """A shell whose umask keeps nobody out."""
    usual = os.umask(0)
    yield
    os.umask(usual)


def open_to_others(folder: Path) -> dict[str, str]:
    """Return what others may read or write below a folder, and how."""
    modes = {
        path: path.lstat().st_mode & 0o777 for path in [folder, *folder.rglob("*")] if not path.is_symlink()
    }
    return {str(path): f"{mode:o}" for path, mode in modes.items() if mode & 0o077}


def test_every_script_is_among_them() -> None:
    scripts = {str(path.relative_to(SCRIPTS).with_suffix("")) for path in SCRIPTS.glob("*/[a-z]*.py")}
    assert {command[0] for command in COMMANDS} == scripts


def test_nothing_that_a_script_writes_is_open_to_others(
    world: World, open_shell: None, tmp_path: Path
) -> None:
    home, app = tmp_path / "lab" / "homes" / "mine", tmp_path / "app"
    world.setenv(CROWDOPS_HOME=str(home))
    usual = os.umask(0o077)
    world.hand_over_key(home)
    os.umask(usual)
    app.mkdir()
    (app / "Procfile").write_text("web: exec python3 -m http.server --bind 127.0.0.1 $PORT\n")
    given = {"FILE": str(world.write_run()), "FOLDER": str(home), "APP": str(app)}
    for script, *arguments in COMMANDS:
        words = [
            re.sub(r"[A-Z]{2,}", lambda match: given.get(match[0], match[0]), word) for word in arguments
        ]
        world.invoke(script, *words)
        if script == "mturk/launch_run":
            given["RUN"] = next((home / "runs").iterdir()).name
        if script == "local/launch_server":
            given["SERVER"] = world.json("local/print_server_status")["servers"][0]["name"]
    assert world.json("local/print_server_status")["servers"] == []
    written = {path.name for path in home.rglob("*")}
    assert {"registry.db", "backups", "locks", "previews", "runs", "results.csv", "servers"} <= written
    assert open_to_others(tmp_path / "lab") == {}


def test_nothing_that_a_crowd_server_writes_is_open_to_others(
    world: World, open_shell: None, tmp_path: Path
) -> None:
    home = tmp_path / "lab" / "homes" / "mine"
    server = world.start("local/serve_crowd", "--port", "0", variables={"CROWDOPS_HOME": str(home)})
    wait_until(lambda: "ready" in server.output, 60)
    assert {"crowd.db", "crowd.db-wal", "crowd.db-shm", "credentials"} <= set(os.listdir(home / "crowd"))
    assert open_to_others(tmp_path / "lab") == {}
    server.press()
    server.end()
