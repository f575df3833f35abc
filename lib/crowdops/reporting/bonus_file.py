"""The bonus file that lifts everybody to the line, as pay_bonuses takes it."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from crowdops.console import output
from crowdops.errors import UsageError
from crowdops.formats import csv_files
from crowdops.formats.words import are, count
from crowdops.payments.bonus_plans import REQUIRED
from crowdops.registry import Run
from crowdops.reporting.outcome import RunOutcome
from crowdops.reporting.pay import REASON, TopUp
from crowdops.reporting.report import Report


def check_path(path: Path, page: Path | None) -> None:
    """Raise UsageError for a path that is stdout, or the report's own."""
    if path == output.STDOUT:
        raise UsageError("--topup-file needs a file: stdout has the report. Nothing was done.")
    if page and page.resolve() == path.resolve():
        raise UsageError(f"{path} cannot be the report and the bonus file as well. Nothing was done.")


def check_places(runs: Sequence[RunOutcome]) -> None:
    """Raise UsageError unless these runs are at one endpoint: a bonus file is paid at one."""
    places = {(run.environment, run.endpoint) for run in runs}
    if len(places) > 1:
        where = ", ".join(sorted(f"{endpoint} ({environment})" for environment, endpoint in places))
        raise UsageError(
            f"These runs are at several endpoints: {where}. A bonus file is for one. Nothing was written."
        )


def write(path: Path, report: Report, runs: Mapping[str, Run]) -> None:
    """Write a row for each bonus that is due; the same for the same work, so that none is paid twice."""
    with output.destination(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(REQUIRED)
        for top_up in report.top_ups:
            cells = (
                top_up.assignment_id,
                top_up.worker_id,
                top_up.amount,
                _reason(top_up, report.pay.line, runs[top_up.run_id]),
            )
            writer.writerow([csv_files.cell(str(value)) for value in cells])


def _reason(top_up: TopUp, line: Decimal, run: Run) -> str:
    """Return what the worker reads. It differs from that of an equal bonus, which would be taken for paid."""
    nth = f" ({top_up.twins + 1})" if top_up.twins else ""
    return f"{REASON} ${line} an hour{nth}: {run.parameters.task_title}".strip()


def words(path: Path, report: Report) -> str:
    """Return in words what a bonus file holds, and what pays it."""
    pay = report.pay
    later = f" {are(pay.unreviewed, 'assignment')} not reviewed, and not in it." if pay.unreviewed else ""
    if not report.top_ups:
        return f"{path}: nobody's approved work is below ${pay.line} an hour, so it has no bonuses.{later}"
    return (
        f"{path}: {count(pay.due_workers, 'bonus')} for ${pay.due}, ${pay.due_cost} with fees.{later}"
        f" Pay them: {_command(path, report.top_ups)}"
    )


def _command(path: Path, top_ups: Sequence[TopUp]) -> str:
    runs = " ".join(sorted({top_up.run_id for top_up in top_ups}))
    return f"make bonuses FILE={shlex.quote(str(path))} RUN={shlex.quote(runs)}"
