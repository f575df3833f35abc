"""Every setting and every run parameter, declared once: what it is, its kind, its default, and some advice.

What `wut` and `--help` print comes from these tables;
.env.example and docs/settings.md are checked against them.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from crowdops.config.environments import ENVIRONMENTS


class Setting(NamedTuple):
    """A setting or a run parameter. `kind` is text, integer, number, duration, money, path or
    'one|of|these'."""

    kind: str
    help: str
    advice: str
    default: str | None = None
    flag: str | None = None
    variable: str = ""
    name: str = ""


_text = partial(Setting, "text")
_integer = partial(Setting, "integer")
_duration = partial(Setting, "duration")
_number = partial(Setting, "number")
_money = partial(Setting, "money")
_path = partial(Setting, "path")


def _table(flag: str | None = None, **declared: Setting) -> tuple[Setting, ...]:
    """Return settings with their names, and with a flag and a variable where they do not state their own."""
    return tuple(
        setting._replace(
            name=name,
            flag=setting.flag or (flag and flag.format(name)),
            variable=setting.variable or f"CROWDOPS_{name.upper()}",
        )
        for name, setting in declared.items()
    )


SETTINGS = _table(
    environment=Setting(
        "|".join(ENVIRONMENTS),
        "Which endpoint to talk to.",
        "local is the crowd server of this repository. Amazon closed MTurk on 2026-09-30, so sandbox and "
        "production are for whoever still has an endpoint there.",
        default="local",
        flag="--environment",
    ),
    home=_path(
        "Folder of the registry, the locks and the runs.",
        "A whole path, or one with ~ in front. Back this folder up. Two homes on one account are two labs: "
        "neither touches the other's runs.",
        default="~/.crowdops",
        flag="--home",
    ),
    timeout=_number(
        "Seconds that one API call may take, repeats included.",
        "An endpoint that hangs, or whose answer trickles, ends a script within this time. Raise it for a"
        " slow line, not for a slow server.",
        default="30",
        flag="--timeout",
    ),
    poll_interval=_number(
        "Seconds between two looks at a running run.",
        "A look costs one or two API calls, however many units are outstanding.",
        default="5",
    ),
    threads=_integer(
        "API calls in flight at once, at most 32.",
        "Pacing follows the endpoint's throttling by itself; lower this only to be gentle to a small server.",
        default="32",
    ),
    backups_kept=_integer(
        "Backups of the registry that are kept, the newest ones.",
        "One a day keeps two weeks. What a run has out can be found again without them, from its marks.",
        default="14",
    ),
    events_keep=_integer(
        "Days that the journal keeps of runs that have ended; print_events --archive moves older ones out.",
        "Without it all is kept, and nothing is moved by itself: let cron call print_events --archive. The "
        "file is events.jsonl in the home.",
    ),
    registry_patience=_number(
        "Seconds that a run with HITs out bears a registry that cannot be written.",
        "Long enough to make room on a full disk. After that the run ends as cleanly as it can without its "
        "registry: its HITs are expired and its task server goes down.",
        default="300",
    ),
    endpoint=_text(
        "URL of the endpoint, in place of the environment's own.",
        "boto3's own variable. Use it for a crowd server on another port or host, and once when a server has"
        " moved: its runs follow.",
        variable="AWS_ENDPOINT_URL_MTURK",
    ),
    env_file=_path(
        "File with settings, read after the environment: in a checkout, or else in ~/.crowdops.",
        "It never overrides the environment. Keep it out of version control. If you name one it must be "
        "there; /dev/null is none.",
        default=".env",
    ),
)

PARAMETERS = _table(
    flag="--set {}=VALUE",
    task_name=_text(
        "Label that groups related runs.",
        "1 to 128 of A-Z a-z 0-9 . _ - ; number your pilots (my-new-task-pilot-1) and select them by glob.",
    ),
    task_title=_text("Title that workers see in the list of work.", "At most 128 characters."),
    task_description=_text("What workers read before they accept.", "At most 2000 characters."),
    task_reward=_money(
        'Dollars for one assignment, such as "0.25".',
        "A decimal string of at least 0.01. Time yourself on ten units and pay an hourly wage you can "
        "defend.",
    ),
    task_tags=_text("Keywords, separated by commas.", "Workers search by them.", default=""),
    data=_path(
        "The units: a CSV, JSON Lines or JSON file, one unit a row.",
        "Beside run.toml unless absolute. UTF-8; commas, semicolons or tabs. Empty rows are no units. It is "
        "streamed: a million rows are fine.",
    ),
    template=_path(
        "The page: Jinja2 over the row's fields, escaped.",
        "Beside run.toml unless absolute. See examples/task.html, and make preview. A column `my text` is "
        "{{ row[\"my text\"] }}; a field that some rows lack needs a default: {{ hint|default('') }}.",
    ),
    assignments_per_unit=_integer(
        "How many different workers do each unit.",
        "Three let you take a majority. Ten or more cost another 20 % at Amazon.",
        default="1",
    ),
    assignment_duration_in_seconds=_duration(
        "Time a worker has after accepting.",
        'Seconds, or in words: "30 min". Several times the time that the task takes: an expired assignment '
        "is lost work.",
        default="1800",
    ),
    task_lifetime_in_seconds=_duration(
        "How long a HIT can be accepted.",
        'Seconds, or in words: "31 days", which is the default. A run that is stopped ends its HITs earlier.',
        default="2678400",
    ),
    auto_approval_delay_in_seconds=_duration(
        "When unreviewed work is approved by itself.",
        'Seconds, or in words: "7 days", which is the default. Workers dislike long waits.',
        default="604800",
    ),
    max_num_concurrent_units=_integer(
        "Units outstanding at once; 0 is no limit.",
        "Spares the task server, and limits what a mistake in the page can cost. 10 to 100 for a pilot.",
        default="0",
    ),
    allowed_concurrent=_integer(
        "Units that one worker may have open at once; 0 is no limit.",
        "Needs a task server: it is the server that refuses the page.",
        default="0",
    ),
    maximum_units_per_worker=_integer(
        "Units that one worker may do in all; 0 is no limit.",
        "Counts across all runs of the task_name.",
        default="0",
    ),
    no_submission_patience=_duration(
        "Time without a submission after which the run ends.",
        'Seconds, or in words: "12 h", which is the default. The run then stops cleanly, says what it saw, '
        "and exits 1.",
        default="43200",
    ),
    max_cost=_money(
        "Dollars that the run may cost, fees included.",
        "Required in production. A run that would cost more is refused before anything is created. Of a run "
        "that exists it can be raised: make raise-max-cost.",
    ),
)

SERVER_PARAMETERS = _table(
    flag="--set {}=VALUE",
    kind=Setting(
        "none|local|heroku|url",
        "Where the task pages are served.",
        "none puts the page into the HIT itself. local and heroku start a server for the run and take it "
        "down.",
        default="none",
    ),
    url=_text(
        "Address of a server that somebody else runs, for kind url.",
        "The run looks at its /health before it launches; pages are at /unit/INDEX. HTTPS at Amazon.",
        default="",
    ),
    app_dir=_path(
        "Your own app with a Procfile, in place of the task server.",
        "It is deployed, watched and killed like ours. Its web process must listen on $PORT.",
        default="",
    ),
    dyno_size=_text(
        "Size of the dynos, for kind heroku.",
        "eco and basic allow one dyno; several need standard-1x or more, and a database. Another size is "
        "refused before anything is created.",
        default="basic",
    ),
    dynos=_integer(
        "Number of dynos, for kind heroku.",
        "make capacity advises a number for the units that you want out at once.",
        default="1",
    ),
    team=_text(
        "Heroku team that owns the app, for kind heroku.",
        "Without one the app belongs to the account of the key.",
        default="",
    ),
)

QUALITY_PARAMETERS = _table(
    flag="--set {}=VALUE",
    answer_field=_text(
        "Field of the answers that has to agree; empty: nothing has to.",
        "Of each unit more answers are asked for, until `agree` of them are the same. A choice fits, such as "
        "radio buttons; two people never write the same text, and capitals count. Of check boxes all that are"
        " ticked have to be the same. Blanks around an answer do not count, and an empty one has no vote.",
        default="",
    ),
    agree=_integer(
        "So many equal answers decide a unit.",
        "The first assignments_per_unit answers come in any case: with as many as agree, one unit in "
        "agreement costs not one answer more. What it will cost by the answers of a run: make wut NAME=agree "
        "ARGS='--run last'.",
        default="3",
    ),
    at_most=_integer(
        "So many answers a unit gets at most, agreed or not; rejected ones do not count.",
        "An odd number over agree. At most 9 unless assignments_per_unit is 10 or more: a HIT cannot grow "
        "to 10. max_cost is the wall in any case.",
        default="7",
    ),
)

ALL = SETTINGS + PARAMETERS + SERVER_PARAMETERS + QUALITY_PARAMETERS
