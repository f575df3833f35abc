"""The Makefile hands on what is typed, as it was typed."""

import re
import sys
from pathlib import Path

import pytest

from crowdops.config import env_file
from tests.support import makes
from tests.support.world import World

NASTY = [
    "it's mine.csv",
    'my "best" run.toml',
    "$5 of $HOME and ${HOME}.csv",
    "$(shell touch made-by-make).csv",
    "$(unclosed.csv",
    "`touch made-by-shell`; touch made-by-shell &.csv",
    "Größe 100% #1, (neu).csv",
    "back\\slash\\.csv",
    "*.csv",
    "über/größe.toml",
]
ONE_FILE = ("launch", "bonuses", "makeup", "notify", "restore")
ONE_RUN = ("diagnose", "serve", "capacity", "heroku-launch", "resume")
SEVERAL_NAMES = ("kill-servers", "heroku-kill")
SELECTING = sorted(target for target, recipe in makes.recipes().items() if "$(SELECT)" in recipe)


def test_scripts_know_every_variable_that_is_set_for_the_tests() -> None:
    ci = makes.MAKEFILE.parent / ".ci" / "run"
    names = set(re.findall(r"\b(CROWDOPS_[A-Z_]+)=", makes.MAKEFILE.read_text() + ci.read_text()))
    assert "CROWDOPS_FULL_LONG" in names
    env_file.check_names(names, "the Makefile")


@pytest.mark.parametrize("name", NASTY)
def test_a_file_arrives_under_its_own_name(name: str, tmp_path: Path) -> None:
    _, *arguments = makes.started_by(tmp_path, "launch", f"FILE={name}", "ARGS=--dry-run")
    assert arguments == [name, "--dry-run"]
    assert not list(makes.MAKEFILE.parent.glob("made-by-*"))


@pytest.mark.parametrize("target", ONE_FILE)
def test_every_target_of_a_file_takes_any_name(target: str, tmp_path: Path) -> None:
    name = "".join(NASTY)
    assert makes.started_by(tmp_path, target, f"FILE={name}")[1:] == [name]


def test_names_and_runs_arrive_as_they_are(tmp_path: Path) -> None:
    name = "it's$b\"größe"
    for target in ONE_RUN:
        assert name in makes.started_by(tmp_path, target, f"RUN={name}"), target
    for target in SEVERAL_NAMES:
        arguments = makes.started_by(tmp_path, target, f"NAME=crowdops-a {name}")[1:]
        assert arguments == ["crowdops-a", name], target
    assert makes.started_by(tmp_path, "wut", f"NAME={name}") == ["local/wut", name]
    for target in ("block", "makeup"):
        assert makes.started_by(tmp_path, target, f"TASK={name}")[1:] == ["--task-name", name], target


@pytest.mark.parametrize("target", SELECTING)
def test_every_selecting_target_takes_several_runs_and_globs(target: str, tmp_path: Path) -> None:
    selectors = ["RUN=20261122-114502-k3f9  b$1'", 'TASK=pilot-* x"?']
    arguments = makes.started_by(tmp_path, target, *selectors)[1:]
    runs = ["--run", "20261122-114502-k3f9", "--run", "b$1'"]
    assert arguments == [*runs, "--task-name", "pilot-*", "--task-name", 'x"?']


def test_without_variables_nothing_is_handed_on(tmp_path: Path) -> None:
    for target in makes.recipes():
        # Some systems set NAME to that of the machine.
        _, *arguments = makes.started_by(tmp_path, target, NAME="the-machine")
        assert arguments == (["--resume", ""] if target == "resume" else []), target


def test_the_shell_reads_what_is_in_args(tmp_path: Path) -> None:
    typed = "ARGS=--name 'Ada Lovelace' --reason \"it's \\$5\" --home $HOME/x"
    arguments = makes.started_by(tmp_path, "invite", typed, HOME="/somewhere")[1:]
    assert arguments == ["--name", "Ada Lovelace", "--reason", "it's $5", "--home", "/somewhere/x"]


def test_a_file_below_the_users_home_is_found_there(tmp_path: Path) -> None:
    # Not every shell does this itself in an argument.
    arguments = makes.started_by(tmp_path, "restore", "FILE=~/my backups/it's.db", HOME="/somewhere")[1:]
    assert arguments == ["/somewhere/my backups/it's.db"]


def test_variables_in_the_environment_count_too(tmp_path: Path) -> None:
    assert makes.started_by(tmp_path, "launch", FILE="a $b.toml") == ["mturk/launch_run", "a $b.toml"]


def test_recover_takes_no_selection(tmp_path: Path) -> None:
    for selector in ("RUN=20261122-114502-k3f9", "TASK=pilot-*"):
        result = makes.make("recover", selector, python=sys.executable)
        assert result.returncode == 2
        assert "make recover takes all that crashed, not RUN or TASK" in result.stderr


def test_a_run_is_looked_at_from_a_folder_with_a_name_like_any_other(world: World) -> None:
    folder = world.folder / 'Größe\'s $5 "run"'
    world.write_run(3, task_name="pilot-7").parent.rename(folder)
    result = makes.make("launch", f"FILE={folder / 'run.toml'}", "ARGS=--dry-run", python=sys.executable)
    assert result.returncode == 0, result.stderr
    assert "pilot-7" in result.stdout and "3 units" in result.stdout


def test_several_runs_and_globs_are_selected_by_a_script(world: World) -> None:
    first, second, third = (world.launch(f"{name}-1", units=1) for name in ("pilot", "main", "other"))
    result = makes.make("runs", f"RUN={first.run_id} {second.run_id}", python=sys.executable)
    assert first.run_id in result.stdout and second.run_id in result.stdout
    assert third.run_id not in result.stdout
    result = makes.make("runs", "TASK=mai?-* oth*", python=sys.executable)
    assert second.run_id in result.stdout and third.run_id in result.stdout
    assert first.run_id not in result.stdout


def test_no_recipe_lets_make_or_the_shell_read_a_variable() -> None:
    for target, recipe in makes.recipes().items():
        bare = re.findall(rf"\$[({{](?:{'|'.join(makes.VARIABLES)}|ARGS)[)}}]", recipe)
        assert not bare, f"{target}: hand it on with $(call one,…), $(call each,…) or $(value ARGS)"
        assert "$(value ARGS)" in recipe, target


def test_help_has_every_target_in_its_group_and_fits_80_columns() -> None:
    shown = makes.make("help").stdout
    assert max(map(len, shown.splitlines())) <= 80
    text = makes.MAKEFILE.read_text(encoding="utf-8")
    documented = re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE)
    assert re.findall(r"^  ([a-z-]+)  ", shown, re.MULTILINE) == documented
    groups = re.findall(r"\n\n# ([^\n]+)\n\n", text)
    assert len(groups) > 4
    positions = [shown.index(f"\n\n{group}\n  ") for group in groups]
    assert positions == sorted(positions)
    assert "Exit codes are the scripts'" in shown
