"""Every setting and every run parameter, declared once, and where their values come from.

Flags > environment > .env > the run's run.toml > defaults. `wut`, `--help`, `.env.example` and the
README's reference are made from the tables here or checked against them.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

from crowdops.errors import UsageError

REPOSITORY = Path(__file__).resolve().parents[2]


class Fees(NamedTuple):
    """What an endpoint takes beside rewards and bonuses: shares of them, and the least, in dollars."""

    share: Decimal
    share_for_many: Decimal  # on top, on rewards of HITs with ten or more assignments
    share_for_masters: Decimal  # on top, on rewards of work for Masters only
    least: Decimal


# Amazon's price list as it stood in 2026. The crowd server keeps to it.
AMAZONS_FEES = Fees(Decimal("0.20"), Decimal("0.20"), Decimal("0.05"), Decimal("0.01"))


class Environment(NamedTuple):
    """An endpoint that serves the MTurk Requester API."""

    endpoint: str
    amazon: bool
    fees: Fees


ENVIRONMENTS = {
    "local": Environment("http://127.0.0.1:8730", amazon=False, fees=AMAZONS_FEES),
    "sandbox": Environment(
        "https://mturk-requester-sandbox.us-east-1.amazonaws.com", amazon=True, fees=AMAZONS_FEES
    ),
    "production": Environment(
        "https://mturk-requester.us-east-1.amazonaws.com", amazon=True, fees=AMAZONS_FEES
    ),
}


class Setting(NamedTuple):
    """One row of the table. `kind` is text, integer, number, money, path or 'a|b|c'."""

    name: str
    kind: str
    default: str | None
    help: str
    advice: str
    variable: str
    flag: str | None = None


def _setting(name: str, kind: str, default: str | None, help: str, advice: str, flag: str | None) -> Setting:
    return Setting(name, kind, default, help, advice, f"CROWDOPS_{name.upper()}", flag)


SETTINGS = (
    _setting(
        *("environment", "|".join(ENVIRONMENTS), "local", "Which endpoint to talk to."),
        "local is the crowd server of this repository. Amazon closed MTurk on 2026-09-30, so sandbox and "
        "production are for whoever still has an endpoint there.",
        "--environment",
    ),
    _setting(
        *("home", "path", "~/.crowdops", "Folder of the registry, the locks and the runs."),
        "Back this folder up. Two homes on one account are two labs: neither touches the other's runs.",
        "--home",
    ),
    _setting(
        *("timeout", "number", "30", "Seconds that one API call may take, repeats included."),
        "A hung endpoint ends a script within this time. Raise it for a slow line, not for a slow server.",
        "--timeout",
    ),
    _setting(
        *("poll_interval", "number", "5", "Seconds between two looks at a running run."),
        "A look costs one or two API calls, however many units are outstanding.",
        None,
    ),
    _setting(
        *("threads", "integer", "32", "API calls in flight at once, at most 32."),
        "Pacing follows the endpoint's throttling by itself; lower this only to be gentle to a small server.",
        None,
    ),
    _setting(
        *("backups_kept", "integer", "14", "Backups of the registry that are kept, the newest ones."),
        "One a day keeps two weeks. What a run has out can be found again without them, from its marks.",
        None,
    ),
    Setting(
        *("endpoint", "text", None, "URL of the endpoint, in place of the environment's own."),
        "boto3's own variable. Use it for a crowd server on another port or host.",
        "AWS_ENDPOINT_URL_MTURK",
    ),
    Setting(
        *("env_file", "path", ".env", "File with settings, read after the environment."),
        "It never overrides the environment. Keep it out of version control.",
        "CROWDOPS_ENV_FILE",
    ),
)


def _parameter(name: str, kind: str, default: str | None, help: str, advice: str) -> Setting:
    return Setting(name, kind, default, help, advice, f"CROWDOPS_{name.upper()}", f"--set {name}=VALUE")


PARAMETERS = (
    _parameter(
        *("task_name", "text", None, "Label that groups related runs."),
        "1 to 128 of A-Z a-z 0-9 . _ - ; number your pilots (my-new-task-pilot-1) and select them by glob.",
    ),
    _parameter(
        *("task_title", "text", None, "Title that workers see in the list of work."),
        "At most 128 characters.",
    ),
    _parameter(
        *("task_description", "text", None, "What workers read before they accept."),
        "At most 2000 characters.",
    ),
    _parameter(
        *("task_reward", "money", None, 'Dollars for one assignment, such as "0.25".'),
        "A decimal string of at least 0.01. Time yourself on ten units and pay an hourly wage you can defend.",
    ),
    _parameter(*("task_tags", "text", "", "Keywords, separated by commas."), "Workers search by them."),
    _parameter(
        *("data", "path", None, "The units: a CSV, JSON Lines or JSON file, one unit a row."),
        "Beside run.toml unless absolute. UTF-8. It is streamed: a million rows are fine.",
    ),
    _parameter(
        *("template", "path", None, "The page: Jinja2 over the row's fields, escaped."),
        "Beside run.toml unless absolute. See examples/task.html.",
    ),
    _parameter(
        *("assignments_per_unit", "integer", "1", "How many different workers do each unit."),
        "Three let you take a majority. Ten or more cost another 20 % at Amazon.",
    ),
    _parameter(
        *("assignment_duration_in_seconds", "integer", "1800", "Time a worker has after accepting."),
        "Several times the time that the task takes: an expired assignment is lost work.",
    ),
    _parameter(
        *("task_lifetime_in_seconds", "integer", "2678400", "How long a HIT can be accepted."),
        "The default is 31 days. A run that is stopped ends its HITs earlier.",
    ),
    _parameter(
        *(
            "auto_approval_delay_in_seconds",
            "integer",
            "604800",
            "When unreviewed work is approved by itself.",
        ),
        "The default is 7 days. Workers dislike long waits.",
    ),
    _parameter(
        *("max_num_concurrent_units", "integer", "0", "Units outstanding at once; 0 is no limit."),
        "Spares the task server, and limits what a mistake in the page can cost. 10 to 100 for a pilot.",
    ),
    _parameter(
        *(
            "allowed_concurrent",
            "integer",
            "0",
            "Units that one worker may have open at once; 0 is no limit.",
        ),
        "Needs a task server: it is the server that refuses the page.",
    ),
    _parameter(
        *("maximum_units_per_worker", "integer", "0", "Units that one worker may do in all; 0 is no limit."),
        "Counts across all runs of the task_name.",
    ),
    _parameter(
        *(
            "no_submission_patience",
            "integer",
            "43200",
            "Seconds without a submission after which the run ends.",
        ),
        "The default is 12 hours. The run then stops cleanly, says what it saw, and exits 1.",
    ),
    _parameter(
        *("max_cost", "money", None, "Dollars that the run may cost, fees included."),
        "Required in production. A run that would cost more is refused before anything is created.",
    ),
)

SERVER_PARAMETERS = (
    _parameter(
        *("kind", "none|local|heroku|url", "none", "Where the task pages are served."),
        "none puts the page into the HIT itself. local and heroku start a server for the run and take it down.",
    ),
    _parameter(
        *("url", "text", "", "Address of a server that somebody else runs, for kind url."),
        "The run looks at its /health before it launches; pages are at /unit/INDEX. HTTPS at Amazon.",
    ),
    _parameter(
        *("app_dir", "path", "", "Your own app with a Procfile, in place of the task server."),
        "It is deployed, watched and killed like ours. Its web process must listen on $PORT.",
    ),
    _parameter(
        *("dyno_size", "text", "basic", "Size of the dynos, for kind heroku."),
        "eco and basic allow one dyno; several need standard-1x or more, and a database.",
    ),
    _parameter(
        *("dynos", "integer", "1", "Number of dynos, for kind heroku."),
        "make capacity advises a number for the units that you want out at once.",
    ),
    _parameter(
        *("team", "text", "", "Heroku team that owns the app, for kind heroku."),
        "Without one the app belongs to the account of the key.",
    ),
)

ALL = SETTINGS + PARAMETERS + SERVER_PARAMETERS


class Settings(NamedTuple):
    """The settings of one command, resolved."""

    environment: str
    endpoint: str
    home: Path
    timeout: float
    poll_interval: float
    threads: int
    backups_kept: int = 14
    quiet: bool = False
    verbose: bool = False
    as_json: bool = False

    @property
    def amazon(self) -> bool:
        """Whether the environment is one of Amazon's, which take money and have closed."""
        return ENVIRONMENTS[self.environment].amazon


