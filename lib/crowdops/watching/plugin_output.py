"""A report as a monitoring plugin prints it: a line with its performance data, and more lines on demand."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from crowdops.console import output, plugin
from crowdops.watching.findings import Finding, Measure, Report, RunFacts
from crowdops.watching.measures import KINDS, Kind
from crowdops.watching.rules import count_of


def lines(report: Report, detail: int) -> list[str]:
    """Return what a plugin prints: one line; with `detail` the findings, too, then every run."""
    text = [f"{first_line(report)} | {performance_data(report)}"]
    if detail:
        for finding in report.findings:
            text.append(_plain(f"{finding.level.name}: {finding.text} Next: {finding.next}"))
    if detail > 1:
        text += [_plain(_run_line(run)) for run in report.runs]
    return text


def first_line(report: Report) -> str:
    """Return the state and what it is for, in less than 80 characters and without performance data."""
    return plugin.headline(report.level.name, summary(report))


def summary(report: Report) -> str:
    """Return in a few words what was found, the gravest first; what there is if that is nothing."""
    if not report.findings:
        living = sum(run.condition != "ended" for run in report.runs)
        return f"{count_of(living, 'run')} with {count_of(_outstanding(report.runs), 'HIT')} out"
    codes = list(dict.fromkeys(finding.code for finding in report.findings))
    groups = [[finding for finding in report.findings if finding.code == code] for code in codes]
    room = plugin.LINE_WIDTH - len(f"{plugin.SERVICE} {report.level.name}: ")
    text = ""
    for position, group in enumerate(groups):
        long, short = _phrase(report, group, names=True), _phrase(report, group, names=False)
        rest = f", {len(groups) - position - 1} more" if position + 1 < len(groups) else ""
        begun = f"{text}, " if text else ""
        fitting = [phrase for phrase in (long, short) if len(begun + phrase + rest) <= room]
        if not fitting:
            return f"{text}, {len(groups) - position} more" if text else short
        text = begun + fitting[0]
    return text


def _phrase(report: Report, findings: Sequence[Finding], *, names: bool) -> str:
    """Return what findings of one code come to, such as "1 crashed run with 20 HITs out (pilot-2)"."""
    code, count = findings[0].code, sum(finding.amount for finding in findings)
    kind = KINDS.get(code, Kind())
    if not kind.many:
        phrase = findings[0].text.partition(",")[0]
    elif kind.unit:
        phrase = kind.one
    else:
        phrase = f"{count} {kind.one if count == 1 else kind.many}"
    if code == "crashed_runs":
        run_ids = {finding.run_id for finding in findings}
        hits = _outstanding([run for run in report.runs if run.run_id in run_ids])
        phrase += f" with {count_of(hits, 'HIT')} out"
    task_names = list(dict.fromkeys(finding.task_name for finding in findings if finding.task_name))
    return f"{phrase} ({', '.join(task_names)})" if names and task_names else phrase


def _outstanding(runs: Sequence[RunFacts]) -> int:
    return sum(run.hits_outstanding for run in runs)


def performance_data(report: Report) -> str:
    """Return the measures as performance data: name=value[unit][;warning[;critical[;least[;most]]]]."""
    of_check = [
        Measure("calls", Decimal(report.calls)),
        Measure("time", Decimal(f"{report.seconds:.3f}"), "s"),
    ]
    return " ".join(map(_datum, [*report.measures, *of_check]))


def _datum(measure: Measure) -> str:
    value = "U" if measure.value is None else f"{measure.value:f}{measure.unit}"
    bounds = f"{measure.warning or ''};{measure.critical or ''}"
    return f"{measure.name}={value};{bounds}".rstrip(";")


def _run_line(run: RunFacts) -> str:
    units = ", ".join(f"{count} {name}" for name, count in run.units.items() if count)
    looked_at = "" if run.is_seen or run.condition == "ended" else " (by the registry)"
    hits = count_of(run.hits_outstanding, "HIT")
    return (
        f"{run.task_name} ({run.run_id}): {run.state}, {run.condition}; {hits}"
        f" out{looked_at}; units: {units or 'none'}; {run.unreviewed} not reviewed; ${run.spent} spent,"
        f" ${run.to_spend} to spend."
    )


def _plain(text: str) -> str:
    """Return a line in which nothing can be taken for performance data."""
    return output.clean(text).replace("|", "/")
