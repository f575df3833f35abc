"""The values of the settings, from wherever they come: flag, environment, .env, a run's run.toml, default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from crowdops.config import addresses, env_file
from crowdops.config.declarations import ALL, SETTINGS, Setting
from crowdops.config.environments import ENVIRONMENTS
from crowdops.errors import UsageError, files_explained, nearest

NOTHING: Mapping[str, str] = {}


class Settings(NamedTuple):
    """The settings of one command, resolved."""

    environment: str
    endpoint: str
    home: Path
    timeout: float
    poll_interval: float
    threads: int
    backups_kept: int = 14
    registry_patience: float = 300.0
    events_keep: int | None = None
    quiet: bool = False
    verbose: bool = False
    as_json: bool = False

    @property
    def amazon(self) -> bool:
        """Whether the environment is one of Amazon's, which take money and have closed."""
        return ENVIRONMENTS[self.environment].amazon

    def run_folder(self, run_id: str) -> Path:
        """Return where a run's page, token and server lie."""
        return self.home / "runs" / run_id


class Selection(NamedTuple):
    """Which runs: ids, task_name globs, or all. An empty selection selects nothing by itself."""

    runs: tuple[str, ...] = ()
    task_names: tuple[str, ...] = ()
    all_runs: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no selector was given."""
        return not (self.runs or self.task_names or self.all_runs)

    @property
    def takes_all(self) -> bool:
        """Whether no run is named: no selector was given, or --all-runs."""
        return self.is_empty or self.all_runs


class Value(NamedTuple):
    """A value and where it came from: 'flag', 'environment', the .env file's path, 'default' …"""

    value: str | None
    source: str


def find(name: str) -> Setting:
    """Return the row of a setting or run parameter. UsageError names the nearest one."""
    by_name = {setting.name: setting for setting in ALL}
    if name not in by_name:
        raise UsageError(f"There is no setting or run parameter {name!r}.{nearest(name, by_name)}")
    return by_name[name]


def lookup(
    setting: Setting, flags: Mapping[str, str | None] = NOTHING, run: Mapping[str, str] = NOTHING
) -> Value:
    """Return the value of a setting as text. `flags` and `run` map names to what was given there."""
    if (flag := flags.get(setting.name)) is not None:
        return Value(flag, "flag")
    if os.environ.get(setting.variable):
        return Value(os.environ[setting.variable], "environment")
    if setting.name != "env_file" and (line := env_file.read(env_file.path()).get(setting.variable)):
        return Value(line, str(env_file.path()))
    if setting.name in run:
        return Value(run[setting.name], "run.toml")
    return Value(setting.default, "default")


def resolve(flags: Mapping[str, str | None], *, quiet: bool, verbose: bool, as_json: bool) -> Settings:
    """Resolve the settings of a command. UsageError names the setting and where its value came from."""
    env_file.check_names(os.environ, "the environment")
    values = {setting.name: lookup(setting, flags) for setting in SETTINGS}
    environment, keep = values["environment"], values["events_keep"]
    if environment.value not in ENVIRONMENTS:
        raise UsageError(
            f"environment {environment.value!r} (from {environment.source}) is not one of"
            f" {', '.join(ENVIRONMENTS)}."
        )
    endpoint = (values["endpoint"].value or ENVIRONMENTS[environment.value].endpoint).rstrip("/")
    addresses.check(endpoint, f"endpoint {endpoint!r} (from {values['endpoint'].source})")
    return Settings(
        environment=environment.value,
        endpoint=endpoint,
        home=_home(values["home"]),
        timeout=_number("timeout", values["timeout"]),
        poll_interval=_number("poll_interval", values["poll_interval"]),
        threads=min(int(_number("threads", values["threads"], whole=True)), 32),
        backups_kept=int(_number("backups_kept", values["backups_kept"], whole=True)),
        registry_patience=_number("registry_patience", values["registry_patience"]),
        events_keep=int(_number("events_keep", keep, whole=True)) if keep.value else None,
        quiet=quiet,
        verbose=verbose,
        as_json=as_json,
    )


def _home(given: Value) -> Path:
    """Return the home as an absolute path. UsageError for one that would not be the folder that was meant."""
    text = given.value or ""
    place = f"home {text!r} (from {given.source})"
    if not text.strip():
        raise UsageError(f"{place} is empty. Write the whole path, or leave it out for ~/.crowdops.")
    path = Path(os.path.expanduser(text))  # noqa: PTH111 - does not fail for a user who does not exist
    if not path.is_absolute() and text.startswith(("$", "~")):
        raise UsageError(
            f"{place}: nothing stands for {path.parts[0]} here. Write the whole path, such as"
            f" {Path.home() / '.crowdops'}."
        )
    if not path.is_absolute() and given.source != "flag":
        raise UsageError(
            f"{place} is relative, so it would be another folder from each place. Write the whole path, such"
            f" as {path.absolute()}."
        )
    with files_explained(place):
        is_there, is_folder = path.exists(), path.is_dir()
    if is_there and not is_folder:
        raise UsageError(f"{place} is a file, and must be a folder.")
    if not is_there and ("$" in str(path) or any(part.startswith("~") for part in path.parts)):
        meant = os.path.expandvars(path)
        hint = f" Did you mean {meant}?" if "$" not in meant and "~" not in meant else ""
        raise UsageError(f"{place} has a $ or a ~ that stands for nothing here. Write the whole path.{hint}")
    return path.absolute()


def _number(name: str, given: Value, *, whole: bool = False) -> float:
    try:
        number = int(given.value or "") if whole else float(given.value or "")
    except ValueError:
        number = 0
    if not 0 < number < 1e9:
        noun = "whole number" if whole else "number"
        raise UsageError(f"{name} {given.value!r} (from {given.source}) is not a {noun} above 0.")
    return number


def variable(name: str) -> str:
    """Return a variable that other tools read, too, such as HEROKU_API_KEY; '' if nothing sets it.

    UsageError if it stands in a .env that others can read.
    """
    if os.environ.get(name):
        return os.environ[name]
    path = env_file.path()
    value = env_file.read(path).get(name) or ""
    if value and path.stat().st_mode & 0o077:
        raise UsageError(f"{path} holds {name} and others can read it: chmod 600 {path}")
    return value


def variable_source(name: str) -> str:
    """Return where variable() finds a variable, in words."""
    return "the environment" if os.environ.get(name) else str(env_file.path())
