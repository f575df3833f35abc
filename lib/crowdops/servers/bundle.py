"""The folder that a task server runs from, or a crowd server at Heroku.

What it holds is said in the documentation of their packages, which are copied, never imported.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import stat
from pathlib import Path

from crowdops.context import Context
from crowdops.errors import UsageError, files_explained
from crowdops.registry import Run
from crowdops.servers import app_files, sites

_LIBRARY = Path(__file__).resolve().parents[2]
PACKAGE = _LIBRARY / "taskserver"
CROWD = _LIBRARY / "crowdserver"
WORKER = _LIBRARY / "webworker"  # what it is served by
DEPLOYED = ("Procfile", "requirements.txt", ".python-version")  # beside the package itself
OFFSET_BYTES = 8
UNIT_STATES = ("planned", "creating", "outstanding", "finished", "disposed", "expired", "failed")


def of_run(context: Context, run: Run) -> Path:
    """Build the folder of a run's own server, in place of what was there, and return it.

    With `app_dir` it is a copy of that app. Holds one unit at a time, however many there are.
    """
    folder = context.settings.run_folder(run.run_id) / "server"
    with files_explained(f"The server's folder {folder} cannot be made"):
        _fill(context, run, folder)
    return folder


def _fill(context: Context, run: Run, folder: Path) -> None:
    if run.parameters.app_dir is not None:
        copy_app(run.parameters.app_dir, folder)
        return
    template = folder.parent / "template.html"
    if not template.is_file():
        raise UsageError(f"{template} is missing: the page that the run was launched with.")
    _clear(folder)
    _copy_server(PACKAGE, folder)
    shutil.copyfile(template, folder / "template.html")
    (folder / "run.json").write_text(json.dumps(_description(context, run)), encoding="utf-8")
    with (folder / "rows.jsonl").open("wb") as lines, (folder / "rows.offsets").open("wb") as offsets:
        for unit in context.registry.iter_units(run.run_id, UNIT_STATES):
            offsets.write(lines.tell().to_bytes(OFFSET_BYTES, "little"))
            lines.write(json.dumps(unit.input or {}).encode() + b"\n")


def of_crowd(folder: Path) -> None:
    """Fill a folder, which is made, with what a crowd server is deployed from."""
    with files_explained(f"The crowd server's folder {folder} cannot be made"):
        _clear(folder)
        _copy_server(CROWD, folder)


def _copy_server(server: Path, folder: Path) -> None:
    """Copy a package that serves, what it is served by, and what Heroku reads at the top."""
    for package in (server, WORKER):
        for file in package.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts and file.name not in DEPLOYED:
                copy_file(file, folder / package.name / file.relative_to(package))
    for name in DEPLOYED:
        shutil.copyfile(server / name, folder / name)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, or a link as it is, into a folder that is made if need be.

    The copy is its owner's alone, and a program if the file is one.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(source, target, follow_symlinks=False)
    if not source.is_symlink():
        target.chmod(0o700 if source.stat().st_mode & stat.S_IXUSR else 0o600)


def copy_app(app_dir: Path, folder: Path) -> None:
    """Copy what is deployed of somebody's own app. UsageError as app_files.choose()."""
    chosen = app_files.choose(app_dir)
    with files_explained(f"The app in {app_dir} cannot be copied"):
        _clear(folder)
        for path in chosen.deployed:
            copy_file(app_dir / path, folder / path)


def _description(context: Context, run: Run) -> dict[str, object]:
    return {
        "run_id": run.run_id,
        "task_name": run.task_name,
        "allowed_concurrent": run.parameters.allowed_concurrent,
        "assignment_duration_in_seconds": run.parameters.assignment_duration_in_seconds,
        "submit_origins": sites.submit_origins(context, run),
    }


def _clear(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True)
