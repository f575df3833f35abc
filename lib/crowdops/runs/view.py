"""What launch_run shows: what it is about to do, and how that ended."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

from crowdops.config import vocabulary
from crowdops.config.settings import Settings
from crowdops.errors import UsageError
from crowdops.formats import words
from crowdops.formats.question_xml import MAX_QUESTION_BYTES
from crowdops.payments.pricing import Estimate
from crowdops.registry import END_STATES
from crowdops.runs.living import LivingRun, describe
from crowdops.runs.outcome import RunReport
from crowdops.runs.plan import LaunchPlan
from crowdops.runs.remainder import Remainder

LAUNCHED_STATES = ("outstanding", "finished", "disposed", "expired")  # of a unit


class Offer(NamedTuple):
    """What a command is about to launch: in a line, in full, as JSON, what it costs, and what is asked.

    `remarks` are for people, and no reason not to.
    """

    summary: str
    text: str
    document: dict[str, Any]
    estimate: Estimate
    question: str
    remarks: Sequence[str] = ()


def offer_launch(plan: LaunchPlan, settings: Settings) -> Offer:
    """Return what is to be decided about a planned run."""
    name, estimate = plan.parameters.task_name, plan.estimate
    given = plan.parameters._asdict()
    parameters = "\n".join(f"  {name} = {vocabulary.echo(name, value)}" for name, value in given.items())
    return Offer(
        summary=f"{name} at {settings.endpoint}: {estimate.describe()}",
        text=(
            f"{name} at {settings.endpoint} ({settings.environment})\n{estimate.describe()}\n\n"
            f"Parameters:\n{parameters}\n\n{_page_text(plan)}"
        ),
        document={
            "environment": settings.environment,
            "endpoint": settings.endpoint,
            "task_name": name,
            "units": estimate.units,
            "assignments": estimate.assignments,
            "reward": estimate.reward,
            "fee": estimate.fee,
            "cost": estimate.total,
            "parameters": plan.parameters._asdict(),
            "first_page": plan.first_page,
            "remarks": list(plan.remarks),
            "dry_run": True,
        },
        estimate=estimate,
        question="Launch it?",
        remarks=plan.remarks,
    )


def _page_text(plan: LaunchPlan) -> str:
    """Return how long the first page is, and how to see it."""
    room = f", and a HIT holds {MAX_QUESTION_BYTES:,}" if plan.parameters.server_kind == "none" else ""
    file = shlex.quote(str(plan.run_toml or "run.toml"))
    return (
        f"The first page has {len(plan.first_page.encode()):,} bytes{room}."
        f" See it as workers do: make preview FILE={file}"
    )


def offer_another(offer: Offer, living: Sequence[LivingRun], *, is_asking: bool) -> Offer:
    """Return an offer that says which runs of the same are alive, if any. UsageError if nobody is asked."""
    if not living:
        return offer
    lines = describe(living)
    if not is_asking:
        raise UsageError(f"{lines}\nTo launch another one all the same: --again")
    return offer._replace(
        summary=f"{offer.summary}\n{lines}",
        text=f"{offer.text}\n\n{lines}",
        document={**offer.document, "living_runs": [alive.run.run_id for alive in living]},
        question="Launch another one beside that?",
    )


def offer_resume(remainder: Remainder) -> Offer:
    """Return what is to be decided about a run that can be carried on."""
    run, estimate = remainder.run, remainder.estimate
    outstanding = remainder.counts["outstanding"]
    to_settle = remainder.counts["creating"]
    text = (
        f"{run.task_name} ({run.run_id}) at {run.endpoint} is {run.state}: of"
        f" {words.count(run.units, 'unit')}"
        f" {outstanding} {words.choose(outstanding, 'is', 'are')} out,"
        f" {to_settle} {words.choose(to_settle, 'has', 'have')} to be settled,"
        f" {estimate.units} {words.choose(estimate.units, 'is', 'are')} still to be launched.\n"
        f"{estimate.describe()}"
    )
    text = "\n".join([text, *remainder.remarks])
    return Offer(
        summary=text,
        text=text,
        document={
            "run_id": run.run_id,
            "task_name": run.task_name,
            "environment": run.environment,
            "endpoint": run.endpoint,
            "state": run.state,
            "units": run.units,
            "outstanding": outstanding,
            "to_settle": to_settle,
            "to_launch": estimate.units,
            "cost": estimate.total,
            "dry_run": True,
        },
        estimate=estimate,
        question="Carry it on?",
    )


def report_document(report: RunReport) -> dict[str, Any]:
    """Return how a run ended, as the JSON document that others build on."""
    counts = report.counts
    return {
        "run_id": report.run.run_id,
        "task_name": report.run.task_name,
        "state": report.outcome.state,
        "reason": report.outcome.reason,
        "units": report.run.units,
        "launched": sum(counts[state] for state in LAUNCHED_STATES),
        "finished": counts["finished"],
        "failed": counts["failed"],
        "answered": report.tally.answered,
        "unanswered": report.tally.unanswered,
        "never_launched": report.tally.never_launched,
        "assignments": report.assignments,
        "cost": report.cost,
        "api_calls": report.api_calls,
        "seconds": report.seconds,
    }


def report_text(report: RunReport) -> str:
    """Return how a run ended and what to type next, for people."""
    run, outcome = report.run, report.outcome
    lines = [
        f"{run.task_name} is {outcome.state}: {report.tally.describe()},"
        f" {words.count(report.assignments, 'assignment')}, ${report.cost},"
        f" {words.count(report.api_calls, 'API call')},"
        f" {report.seconds:.1f} s."
    ]
    if outcome.reason:
        lines.append(f"Why: {outcome.reason}")
    lines += outcome.describe_in_flight()
    if outcome.state == "stopped":
        lines.append("Collect what is submitted after this:")
    if outcome.state == "running":
        lines.append(
            f"It needs no process. Look: make status RUN={run.run_id}. End it: make expire RUN={run.run_id}"
        )
    if outcome.state in END_STATES and report.tally.never_launched:
        lines.append(f"Launch the rest after all: make resume RUN={run.run_id}")
    lines.append(f"Results: make results RUN={run.run_id}")
    return "\n".join(lines)
