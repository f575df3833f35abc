"""Options that mean nothing in a combination are refused by every script, before anything is done."""

import pytest

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
