"""What `wut` explains: settings and run parameters, other variables, and words that messages use."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial

from crowdops.config import declarations, settings
from crowdops.config.declarations import Setting
from crowdops.config.settings import NOTHING, Value
from crowdops.config.variables import OUTSIDE, VARIABLES
from crowdops.errors import UsageError, nearest
from crowdops.formats import durations

SHOWN_INSTEAD = "(set; it is a secret)"

_word = partial(Setting, "word")


def _words(**declared: Setting) -> tuple[Setting, ...]:
    return tuple(row._replace(name=name) for name, row in declared.items())


# Words of messages, files and --help, and the selectors.
WORDS = _words(
    run=_word(
        "One launch of one task; also the selector --run RUN_ID.",
        "Its id, such as 20261122-114502-k3f9, sorts by time. See them: make runs",
    ),
    run_id=_word(
        "The id of a run.",
        "Where a run is asked for, a beginning of one id does as well, the task_name of one run, and last for"
        " the newest. See them: make runs",
    ),
    all_runs=_word(
        "The selector --all-runs: every run in the registry.",
        "See them first: make runs",
    ),
    unit=_word(
        "One row of a run's data: it is done as one HIT, by assignments_per_unit workers.",
        "It is planned, creating, outstanding, finished, disposed, expired or failed.",
    ),
    units=_word("The rows of a run's data.", "See unit."),
    unit_id=_word(
        "What tells a unit from others whatever its run: a hash of its data row.",
        "Two runs of the same row share it; download_results writes it in JSON, and as the task of crowdkit.",
    ),
    event_id=_word(
        "The number of an entry in the journal, in the order of their writing.",
        "See the newest: make events ARGS='--last 20'",
    ),
    unit_index=_word(
        "The number of a unit in its run: the first row is 0.",
        "It stands in every result.",
    ),
    hit_id=_word(
        "The endpoint's id of a HIT.",
        "List them: make status ARGS=--hits",
    ),
    assignment_id=_word(
        "The endpoint's id of one worker's work on one unit.",
        "It stands in every result.",
    ),
    worker_id=_word(
        "The endpoint's id of a worker: A and capital letters or digits.",
        "Lists of workers are one id a line, or a CSV with a column worker_id.",
    ),
    answer_values=_word(
        "Every value that a worker sent, listed by the name of its field, in results as JSON.",
        "In answer, and in CSV, several values of one name are joined by |.",
    ),
    qualifications=_word(
        "Who may do a run's work: [[qualifications]] in run.toml, one for each requirement.",
        "The API's own QualificationRequirement: QualificationTypeId, Comparator, IntegerValues, "
        "LocaleValues, ActionsGuarded.",
    ),
    QualificationTypeId=_word(
        "Which qualification a requirement asks for.",
        "See qualifications.",
    ),
    Comparator=_word(
        "How a requirement compares, such as GreaterThanOrEqualTo.",
        "See qualifications.",
    ),
    IntegerValues=_word(
        "What a requirement compares with: a list of numbers.",
        "See qualifications.",
    ),
    LocaleValues=_word(
        "What a requirement on the place compares with.",
        "See qualifications.",
    ),
    RequiredToPreview=_word(
        "An older form of ActionsGuarded.",
        "Leave it out. See qualifications.",
    ),
    ActionsGuarded=_word(
        "What a worker without the qualification may not do.",
        "Accept, PreviewAndAccept or DiscoverPreviewAndAccept. See qualifications.",
    ),
    submit_url=_word(
        "Where a page's form is posted to: {{ submit_url }} in the template.",
        "See examples/task.html.",
    ),
    outstanding=_word(
        "A HIT that workers can still accept or are working on.",
        "See them: make status",
    ),
    attended=_word(
        "A run is attended while a process holds its lock.",
        "Ctrl-C where it runs ends it cleanly.",
    ),
    detached=_word(
        "A run that was launched with --detach needs no process.",
        "Look: make status",
    ),
    crashed=_word(
        "A run that is not at its end, and no process attends it.",
        "make recover ends it, make resume RUN=RUN_ID carries it on.",
    ),
    stopped=_word(
        "A run that was ended by force; accepted work may still come in.",
        "make results collects it.",
    ),
    orphan=_word(
        "A HIT or server with our mark whose run is crashed, ended or unknown.",
        "make recover",
    ),
    leftover=_word(
        "A task server with our mark whose run is crashed, ended or unknown.",
        "make servers",
    ),
    backup_age=_word(
        "Seconds since the registry was last backed up, as check_runs measures them.",
        "make backup makes one; make check-runs warns after two days, unless -w backup_age=RANGE says else.",
    ),
    foreign=_word(
        "A HIT or app without our mark.",
        "It is counted and never touched.",
    ),
    decision=_word(
        "approve, reject or skip, in a file that make review exports.",
        "Rejections need feedback.",
    ),
    feedback=_word(
        "What a worker reads about an approval or rejection.",
        "At most 1024 characters.",
    ),
    bonus=_word(
        "Dollars beside the reward, such as 0.50.",
        "Each is paid exactly once. See make bonuses.",
    ),
    amount=_word(
        "Dollars, in files of bonuses and compensations.",
        "A decimal such as 0.50.",
    ),
    reason=_word(
        "What a worker reads about a bonus or compensation.",
        "Every bonus needs one.",
    ),
)

EXPLAINED = (*declarations.ALL, *VARIABLES, *OUTSIDE, *WORDS)


def find(name: str) -> Setting:
    """Return what a name means: that of a row or of its variable, in capitals or not, or of a flag.

    UsageError names the nearest one.
    """
    spelling = _plain(name)
    by_name = {_plain(key): row for row in EXPLAINED for key in (row.name, row.variable) if key}
    if spelling not in by_name:
        raise UsageError(f"There is nothing to explain under {name!r}.{nearest(spelling, by_name)}")
    return by_name[spelling]


def value_of(row: Setting, run: Mapping[str, str] = NOTHING) -> Value:
    """Return the value now and where it is from; of a secret only whether it is set. `run`: see lookup()."""
    if row in WORDS:
        return Value(None, "")
    if row in OUTSIDE:
        text = os.environ.get(row.variable)
        value = Value(text, "environment" if text else "default")
    else:
        value = settings.lookup(row, run=run)
    return value._replace(value=SHOWN_INSTEAD) if row.kind == "secret" and value.value else value


def echo(name: str, value: object) -> str:
    """Return a parameter's value as people are shown it: a duration in words as well, nothing as nothing."""
    if isinstance(value, list | tuple):
        value = json.dumps(value) if value else None
    if value is None:
        return ""
    is_duration = name in {row.name for row in declarations.ALL if row.kind == "duration"}
    if not is_duration or not str(value).isdecimal():
        return str(value)
    return f"{value} ({durations.words(int(str(value)))})"


def _plain(name: str) -> str:
    """Return a name in the spelling in which names are compared."""
    return name.strip().lstrip("-").replace("-", "_").casefold()
