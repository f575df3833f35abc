"""What a check has measured, as a file for the textfile collector of Prometheus' exporter of machines.

Names and units as https://prometheus.io/docs/practices/naming/ has them. Labels are bounded: a run that has
ended is counted, and has no label of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from crowdops import __version__
from crowdops.formats import files
from crowdops.watching.findings import Report, RunFacts

MODE = 0o644  # the exporter runs as somebody else
LAST_SUCCESS = "crowdops_check_last_success_timestamp_seconds"
MOST_BYTES = 1_000_000  # of a file that an earlier check may have written

Samples = Mapping[Any, float | Decimal]


class Metric(NamedTuple):
    """A metric with its samples, each under the values of the labels."""

    name: str
    help: str
    samples: Samples
    labels: Sequence[str] = ()


def write(report: Report, path: Path) -> None:
    """Write what a check has measured to a file, for everybody to read, in the place of the last one's.

    OSError if it cannot be written. It never holds half of it.
    """
    registry = CollectorRegistry()
    for metric in [*_of_runs(report), *_of_the_rest(report), *_of_the_check(report, path)]:
        gauge = Gauge(metric.name, metric.help, metric.labels, registry=registry)
        for values, number in metric.samples.items():
            (gauge.labels(*values) if values else gauge).set(float(number))
        if not metric.samples and not metric.labels:  # not known, which is not 0
            registry.unregister(gauge)
    files.replace(path, generate_latest(registry), MODE)


def _of_runs(report: Report) -> list[Metric]:
    runs = report.runs
    alive = [run for run in runs if run.condition != "ended"]
    units: Counter[str] = Counter()
    for run in runs:
        units.update(run.units)
    labels = ("task_name", "run_id")
    submitted = [run.last_submission.timestamp() for run in runs if run.last_submission]
    return [
        Metric("crowdops_runs", "Runs in the registry.", report.run_counts, ("task_name", "state")),
        Metric("crowdops_hits_outstanding", "HITs that workers can accept or work on.", _sum(_hits(runs))),
        Metric("crowdops_units", "Units of the runs that are watched.", _by_name(units), ("state",)),
        Metric(
            "crowdops_assignments_unreviewed",
            "Assignments that were submitted and neither approved nor rejected.",
            _sum(run.unreviewed for run in runs),
        ),
        Metric("crowdops_run_spent_dollars", "Paid for a run that is alive.", _dollars(alive), labels),
        Metric("crowdops_run_budget_dollars", "Its max_cost.", _budgets(alive), labels),
        Metric(
            "crowdops_last_submission_timestamp_seconds",
            "When the newest work that was collected was submitted.",
            _one(max(submitted, default=None)),
        ),
    ]


def _of_the_rest(report: Report) -> list[Metric]:
    balances = {(one.environment, one.endpoint): one.balance for one in report.accounts}
    return [
        Metric(
            "crowdops_servers_orphaned",
            "Task servers whose run is crashed, ended or unknown.",
            _one(report.orphaned_servers),
        ),
        Metric(
            "crowdops_account_balance_dollars",
            "What an account can still spend.",
            balances,
            ("environment", "endpoint"),
        ),
    ]


def _of_the_check(report: Report, path: Path) -> list[Metric]:
    success = report.at.timestamp() if report.is_whole else _last_success(path)
    return [
        Metric(LAST_SUCCESS, "When a check last saw all that it looked for.", _one(success)),
        Metric("crowdops_check_duration_seconds", "How long this check took.", _one(report.seconds)),
        Metric("crowdops_build_info", "The version of the suite.", {(__version__,): 1}, ("version",)),
    ]


def _last_success(path: Path) -> float | None:
    """Return what the last check wrote of it; None if there is no such file, or it says nothing of it."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        families = text_string_to_metric_families(path.read_text(encoding="utf-8"))
        return next((family.samples[0].value for family in families if family.name == LAST_SUCCESS), None)
    except (OSError, ValueError, LookupError):
        return None


def _hits(runs: Iterable[RunFacts]) -> Iterable[int]:
    return (run.hits_outstanding for run in runs)


def _dollars(runs: Iterable[RunFacts]) -> Samples:
    return {(run.task_name, run.run_id): run.spent for run in runs}


def _budgets(runs: Iterable[RunFacts]) -> Samples:
    return {(run.task_name, run.run_id): run.budget for run in runs if run.budget is not None}


def _sum(numbers: Iterable[int]) -> Samples:
    return {(): sum(numbers)}


def _one(number: float | None) -> Samples:
    return {} if number is None else {(): number}


def _by_name(counts: Mapping[str, int]) -> Samples:
    return {(name,): number for name, number in counts.items()}
