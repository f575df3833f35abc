"""What of somebody's own app is deployed, and what is said to be left out."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from crowdops.errors import UsageError
from crowdops.servers import app_files

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

Git = Callable[..., None]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app's folder with a Procfile."""
    folder = tmp_path / "app"
    write(folder, "Procfile", "web: true\n")
    return folder


@pytest.fixture
def git(app: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """What runs git in the app's folder, of which it has the Procfile."""

    usual = dict(os.environ)

    def run(*words: str) -> None:
        subprocess.run(["git", "-C", str(app), *words], check=True, capture_output=True, env=usual)

    run("init", "--quiet")
    run("add", "Procfile")
    # As in a hook of another repository.
    monkeypatch.setenv("GIT_DIR", str(app.parent / "another"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(app.parent / "another-index"))
    return run


def write(folder: Path, name: str, text: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def deployed(app: Path) -> set[str]:
    return {str(path) for path in app_files.choose(app).deployed}


def left_out(app: Path) -> set[str]:
    return {name for names in app_files.choose(app).left_out.values() for name in names}


SECRETS = [
    ".env",
    ".env.production",
    ".envrc",
    "config/.env",
    "server.pem",
    "certs/SERVER.KEY",
    "id_ed25519",
    "credentials",
    "aws/credentials.json",
    "me_accessKeys.csv",
    ".ssh/config",
    "client_secret_12.json",
]


def test_what_may_be_secret_is_never_deployed(app: Path) -> None:
    for name in SECRETS:
        write(app, name)
    for name in ("environment.py", "keys.py", "credentials.py", "app/id.py"):
        write(app, name)
    assert deployed(app) == {"Procfile", "environment.py", "keys.py", "credentials.py", "app/id.py"}
    assert left_out(app) == set(SECRETS)
    (remark,) = app_files.remarks(app)
    assert remark.startswith(f"Of {app} is left out: .env, ")
    assert remark.endswith("and 7 more (may be secret).")


def test_history_and_builds_are_no_part_of_an_app_and_not_worth_a_word(app: Path) -> None:
    for name in (".hg/x", ".venv/bin/python", "sub/node_modules/a/b.js", "__pycache__/a.pyc", "sub/a.py"):
        write(app, name)
    assert deployed(app) == {"Procfile", "sub/a.py"}
    assert app_files.remarks(app) == []


def test_links_that_lead_out_of_the_folder_are_left_out(app: Path, tmp_path: Path) -> None:
    write(tmp_path, "private/key.txt")
    write(app, "pages/index.html")
    links = {
        "inside": "pages/index.html",
        "pages/up": "../Procfile",
        "folder": "pages",
        "dangling": "pages/nothing",
        "out": "../private/key.txt",
        "out-folder": "../private",
        "absolute": str(app / "Procfile"),
        "loop": "loop/../../private",
        "chain": "out",
    }
    for name, target in links.items():
        (app / name).symlink_to(target)
    inside = {"inside", "pages/up", "folder", "dangling"}
    assert deployed(app) == {"Procfile", "pages/index.html", *inside}
    assert left_out(app) == links.keys() - inside
    assert "(links that lead out of the folder)" in app_files.remarks(app)[0]


def test_what_is_no_file_is_left_out(app: Path) -> None:
    os.mkfifo(app / "pipe")
    assert deployed(app) == {"Procfile"}
    assert app_files.remarks(app) == [f"Of {app} is left out: pipe (not there, or no file)."]


def test_slugignore_counts_as_at_heroku(app: Path) -> None:
    names = ("a.psd", "art/b.psd", "docs/x/y.md", "spec/docs/z.md", "test/unit/t.py", "log/a.log", "x#y")
    for name in names:
        write(app, name)
    write(app, ".slugignore", "*.psd  # large\n\n# tests\n/docs\ntest/\nlog/*.log\nunit/t.py\n")
    assert deployed(app) == {"Procfile", ".slugignore", "spec/docs/z.md", "x#y"}
    write(app, ".slugignore", "**/docs/**/*.md\ntest/**\n?.psd\n")
    assert deployed(app) == {"Procfile", ".slugignore", "log/a.log", "x#y"}
    assert app_files.remarks(app) == []


@needs_git
def test_what_git_has_is_deployed_and_what_it_does_not_know_is_said(app: Path, git: Git) -> None:
    for name in ("app.py", "ümlaut name.py", "new.py", "ignored.py", "secret.pem", "gone.py"):
        write(app, name)
    write(app, ".gitignore", "ignored.py\n")
    git("add", "app.py", "ümlaut name.py", ".gitignore", "secret.pem", "gone.py")
    (app / "gone.py").unlink()
    assert deployed(app) == {"Procfile", "app.py", "ümlaut name.py", ".gitignore"}
    assert app_files.remarks(app) == [
        f"Of {app} is left out: gone.py (not there, or no file); secret.pem (may be secret);"
        " new.py (unknown to git: git add)."
    ]


@needs_git
def test_a_file_behind_a_link_that_git_knows_as_a_folder_is_left_out(
    app: Path, git: Git, tmp_path: Path
) -> None:
    write(app, "data/passwords.txt")
    git("add", "data")
    write(tmp_path, "private/passwords.txt")
    shutil.rmtree(app / "data")
    (app / "data").symlink_to("../private")
    assert "data/passwords.txt" in left_out(app)


@needs_git
def test_an_app_within_a_repository_is_the_part_of_it_that_lies_there(app: Path, git: Git) -> None:
    write(app, "apps/mine/Procfile")
    write(app, "apps/mine/run.py")
    assert deployed(app / "apps" / "mine") == {"Procfile", "run.py"}  # git has nothing of it
    git("add", "apps/mine/run.py")
    with pytest.raises(UsageError, match=r"git does not have the Procfile of .*mine add Procfile$"):
        app_files.choose(app / "apps" / "mine")
    git("add", "apps")
    assert deployed(app / "apps" / "mine") == {"Procfile", "run.py"}


@needs_git
def test_no_program_that_a_repository_names_is_run(app: Path, git: Git, tmp_path: Path) -> None:
    program = write(tmp_path, "monitor", f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o700)
    git("config", "core.fsmonitor", str(program))
    git("config", "core.hooksPath", str(tmp_path))
    assert deployed(app) == {"Procfile"}
    assert not (tmp_path / "ran").exists()


def test_without_git_the_names_decide(app: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(app, "app.py")
    write(app, ".git/config")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert deployed(app) == {"Procfile", "app.py"}


@needs_git
def test_a_repository_that_git_refuses_to_look_into_is_said(app: Path, git: Git) -> None:
    write(app, ".git/config", "[core\n")
    with pytest.raises(UsageError, match=f"git does not list {app}: fatal: bad config line 1"):
        app_files.choose(app)
