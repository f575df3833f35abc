"""How recover and rebuild_registry show what they find, what they would do and what they did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from crowdops.config import environments
from crowdops.console import columns, output, terminal, unseen
from crowdops.console.colour import of_words
from crowdops.console.columns import Column, Show, yes_or_no
from crowdops.console.unseen import Unseen
from crowdops.formats import words
from crowdops.hits.view import foreign_words
from crowdops.providers.heroku.models import dyno_dollars
from crowdops.recovery.rebuild import MarkedRun, Rebuilt
from crowdops.recovery.survey import OrphanedRun, Survey
from crowdops.registry import Run, locks
from crowdops.registry.locks import Holder
from crowdops.servers.status import ServerStatus

HOUR = 3600.0  # seconds


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
    Column("may_cost", "may still cost", lambda run: run.may_cost),
]


class Planned(NamedTuple):
    """A line of the plan: what there is, of which run, and what becomes of it, in full and in a word or two.

    Without `orphan` it is a server or a run elsewhere, of whose HITs no numbers are known.
    """

    what: str
    brief: str
    name: str
    task_name: str | None
    state: str
    may_cost: str
    then: str
    brief_then: str
    orphan: OrphanedRun | None = None


def _number(count: Callable[[OrphanedRun], int]) -> Callable[[Planned], object]:
    return lambda line: count(line.orphan) if line.orphan else ""


PLAN: list[Column[Planned]] = [
    Column(None, "what", lambda line: line.what, show=Show.WIDE),
    Column(None, "what", lambda line: line.brief, show=Show.BRIEF, meaning=of_words),
    Column(None, "id", lambda line: line.name, is_id=True),
    Column(None, "task_name", lambda line: line.task_name),
    Column(None, "state", lambda line: line.state, show=Show.WIDE, meaning=of_words),
    Column(None, "open HITs", _number(lambda run: len(run.open_hits))),
    Column(None, "accepted", _number(lambda run: run.pending), show=Show.WIDE),
    Column(None, "unsettled", _number(lambda run: run.creating), show=Show.WIDE),
    Column(None, "may still cost", lambda line: line.may_cost),
    Column(None, "then", lambda line: line.then, show=Show.WIDE),
    Column(None, "then", lambda line: line.brief_then, show=Show.BRIEF),
]


def print_plan(survey: Survey, chosen: Sequence[OrphanedRun], *, carry_on: bool) -> None:
    """Print the verdict, then what is left alive, what it may cost, and what becomes of it."""
    output.write(survey_verdict(survey))
    then, brief = ("carry on", "carry on") if carry_on else ("expire, collect, end", "shut down")
    lines = [_run_line("run", run, then, brief) for run in survey.crashed]
    lines += [_run_line("run", run, "end its open HITs", "end its HITs") for run in survey.ended]
    for run in survey.unknown:
        lines += _unknown_lines(run, then, is_chosen=run in chosen)
    kept = {run.run_id for run in survey.crashed} if carry_on else set()
    for status in survey.servers:
        is_kept = status.run_id in kept
        long_words = "kept for its run" if is_kept else "take down"
        lines.append(_server_line(status, long_words, "kept" if is_kept else "take down"))
    lines += [_elsewhere_line(run) for run in survey.elsewhere]
    if lines:
        output.write("")
        columns.table(PLAN, lines)


def _unknown_lines(run: OrphanedRun, then: str, *, is_chosen: bool) -> list[Planned]:
    """Return the lines of a run that the registry does not know, and of its servers."""
    alone = f"left alone; --orphans {run.run_id}"
    server_then = ("take over", "take over") if is_chosen else (alone, "left alone")
    run_then = (f"take over, {then}", "take over") if is_chosen else (alone, "left alone")
    return [
        _run_line("orphans", run, *run_then),
        *(_server_line(status, *server_then) for status in run.servers),
    ]


def _run_line(what: str, run: OrphanedRun, then: str, brief_then: str) -> Planned:
    return Planned(
        what=what,
        brief=run.condition,
        name=run.run_id,
        task_name=run.task_name,
        state=_state(run),
        may_cost=f"${run.may_cost}",
        then=then,
        brief_then=brief_then,
        orphan=run,
    )


def _server_line(status: ServerStatus, then: str, brief_then: str) -> Planned:
    return Planned(
        what="server",
        brief="server",
        name=status.name,
        task_name=status.task_name,
        state=status.dyno_state or ("not known" if status.scaled is None else "down"),
        may_cost=_rate(status),
        then=then,
        brief_then=brief_then,
    )


def _elsewhere_line(run: Run) -> Planned:
    return Planned(
        what="run elsewhere",
        brief="elsewhere",
        name=run.run_id,
        task_name=run.task_name,
        state=run.state,
        may_cost="",
        then=_command_for(run),
        brief_then="see below",
    )


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
    lines = [f"run {run.run_id} is attended by {_holder(held)}: left alone." for run, held in survey.attended]
    if survey.foreign_hits:
        lines.append(foreign_words(survey.foreign_hits))
    lines += [
        f"run {run.run_id} is elsewhere. Take it on with: {_command_for(run)}" for run in survey.elsewhere
    ]
    return lines + survey.remarks


def _holder(holder: Holder | None, *, exactly: bool = False) -> str:
    return locks.describe(holder, exactly=exactly) if holder else "a process that has just ended"


def orphan_lines(survey: Survey, chosen: Sequence[OrphanedRun]) -> list[str]:
    """Return how to take over what is left alone, where a terminal's table has no room for that."""
    if not terminal.is_one(terminal.STDOUT) or terminal.is_wide():
        return []
    left = [run.run_id for run in survey.unknown if run not in chosen]
    return [
        f"Take over what is left alone, if it is yours: make recover ARGS='--orphans {run_id}'"
        for run_id in left
    ]


