"""Why a run does not finish: a verdict in one sentence, the checks, and the next command to type."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from crowdops.console import columns, times
from crowdops.console.colour import bad_unless_yes
from crowdops.console.columns import Column, Show
from crowdops.context import Context
from crowdops.diagnosis import checks, rules, snapshot
from crowdops.diagnosis.checks import Check
from crowdops.diagnosis.rules import Verdict
from crowdops.registry import Run

FINE = {True: "yes", False: "NO", None: "?"}
CHECK_COLUMNS: Sequence[Column[Check]] = (
    Column("what", "looked at", lambda check: check.subject),
    Column("found", "found", lambda check: check.finding, show=Show.WIDE),
    Column(None, "found", lambda check: times.localized(check.finding), show=Show.BRIEF),
    Column(
        "fine",
        "fine",
        lambda check: check.is_fine,
        lambda check: FINE[check.is_fine],
        meaning=bad_unless_yes,
    ),
)


class Diagnosis(NamedTuple):
    """A verdict with what it rests on. `since_submission` is None if nothing was ever submitted."""

    run: Run
    verdict: Verdict
    checks: list[Check]
    since_submission: timedelta | None


def diagnose(context: Context, run_id: str) -> Diagnosis:
    """Return why a run of the registry does not finish. Only reads; see snapshot.take()."""
    run = context.registry.run(run_id)
    assert run is not None
    current = snapshot.take(context, run)
    since = current.quiet_for if current.work and current.work.last_submission else None
    return Diagnosis(run, rules.judge(current), checks.make_checks(current), since)


def document(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return a diagnosis as the JSON document that others build on."""
    return {
        "run_id": diagnosis.run.run_id,
        "task_name": diagnosis.run.task_name,
        "verdict": diagnosis.verdict.sentence,
        "code": diagnosis.verdict.code,
        "evidence": columns.documents(CHECK_COLUMNS, diagnosis.checks),
        "next": diagnosis.verdict.next,
    }


def lines(diagnosis: Diagnosis) -> list[str]:
    """Return a diagnosis as lines of talk: what is not fine, the verdict and the next command."""
    wrong = [f"  {check.subject}: {check.finding}" for check in diagnosis.checks if check.is_fine is False]
    return [*wrong, diagnosis.verdict.sentence, f"Next: {diagnosis.verdict.next}"]
