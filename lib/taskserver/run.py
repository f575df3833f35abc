"""The run that this server serves: run.json in the folder, the token in the environment."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from taskserver.errors import FolderError
from taskserver.sites import is_site

SHORTEST_TOKEN = 16


class Run(NamedTuple):
    """What the server must know of a run."""

    run_id: str
    task_name: str
    allowed_concurrent: int
    assignment_duration_in_seconds: int
    submit_origins: tuple[str, ...]


def read_run(folder: Path) -> Run:
    """Return what run.json says. FolderError says what is wrong with it."""
    try:
        data = json.loads((folder / "run.json").read_text("utf-8"))
    except OSError as error:
        raise FolderError(f"cannot read run.json: {error.strerror}") from error
    except ValueError as error:
        raise FolderError(f"run.json is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise FolderError("run.json must hold one object")
    return Run(
        run_id=_text(data, "run_id"),
        task_name=_text(data, "task_name"),
        allowed_concurrent=_number(data, "allowed_concurrent", least=0),
        assignment_duration_in_seconds=_number(data, "assignment_duration_in_seconds", least=1),
        submit_origins=_origins(data),
    )


def read_token(environ: Mapping[str, str]) -> str:
    """Return the run's secret. FolderError when there is none: without it anybody could drain the server."""
    token = environ.get("CROWDOPS_RUN_TOKEN", "")
    if len(token) < SHORTEST_TOKEN:
        raise FolderError(f"CROWDOPS_RUN_TOKEN must be set, to {SHORTEST_TOKEN} characters or more")
    return token


def _text(data: dict[str, object], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise FolderError(f"run.json: {key} must be a text")
    return value


def _number(data: dict[str, object], key: str, *, least: int) -> int:
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise FolderError(f"run.json: {key} must be a whole number from {least}")
    return value


def _origins(data: dict[str, object]) -> tuple[str, ...]:
    value = data.get("submit_origins", [])
    if not isinstance(value, list):
        raise FolderError("run.json: submit_origins must be a list")
    for origin in value:
        if not is_site(origin):
            raise FolderError(f"run.json: submit_origins: {origin!r} is not like https://crowd.example.org")
    return tuple(value)