def survey_verdict(survey: Survey) -> str:
    """Return in one line what is left of this home, and where: what was not seen is said besides."""
    runs, servers = [*survey.crashed, *survey.ended], len(survey.servers)
    counts = {
        "crashed": len(survey.crashed),
        "ended with open HITs": len(survey.ended),
        words.choose(servers, "leftover server", "leftover servers"): servers,
    }
    if not survey.is_clean:
        left = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        open_hits = sum(len(run.open_hits) for run in runs)
        cost = sum((run.may_cost for run in runs), Decimal(0))
        return f"Left over: {left}. {words.are(open_hits, 'HIT')} open, and may still cost ${cost}."
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
        "attended_runs": [
            {"run_id": run.run_id, "by": _holder(held, exactly=True)} for run, held in survey.attended
        ],
        "elsewhere": [
            {"run_id": run.run_id, "endpoint": run.endpoint, "command": _command_for(run)}
            for run in survey.elsewhere
        ],
        "places": survey.endpoints,
        "not_looked_at": unseen.documents(survey.unseen),
        "remarks": survey.remarks,
    }


MARKED: list[Column[MarkedRun]] = [
    Column("run_id", "run", lambda run: run.run_id, is_id=True),
    Column("task_name", "task_name", lambda run: run.task_name),
    Column("at_home", "of this home", lambda run: run.at_home, lambda run: yes_or_no(run.at_home)),
    Column("known", "known", lambda run: run.known, lambda run: yes_or_no(run.known)),
    Column("hits", "HITs", lambda run: len(run.hits)),
    Column("outstanding", "open", lambda run: sum(hit.is_outstanding for hit in run.hits)),
    Column(None, "submitted", lambda run: sum(hit.answers for hit in run.hits)),
    Column("servers", "servers", _server_names, lambda run: len(run.servers), Show.WIDE),
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
            f"{words.count(rebuilt.runs, 'run')}, {words.count(rebuilt.units, 'unit')},"
            f" {words.count(rebuilt.assignments, 'assignment')}, {words.count(rebuilt.bonuses, 'bonus')} and"
            f" {words.count(rebuilt.servers, 'server')} are new in the registry."
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
