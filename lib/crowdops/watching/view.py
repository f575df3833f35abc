"""A report as it is shown: as a plugin prints it, or as the JSON document that others build on.

Keys may be added to that, none is renamed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crowdops.config.settings import Settings
from crowdops.console import output
from crowdops.watching import plugin_output
from crowdops.watching.findings import Finding, Measure, Report
from crowdops.watching.measures import KINDS


def show(settings: Settings, report: Report, detail: int, send: Callable[[], list[str]]) -> None:
    """Show a report, and `send` it, which returns in lines what went wrong: that is shown as well.

    Sending may take a while, so the line comes before; a document is one, and comes after. With --quiet
    nothing is shown of a check that finds all well.
    """
    is_shown = bool(report.level) or not settings.quiet
    if settings.as_json:
        troubles = send()
        if is_shown:
            output.document(document(report) | {"troubles": troubles})
        return
    try:
        if is_shown:
            output.write("\n".join(plugin_output.lines(report, detail)))
    finally:
        troubles = send()
    if is_shown and troubles:
        output.write("\n".join(troubles))


def document(report: Report) -> dict[str, Any]:
    """Return a report as a JSON document."""
    return {
        "state": report.level.name,
        "exit_code": int(report.level),
        "line": plugin_output.first_line(report),
        "checked_at": report.at,
        "seconds": round(report.seconds, 3),
        "api_calls": report.calls,
        "cached": report.is_cached,
        "findings": [_finding(finding) for finding in report.findings],
        "measures": {measure.name: _measure(measure) for measure in report.measures},
        "runs": [run._asdict() for run in report.runs],
        "accounts": [account._asdict() for account in report.accounts],
        "orphaned_servers": report.orphaned_servers,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {**finding._asdict(), "level": finding.level.name}


def _measure(measure: Measure) -> dict[str, Any]:
    return {
        "value": measure.value
        if KINDS[measure.name].is_money or measure.value is None
        else int(measure.value),
        "unit": measure.unit,
        "state": measure.level.name,
        "warning": measure.warning and str(measure.warning),
        "critical": measure.critical and str(measure.critical),
    }
