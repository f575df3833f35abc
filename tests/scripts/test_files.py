"""Files that are given to scripts and are none that can be used: a sentence, and never a bug."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crowdops.errors import UsageError
from crowdops.servers import bundle
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


def test_an_app_that_cannot_be_copied_whole(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "Procfile").write_text("web: true\n")
    (app / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=f"The app in {app} cannot be copied: .*No such file or directory"):
        bundle.copy_app(app, tmp_path / "copy")


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
