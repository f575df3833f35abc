"""The folder that a task server runs from, the run's token, and the links to its units' pages.

What the folder holds is said in the documentation of the taskserver package, which is copied, never imported.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from crowdops.config.environments import ENVIRONMENTS
from crowdops.config.parameters import Parameters
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.registry import Run, Unit

PACKAGE = Path(__file__).resolve().parents[2] / "taskserver"


DEPLOYED = ("Procfile", "requirements.txt", ".python-version")  # beside the package itself


OFFSET_BYTES = 8


UNIT_STATES = ("planned", "creating", "outstanding", "finished", "disposed", "expired", "failed")


# Of somebody's own app: its history, its builds and its secrets stay here, as with `git push heroku`.
LEFT_OUT = (".git", ".env", ".venv", "venv", "node_modules", "__pycache__")


def of_run(context: Context, run: Run, parameters: Parameters) -> Path:
    """Build the folder of a run's own server, home/runs/<run_id>/server, anew and return it."""
    folder = context.settings.home / "runs" / run.run_id
    units = context.registry.iter_units(run.run_id, UNIT_STATES)
    origins = [] if ENVIRONMENTS[run.environment].amazon else [_origin(run.endpoint)]
    build(folder / "server", run, parameters, units, folder / "template.html", origins)
    return folder / "server"


def build(
    folder: Path,
    run: Run,
    parameters: Parameters,
    units: Iterable[Unit],
    template: Path,
    submit_origins: Iterable[str],
) -> None:
    """Write the folder that serves a run, in place of what was there; `units` are all of its units, by index.

    With `app_dir` it is a copy of that app instead. Holds one unit at a time, however many there are.
    """
    if parameters.app_dir is not None:
        copy_app(parameters.app_dir, folder)
        return
    if not template.is_file():
        raise UsageError(f"{template} is missing: the page that the run was launched with.")
    _clear(folder)
    shutil.copytree(PACKAGE, folder / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__", *DEPLOYED))
    for name in DEPLOYED:
        shutil.copyfile(PACKAGE / name, folder / name)
    shutil.copyfile(template, folder / "template.html")
    (folder / "run.json").write_text(
        json.dumps(_description(run, parameters, submit_origins)), encoding="utf-8"
    )
    with (folder / "rows.jsonl").open("wb") as lines, (folder / "rows.offsets").open("wb") as offsets:
        for unit in units:
            offsets.write(lines.tell().to_bytes(OFFSET_BYTES, "little"))
            lines.write(json.dumps(unit.input or {}).encode() + b"\n")


def copy_app(app_dir: Path, folder: Path) -> None:
    """Copy somebody's own app, without history, virtual environments and .env. UsageError if it has no Procfile."""
    if not (app_dir / "Procfile").is_file():
        raise UsageError(f"{app_dir} has no Procfile, so nobody knows how to start the app in it.")
    _clear(folder)
    shutil.copytree(app_dir, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)


def _description(run: Run, parameters: Parameters, submit_origins: Iterable[str]) -> dict[str, object]:
    return {
        "run_id": run.run_id,
        "task_name": run.task_name,
        "allowed_concurrent": parameters.allowed_concurrent,
        "assignment_duration_in_seconds": parameters.assignment_duration_in_seconds,
        "submit_origins": list(submit_origins),
    }


def _origin(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def _clear(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True)
