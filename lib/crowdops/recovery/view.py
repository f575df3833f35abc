"""How recover and rebuild_registry show what they find, what they would do and what they did."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from crowdops.config import environments
from crowdops.console import columns, output, unseen
from crowdops.console.columns import Column, yes_or_no
from crowdops.console.unseen import Unseen
from crowdops.providers.heroku.models import dyno_dollars
from crowdops.recovery.rebuild import MarkedRun, Rebuilt
from crowdops.recovery.survey import OrphanedRun, Survey
from crowdops.registry import Run
from crowdops.servers.status import ServerStatus

HOUR = 3600.0  # seconds
BLANKS = ("", "", "")  # the numbers of HITs, where none are known


def _state(run: OrphanedRun) -> str:
    return f"{run.known.state}, {run.condition}" if run.known else run.condition


def _server_names(run: OrphanedRun | MarkedRun) -> list[str]:
    return [status.name for status in run.servers]


ORPHANED: list[Column[OrphanedRun]] = [
    Column("run_id", "id", lambda run: run.run_id),
    Column("task_name", "task_name", lambda run: run.task_name),
    Column("state", "state", lambda run: run.known and run.known.state, _state),
    Column("condition", None, lambda run: run.condition),
    Column("outstanding", "open HITs", lambda run: len(run.open_hits)),
    Column("pending", "accepted", lambda run: run.pending),
    Column("creating", "unsettled", lambda run: run.creating),
    Column("servers", None, _server_names),
    Column("may_cost", "may still cost", lambda run: run.may_cost, lambda run: f"${run.may_cost}"),
]


def print_plan(survey: Survey, chosen: Sequence[OrphanedRun], *, carry_on: bool) -> None:
    """Print the verdict, then what is left alive, what it may cost, and what becomes of it."""
    output.write(survey_verdict(survey))
    then = "carry on" if carry_on else "expire, collect, end"
    rows = [_run_row("run", run, then) for run in survey.crashed]
    rows += [_run_row("run", run, "end its open HITs") for run in survey.ended]
    for run in survey.unknown:
        is_chosen = run in chosen
        alone = f"left alone; --orphans {run.run_id}"
        rows.append(_run_row("orphans", run, f"take over, {then}" if is_chosen else alone))
        rows += [_server_row(status, "take over" if is_chosen else alone) for status in run.servers]
    kept = {run.run_id for run in survey.crashed} if carry_on else set()
    for status in survey.servers:
        rows.append(_server_row(status, "kept for its run" if status.run_id in kept else "take down"))
    rows += [_elsewhere_row(run) for run in survey.elsewhere]
    if rows:
        output.write("")
        output.table(["what", *columns.headings(ORPHANED), "then"], rows)


def _run_row(what: str, run: OrphanedRun, then: str) -> list[object]:
    return [what, *columns.row(ORPHANED, run), then]


def _server_row(status: ServerStatus, then: str) -> list[object]:
    state = status.dyno_state or ("not known" if status.scaled is None else "down")
    return ["server", status.name, status.task_name, state, *BLANKS, _rate(status), then]


def _elsewhere_row(run: Run) -> list[object]:
    return ["run elsewhere", run.run_id, run.task_name, run.state, *BLANKS, "", _command_for(run)]


def _rate(status: ServerStatus) -> str:
    """Return what a server costs an hour, as far as it is known."""
    if status.server.kind != "heroku":
        return "nothing"
    size = status.server.detail.get("size", "")
    dollars = None if status.scaled is None else dyno_dollars(size, status.scaled, HOUR)
    return "not known" if dollars is None else f"${dollars:.4f} an hour"


def _command_for(run: Run) -> str:
    """Return what to type to take on a run whose server does not answer."""
    start = environments.start_command(run.endpoint)
    if start:
        return f"{start}, then make recover"
    where = "" if run.environment == "local" else f" ARGS='--environment {run.environment}'"
    return f"AWS_ENDPOINT_URL_MTURK=URL make recover{where}"


def survey_remarks(survey: Survey) -> list[str]:
    """Return what there is to say beside the plan."""
    lines = [f"run {run.run_id} is attended by {holder}: left alone." for run, holder in survey.attended]
    if survey.foreign_hits:
        lines.append(f"{survey.foreign_hits} HITs of the account are not ours; they are left alone.")
    lines += [
        f"run {run.run_id} is elsewhere. Take it on with: {_command_for(run)}" for run in survey.elsewhere
    ]
    return lines + survey.remarks


def survey_verdict(survey: Survey) -> str:
    """Return in one line what is left of this home, and where: what was not seen is said besides."""
    runs = [*survey.crashed, *survey.ended]
    counts = {
        "crashed": len(survey.crashed),
        "ended with open HITs": len(survey.ended),
        "leftover servers": len(survey.servers),
    }
    if not survey.is_clean:
        left = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        open_hits = sum(len(run.open_hits) for run in runs)
        cost = sum((run.may_cost for run in runs), Decimal(0))
        return f"Left over: {left}. {open_hits} HITs are open, and may still cost ${cost}."
    of_this_home = "of this home " if survey.unknown else ""
    where = " and ".join(survey.endpoints)
    if survey.unseen:
        return f"Nothing {of_this_home}was found where it could be looked at: {where or 'on this machine'}."
    return f"Nothing {of_this_home}is left over at {where}."


def survey_document(survey: Survey) -> dict[str, Any]:
    """Return what is left alive as a JSON object."""
    orphans = [*survey.unknown, *survey.ended]
    servers = [*survey.servers, *(status for run in survey.unknown for status in run.servers)]
    return {
        "crashed_runs": columns.documents(ORPHANED, survey.crashed),
        "ended_runs": columns.documents(ORPHANED, survey.ended),
        "orphan_runs": columns.documents(ORPHANED, survey.unknown),
        "orphan_hits": sum(len(run.open_hits) for run in orphans),
        "orphan_servers": len(servers),
        "servers": [status.name for status in servers],
        "foreign_hits": survey.foreign_hits,
        "attended_runs": [{"run_id": run.run_id, "by": holder} for run, holder in survey.attended],
        "elsewhere": [
            {"run_id": run.run_id, "endpoint": run.endpoint, "command": _command_for(run)}
            for run in survey.elsewhere
        ],
        "places": survey.endpoints,
        "not_looked_at": unseen.documents(survey.unseen),
        "remarks": survey.remarks,
    }


MARKED: list[Column[MarkedRun]] = [
    Column("run_id", "run", lambda run: run.run_id),
    Column("task_name", "task_name", lambda run: run.task_name),
    Column("at_home", "of this home", lambda run: run.at_home, lambda run: yes_or_no(run.at_home)),
    Column("known", "known", lambda run: run.known, lambda run: yes_or_no(run.known)),
    Column("hits", "HITs", lambda run: len(run.hits)),
    Column("outstanding", "open", lambda run: sum(hit.is_outstanding for hit in run.hits)),
    Column(None, "submitted", lambda run: sum(hit.answers for hit in run.hits)),
    Column("servers", "servers", _server_names, lambda run: len(run.servers)),
]


def rebuild_document(
    runs: Sequence[MarkedRun], rebuilt: Rebuilt | None, not_looked_at: Sequence[Unseen]
) -> dict[str, Any]:
    """Return what was found, and written unless it was a dry run, as a JSON document."""
    return {
        "runs": columns.documents(MARKED, runs),
        "written": rebuilt._asdict() if rebuilt else None,
        "not_looked_at": unseen.documents(not_looked_at),
        "dry_run": rebuilt is None,
    }


def rebuild_remarks(
    runs: Sequence[MarkedRun], chosen: Sequence[MarkedRun], rebuilt: Rebuilt | None
) -> list[str]:
    """Return in words what was written, what was left out and what is to be typed next."""
    lines = []
    if rebuilt:
        lines.append(
            f"{rebuilt.runs} runs, {rebuilt.units} units, {rebuilt.assignments} assignments,"
            f" {rebuilt.bonuses} bonuses and {rebuilt.servers} servers are new in the registry."
        )
        lines += rebuilt.failures
        for run_id in [run.run_id for run in chosen if not run.known]:
            lines.append(
                f"The data rows of {run_id} are not known. Its run.toml brings them back:"
                f" make launch FILE=RUN.TOML ARGS='--resume {run_id}'. To end what is open instead:"
                " make recover"
            )
    if left_out := [run.run_id for run in runs if run not in chosen]:
        lines.append(
            f"Left out: {', '.join(left_out)}. This home has no folder of them."
            f" Those that are yours: make rebuild RUN='{' '.join(left_out)}'"
        )
    return lines