class Selection(NamedTuple):
    """Which runs: ids, task_name globs, or all. An empty selection selects nothing by itself."""

    runs: tuple[str, ...] = ()
    task_names: tuple[str, ...] = ()
    all_runs: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.runs or self.task_names or self.all_runs)


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


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ' Did you mean …?' with the nearest known word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]}?" if close else ""


def lookup(setting: Setting, flags: Mapping[str, str | None] = {}, run: Mapping[str, str] = {}) -> Value:  # noqa: B006
    """Return the value of a setting as text. `flags` and `run` map names to what was given there."""
    if (flag := flags.get(setting.name)) is not None:
        return Value(flag, "flag")
    if os.environ.get(setting.variable):
        return Value(os.environ[setting.variable], "environment")
    if setting.name != "env_file" and (line := _env_file().get(setting.variable)):
        return Value(line, str(env_file_path()))
    if setting.name in run:
        return Value(run[setting.name], "run.toml")
    return Value(setting.default, "default")


def resolve(flags: Mapping[str, str | None], *, quiet: bool, verbose: bool, as_json: bool) -> Settings:
    """Resolve the settings of a command. UsageError names the setting and where its value came from."""
    values = {setting.name: lookup(setting, flags) for setting in SETTINGS}
    environment = values["environment"]
    if environment.value not in ENVIRONMENTS:
        raise UsageError(
            f"environment {environment.value!r} (from {environment.source}) is not one of {', '.join(ENVIRONMENTS)}."
        )
    threads = int(_number("threads", values["threads"], whole=True))
    return Settings(
        environment=environment.value,
        endpoint=(values["endpoint"].value or ENVIRONMENTS[environment.value].endpoint).rstrip("/"),
        home=Path(values["home"].value or "").expanduser().absolute(),
        timeout=_number("timeout", values["timeout"]),
        poll_interval=_number("poll_interval", values["poll_interval"]),
        threads=min(threads, 32),
        backups_kept=int(_number("backups_kept", values["backups_kept"], whole=True)),
        quiet=quiet,
        verbose=verbose,
        as_json=as_json,
    )


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
    """Return a variable that other tools read too, such as HEROKU_API_KEY, from the environment or .env; else ''.

    UsageError if it stands in a .env that others can read.
    """
    if os.environ.get(name):
        return os.environ[name]
    value = _env_file().get(name) or ""
    if value and env_file_path().stat().st_mode & 0o077:
        raise UsageError(
            f"{env_file_path()} holds {name} and others can read it: chmod 600 {env_file_path()}"
        )
    return value


def env_file_path() -> Path:
    """Return where the .env file is looked for: CROWDOPS_ENV_FILE, else beside setup.cfg."""
    given = os.environ.get("CROWDOPS_ENV_FILE")
    return Path(given).expanduser() if given else REPOSITORY / ".env"


def _env_file() -> Mapping[str, str | None]:
    return _read_env_file(env_file_path())


@cache
def _read_env_file(path: Path) -> Mapping[str, str | None]:
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        return dotenv_values(path, interpolate=False)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start + 1}).") from error


def explain(setting: Setting, run: Mapping[str, str] = {}) -> dict[str, str | None]:  # noqa: B006
    """Return everything about a setting: what it is, its value now and where that comes from."""
    value, source = lookup(setting, run=run)
    return {
        "name": setting.name,
        "help": setting.help,
        "type": setting.kind,
        "default": setting.default,
        "value": value,
        "from": source,
        "variable": setting.variable,
        "flag": setting.flag,
        "advice": setting.advice,
    }


def explanation_row(found: Mapping[str, str | None]) -> tuple[object, ...]:
    """Return an explanation as the row of a table: name, type, value, from, help."""
    return tuple(found[key] for key in ("name", "type", "value", "from", "help"))
