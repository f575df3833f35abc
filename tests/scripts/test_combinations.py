"""Options that mean nothing in a combination are refused by every script, before anything is done."""

import importlib
import re

import pytest

from tests.support.scripts import SCRIPTS
from tests.support.world import World

RUNS = ["--all-runs"]
COMBINATIONS = [
    ("mturk/expire_hits", [*RUNS, "--run", "x", "--yes"], "--run means nothing with --all-runs"),
    ("mturk/delete_hits", [*RUNS, "--task-name", "x", "--yes"], "--task-name means nothing with --all-runs"),
    ("mturk/print_account", ["--quiet", "--verbose"], "--verbose means nothing with --quiet"),
    ("mturk/identify_broken_units", ["--yes"], "--yes means nothing without --mend"),
    ("mturk/identify_broken_units", ["-n", "-y"], "--dry-run and --yes mean nothing without --mend"),
    ("mturk/review_assignments", [*RUNS, "--export", "x.csv", "-n"], "--dry-run means nothing with --export"),
    ("mturk/review_assignments", [*RUNS, "--approve-all", "--field", "x", "-y"], "--field belongs to"),
    (
        "mturk/review_assignments",
        [*RUNS, "--approve-all", "--override-rejection", "-y"],
        "belongs to --apply",
    ),
    (
        "mturk/soft_block_workers",
        ["A1", "--everywhere", "--reason", "x"],
        "--reason means nothing without --hard",
    ),
    (
        "mturk/soft_block_workers",
        ["A1", "--everywhere", "--ahead"],
        "--ahead means nothing without --task-name",
    ),
    ("heroku/launch_server", ["last", "--plan", "x"], "--plan means nothing without --crowd"),
    ("mturk/soft_block_workers", ["--list", "--file", "x"], "--file means nothing with --list"),
    (
        "mturk/launch_makeup_hits",
        ["x.csv", "--task-name", "x", "--amount", "1", "-y"],
        "--amount means nothing with",
    ),
    (
        "mturk/launch_run",
        ["run.toml", "--ignore-data-change", "-y"],
        "--ignore-data-change means nothing without",
    ),
    ("mturk/launch_run", ["--resume", "x", "--detach", "-y"], "--resume carries a run on as it was launched"),
    ("mturk/print_outstanding_hit_status", ["--check", "--watch", "1"], "--watch means nothing with --check"),
    ("local/recover", ["--resume", "--no-wait", "--yes"], "--no-wait means nothing with --resume"),
    (
        "local/recover",
        ["--all-orphans", "--orphans", "x", "-y"],
        "--orphans means nothing with --all-orphans",
    ),
]


@pytest.mark.parametrize("script,arguments,why", COMBINATIONS)
def test_an_option_that_means_nothing_is_refused(
    world: World, script: str, arguments: list[str], why: str
) -> None:
    result, calls = world.calls_of(script, *arguments)
    assert (result.exit_code, calls, why in result.stderr) == (2, {}, True), result.stderr


def test_each_option_that_belongs_to_another_one_is_in_the_table() -> None:
    """Those are told by their help: "With --other: ..."."""
    belonging = {
        (script, option.opts[0])
        for script in sorted(f"{path.parent.name}/{path.stem}" for path in SCRIPTS.glob("*/[a-z]*.py"))
        for option in importlib.import_module(f"scripts.{script.replace('/', '.')}").main.params
        if re.match("With --", getattr(option, "help", None) or "")
    }
    tried = {(script, argument) for script, arguments, _ in COMBINATIONS for argument in arguments}
    assert len(belonging) >= 4
    assert belonging - tried == set()
