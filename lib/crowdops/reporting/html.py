"""The report as one HTML file: nothing in it runs, and nothing of it comes from elsewhere.

The template escapes whatever it is given, control characters are made visible, texts are cut, and every list
is bounded: how long the file is does not hang on how many assignments there were.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from crowdops.config.settings import Settings
from crowdops.console import output
from crowdops.errors import UsageError
from crowdops.reporting import figures, glance, words
from crowdops.reporting.report import Report
from crowdops.reporting.worker_table import WorkerRow

MOST_RUNS = 20
MOST_WORKERS = 50
MOST_SERVERS = 20
MOST_DISPUTED = 5  # units of a field

_FILTERS = (
    words.alpha,
    words.clock,
    words.count,
    words.day,
    words.duration,
    words.moment,
    words.money,
    words.percent,
    words.plural,
)


def write(report: Report, settings: Settings, path: Path | None) -> Path | None:
    """Write the page to a file, or for `-` to stdout, and return where it lies.

    Without a path it lies in the run's folder, or for several runs in the home's folder of reports, and
    replaces the one before. UsageError if its folder cannot be made.
    """
    place = None if path == output.STDOUT else (path or _default_path(report, settings)).absolute()
    with output.destination(place) as file:
        file.write(render(report))
    return place


def _default_path(report: Report, settings: Settings) -> Path:
    names = {run.task_name for run in report.runs}
    if len(report.runs) == 1:
        folder, name = settings.run_folder(report.runs[0].run_id), "report"
    else:
        folder, name = settings.home / "reports", names.pop() if len(names) == 1 else "several"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}. Name a file: -o report.html") from error
    return folder / f"{name}{'.anonymous' if report.anonymous else ''}.html"


def render(report: Report) -> str:
    """Return the page."""
    pages = jinja2.Environment(
        loader=jinja2.PackageLoader("crowdops.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_harmless,
    )
    pages.filters.update({function.__name__: function for function in _FILTERS})
    return pages.get_template("report.html").render(
        report=report,
        tiles=glance.tiles(report),
        progress=figures.of_progress(report.progress),
        durations=figures.of_durations(report.durations.bars, "assignments"),
        pay=figures.of_pay(report.pay),
        waits=figures.of_waits(report.approval.bars),
        days=figures.of_days(report.costs),
        fields=sorted(report.agreement.fields, key=lambda field: not field.is_choice),
        runs=report.runs[:MOST_RUNS],
        workers=_foremost(report.workers),
        servers=report.servers[:MOST_SERVERS],
        most_disputed=MOST_DISPUTED,
    )


def _foremost(workers: Sequence[WorkerRow]) -> list[WorkerRow]:
    """Return those of the workers that fit: the fast ones, then those who did most."""
    return sorted(workers, key=lambda worker: (not worker.is_fast, -worker.assignments))[:MOST_WORKERS]


def _harmless(value: Any) -> Any:
    """Return what a template writes: markup that we made as it is, anything else as a clean, short text."""
    return value if isinstance(value, Markup) else words.text(value)
