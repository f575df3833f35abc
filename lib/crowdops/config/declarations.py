"""Declarations."""

from __future__ import annotations

from typing import NamedTuple

from crowdops.config.environments import ENVIRONMENTS


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
