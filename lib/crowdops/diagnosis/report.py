"""Why a run does not finish: a verdict in one sentence, the evidence, and the next command to type."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from crowdops.context import Context
from crowdops.diagnosis import checks as evidence
from crowdops.diagnosis import rules, snapshot
from crowdops.diagnosis.checks import Evidence
from crowdops.diagnosis.rules import Verdict
from crowdops.registry import Run

HEADERS = ("looked at", "found", "fine")


class Diagnosis(NamedTuple):
    """A verdict with what it rests on. `since_submission` is None if nothing was submitted, collected or not."""

    run: Run
    verdict: Verdict
    evidence: list[Evidence]
    since_submission: timedelta | None


def diagnose(context: Context, run_id: str) -> Diagnosis:
    """Look at everything about a run of the registry and return why it does not finish. Only reads; see symptoms.look()."""
    run = context.registry.run(run_id)
    assert run is not None
    seen = snapshot.look(context, run)
    since = seen.quiet_for if seen.work and seen.work.last_submission else None
    return Diagnosis(run, rules.judge(seen), evidence.gather(seen), since)


def rows(found: Diagnosis) -> list[tuple[object, ...]]:
    """Return the evidence as the rows of a table under HEADERS."""
    words = {True: "yes", False: "NO", None: "?"}
    return [(each.what, each.found, words[each.fine]) for each in found.evidence]


def document(found: Diagnosis) -> dict[str, Any]:
    """Return a diagnosis as the JSON document that others build on."""
    verdict = found.verdict
    return {
        "run_id": found.run.run_id,
        "task_name": found.run.task_name,
        "verdict": verdict.sentence,
        "code": verdict.code,
        "evidence": [each._asdict() for each in found.evidence],
        "next": verdict.next,
    }


def lines(found: Diagnosis) -> list[str]:
    """Return a diagnosis as lines of talk: what is not fine, the verdict and the next command."""
    wrong = [f"  {each.what}: {each.found}" for each in found.evidence if each.fine is False]
    return [*wrong, found.verdict.sentence, f"Next: {found.verdict.next}"]
