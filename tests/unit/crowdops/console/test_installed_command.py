"""crowdops, the installed command: what it lists, what it starts, and what it says of what is misspelt."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from crowdops import __version__
from crowdops.console import installed_command, script_files
from tests.support.forks import REPOSITORY
from tests.support.scripts import END_SECONDS
from tests.unit.test_house import SCRIPT_NAMES


def crowdops(*words: str, **options: str) -> subprocess.CompletedProcess[str]:
    """Type it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "crowdops", *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
    )


def start(*words: str) -> int:
    """Type it, in this process."""
    return installed_command.start(words, list)


def test_the_file_system_is_the_table() -> None:
    folders = script_files.folders()
    assert [f"{folder}/{script.name}" for folder in folders for script in folders[folder]] == SCRIPT_NAMES
    assert all(script.line for scripts in folders.values() for script in scripts)


def test_a_new_script_is_there_without_another_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "count_beans.py").write_text(
        '"""Count the beans.\\n\\nAll of them."""\nraise ValueError\n'
    )
    (tmp_path / "lab" / "__init__.py").touch()
    (tmp_path / "start.py").touch()
    monkeypatch.setattr(script_files, "FOLDER", tmp_path)
    assert start() == 0
    assert capsys.readouterr().out.splitlines()[2:] == ["crowdops lab:", "  count_beans  Count the beans."]


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_alone_it_lists_the_scripts_by_folder(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert start(*words) == 0
    listed = capsys.readouterr().out
    for name in SCRIPT_NAMES:
        folder, script = name.split("/")
        assert f"crowdops {folder}:" in listed and f"\n  {script} " in listed


def test_a_folder_alone_lists_its_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert start("heroku") == start("heroku", "--help") == 0
    listed = capsys.readouterr().out
    assert "  scale_server " in listed and "recover" not in listed


def test_no_line_of_a_list_is_wider_than_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for columns in (80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        start()
        assert max(map(len, capsys.readouterr().out.splitlines())) <= columns


MISSPELT = {
    "lcoal": "There is no folder 'lcoal': there are heroku, local, mturk. Did you mean local?",
    "recover": "There is no folder 'recover'. Did you mean crowdops local recover?",
    "kill_servers": "Did you mean crowdops heroku kill_servers or crowdops local kill_servers?",
    "expire-hits.py": "Did you mean crowdops mturk expire_hits?",
    "local recvoer": "There is no script 'recvoer' in local. Did you mean recover? See them: crowdops local",
    "local expire_hits": "Did you mean crowdops mturk expire_hits?",
    "--json local recover": "Those of a script stand behind it: crowdops FOLDER SCRIPT [OPTIONS]",
    "completion tcsh": "Say which shell: crowdops completion bash | zsh | fish.",
}


@pytest.mark.parametrize(("typed", "said"), MISSPELT.items())
def test_what_is_misspelt_gets_the_nearest(typed: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert start(*typed.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error


def test_with_json_a_misspelt_command_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert start("local", "recvoer", "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "usage_error" and error["exit_code"] == 2 and error["next"] == "crowdops local"


def test_a_script_runs_as_it_would_by_its_path() -> None:
    result = crowdops("local", "wut", "task_reward")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("name      task_reward\n")
    assert crowdops("--version").stdout == f"crowdops, version {__version__}\n"


def test_help_and_errors_name_what_was_typed() -> None:
    assert crowdops("local", "recover.py", "-h").stdout.startswith(
        "Usage: crowdops local recover [OPTIONS]\n"
    )
    result = crowdops("mturk", "expire_hits", "--rnu", "last")
    assert result.returncode == 2
    assert result.stderr.endswith("Next: crowdops mturk expire_hits --help\n")


def test_an_installation_has_the_scripts_and_the_makefile() -> None:
    find_packages = pytest.importorskip("setuptools").find_packages
    packages = set(find_packages(str(REPOSITORY / "lib")))
    assert {f"crowdops_scripts.{folder}" for folder in script_files.folders()} <= packages
    declared = (REPOSITORY / "setup.cfg").read_text()
    assert (
        "    crowdops = crowdops.__main__:main\n" in declared and "crowdops.console = Makefile\n" in declared
    )
    assert (REPOSITORY / "lib" / "crowdops_scripts").samefile(REPOSITORY / "scripts")
