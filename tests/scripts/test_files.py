"""Files that are given to scripts and are none that can be used: a sentence, and never a bug."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.world import World


@pytest.mark.parametrize("name", ["data", "template"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "absent", "long"])
def test_input_that_is_no_file(name: str, kind: str, world: World) -> None:
    run_toml = world.write_run()
    path = run_toml.parent / ("x" * 300 + ".csv" if kind == "long" else "given.csv")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    said = {
        "pipe": "is a pipe or a device",
        "folder": "Is a directory",
        "absent": "No such file or directory",
        "long": "File name too long",
    }
    result = world.invoke("mturk/launch_run", str(run_toml), "--set", f"{name}={path}", "--yes")
    assert result.exit_code == 2
    assert f"error: {path}" in result.stderr and said[kind] in result.stderr
    assert world.run_ids() == []


@pytest.mark.parametrize("option", ["mturk/download_results -o", "mturk/review_assignments --export"])
def test_output_that_cannot_be_written(option: str, world: World, tmp_path: Path) -> None:
    world.launch()
    script, flag = option.split()
    (tmp_path / "file").write_text("")
    for path, code, said in (
        (Path("/dev/full"), 1, "No space left on device"),
        (tmp_path, 2, "Is a directory"),
        (tmp_path / "none" / "r.csv", 2, "No such file or directory"),
        (tmp_path / "file" / "r.csv", 2, "Not a directory"),
    ):
        more = ["--format", "csv"] if "results" in script else []
        result = world.invoke(script, "--all-runs", flag, str(path), *more)
        assert (result.exit_code, f"error: {path} cannot be written: {said}." in result.stderr) == (
            code,
            True,
        )
    assert not (world.home / "crash.log").exists()


@pytest.mark.parametrize(
    "command",
    [
        "mturk/launch_run FILE --dry-run",
        "local/preview_page FILE",
        "local/wut --run-toml FILE task_reward",
        "mturk/pay_bonuses FILE -n",
        "mturk/launch_makeup_hits FILE --task-name pilot-1 -n",
        "mturk/review_assignments --all-runs --apply FILE -n",
        "mturk/soft_block_workers --file FILE --everywhere -n",
        "mturk/notify_workers FILE --subject x --all-runs -n",
        "mturk/notify_workers TEXT --subject x --file FILE -n",
        "local/restore_backup FILE -n",
        "local/launch_server --app-dir APP",
    ],
)
def test_a_file_that_has_no_end_is_refused_by_every_script_that_reads_one(
    command: str, world: World, tmp_path: Path
) -> None:
    world.launch()
    (tmp_path / "text").write_text("Hello.\n")
    app = tmp_path / "app"
    app.mkdir()
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(app / "Procfile")
    given = {"TEXT": str(tmp_path / "text"), "APP": str(app)}
    for file in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        script, *words = (({**given, "FILE": str(file)}).get(word, word) for word in command.split())
        result = world.invoke(script, *words)
        assert result.exit_code == 2 and result.stderr.startswith("error: "), result.stderr
        assert "is a pipe or a device" in result.stderr or file == tmp_path or "restore" in command


def test_an_env_file_that_is_a_device_is_refused(world: World) -> None:
    world.setenv(CROWDOPS_ENV_FILE="/dev/zero")
    result = world.invoke("local/print_runs")
    assert (result.exit_code, result.stderr) == (
        2,
        "error: /dev/zero is a device, and no file with settings.\n",
    )


@pytest.mark.parametrize("script", ["mturk/launch_run --dry-run", "local/preview_page"])
def test_a_file_outside_of_the_runs_folder_is_said(script: str, world: World, tmp_path: Path) -> None:
    run_toml = world.write_run()
    name, *flags = script.split()
    assert "outside of the run's folder" not in world.invoke(name, str(run_toml), *flags).stderr
    (tmp_path / "private.html").write_text("<form method=post><button>{{ text }}</button></form>")
    (run_toml.parent / "task.html").unlink()
    (run_toml.parent / "task.html").symlink_to(tmp_path / "private.html")
    result = world.invoke(name, str(run_toml), *flags)
    assert result.exit_code == 0
    place = f"template is {tmp_path / 'private.html'}, outside of the run's folder {run_toml.parent}."
    assert f"Remark: {place}\n" in result.stderr
    result = world.invoke(name, str(run_toml), *flags, "--set", "data=../elsewhere/../pilot-1/items.csv")
    assert "Remark: data" not in result.stderr


def test_a_home_that_is_a_file_is_said_by_every_kind_of_command(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for script in (
        "local/print_runs",
        "local/serve_crowd",
        "local/back_up",
        "mturk/expire_hits",
        "local/wut",
    ):
        result = world.invoke(script, "--home", str(tmp_path / "file"))
        assert result.exit_code == 2 and "is a file, and must be a folder" in result.stderr
