"""How topping runs up is shown: a row a run, in words, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from crowdops.config.settings import Selection
from crowdops.console.columns import Column, document
from crowdops.formats import words
from crowdops.registry import Run
from crowdops.runs import view
from crowdops.runs.lacks import Lacks
from crowdops.runs.top_up import Attempt, TopUp

COLUMNS: Sequence[Column[Lacks]] = (
    Column("run_id", "run", lambda found: found.run.run_id, is_id=True),
    Column("task_name", "task_name", lambda found: found.run.task_name),
    Column("units", "units", lambda found: found.units),
    Column("answers", "answers lacking", lambda found: found.answers),
    Column("launched", "launch", lambda found: found.launched),
    Column("extended", "extend", lambda found: found.extended),
    Column("replaced", "replace", lambda found: found.replaced),
    Column("unknown", None, lambda found: found.unknown),
    Column("in_flight", None, lambda found: found.in_flight),
    Column("cost", "cost with fees", lambda found: found.cost, lambda found: f"${found.cost}"),
)


def failures(plans: Sequence[TopUp], selection: Selection) -> list[tuple[str, str]]:
    """Return what cannot be had: (run id, why). Runs that go on are left out, unless they were named."""
    failed = [failure for plan in plans for failure in plan.going_on if selection.runs]
    for found in (found for plan in plans for found in plan.lacks):
        if found.lost_field:
            failed.append((found.run.run_id, found.lost_field))
        if found.unknown:
            run_id, units = found.run.run_id, words.count(found.unknown, "unit")
            failed.append(
                (
                    run_id,
                    f"{units} cannot be launched anew: what they show is not known, since the registry was"
                    " rebuilt",
                )
            )
    return failed


def lines(plans: Sequence[TopUp], selection: Selection) -> Iterator[str]:
    """Yield what is to be known beside the table."""
    for found in (found for plan in plans for found in plan.lacks):
        where = f"{found.run.task_name} ({found.run.run_id})"
        if found.in_flight:
            out = words.are(found.in_flight, "HIT")
            yield (
                f"{where}: {out} still out, and what comes of that is not known yet. Collect it, then look"
                f" again: make results RUN={found.run.run_id}"
            )
        if not found.run.data_digest:
            yield (
                f"{where} was rebuilt from its marks: what units show is not known, nor units without a HIT,"
                " nor whether answers have to agree. Give its run.toml: make launch FILE=RUN.TOML"
                f" ARGS='--resume {found.run.run_id}'"
            )
        if any(place.is_replaced for place in found.places):
            yield (
                f"{where}: HITs that take another's place keep out whoever answered one of these units, or of"
                " those that got such a HIT before. If that leaves nobody: make diagnose"
                f" RUN={found.run.run_id}"
            )
        if found.spent:
            units = words.count(len(found.spent), "unit")
            yield f"{where}: {units} without agreement get no more answers, for max_cost does not cover them."
        if not (found.units or found.unknown or found.spent or found.in_flight or found.lost_field):
            yield lacks_nothing(found.run)
    going_on = sum(len(plan.going_on) for plan in plans)
    if going_on and not selection.runs:
        yield f"{words.are(going_on, 'run')} not at an end and left out. See them: make runs"


def lacks_nothing(run: Run) -> str:
    """Return what is said of a run that needs no top-up."""
    as_known = "" if run.data_digest else " that is known"
    return f"{run.task_name} ({run.run_id}) lacks nothing{as_known}."


def question(due: Sequence[Lacks]) -> str:
    """Return what is asked before anything is launched."""
    answers = sum(found.answers for found in due)
    return f"Ask for {words.count(answers, 'more answer')}, for at most ${total(due)} with fees?"


def total(due: Sequence[Lacks]) -> Decimal:
    """Return what runs cost if all that they lack is approved."""
    return sum((found.cost for found in due), Decimal(0))


def as_document(
    plans: Sequence[TopUp],
    attempts: Sequence[Attempt],
    failed: Sequence[tuple[str, str]],
    *,
    dry_run: bool,
) -> dict[str, Any]:
    """Return what came of it, as the JSON document that others build on."""
    reports = {attempt.run.run_id: attempt.report for attempt in attempts if attempt.report}
    all_found = [found for plan in plans for found in plan.lacks]
    return {
        "selected": len(all_found),
        "answers": sum(found.answers for found in all_found),
        "cost": total(all_found),
        "runs": [
            {
                **document(COLUMNS, found),
                "outcome": view.report_document(reports[found.run.run_id])
                if found.run.run_id in reports
                else None,
            }
            for found in all_found
        ],
        "failed": [{"id": name, "error": why} for name, why in failed],
        "dry_run": dry_run,
    }
