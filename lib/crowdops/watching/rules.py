"""What is not as it should be: the rules that make findings of what is known and what was seen.

A rule says what there is; how grave it is say the thresholds of the measure that it counts towards.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from crowdops.config.environments import start_command
from crowdops.diagnosis.checks import duration
from crowdops.diagnosis.rules import page_problem
from crowdops.diagnosis.snapshot import Pages
from crowdops.watching.findings import Finding, Level
from crowdops.watching.known import Known, KnownRun
from crowdops.watching.seen import SeenAccount, SeenRun, Silent
from crowdops.watching.task_servers import Servers

SILENT, NOT_SEEN = "silent_endpoints", "not_seen"  # findings that have a level of their own
REFUSED = "refused_keys"
UNSEEN = (SILENT, NOT_SEEN, REFUSED)  # what there is behind them is not known


class Subject(NamedTuple):
    """A run that is judged: what the registry knows, and what its endpoint has if that was looked at.

    `is_silent`: it was to be looked at, and could not be.
    """

    known: KnownRun
    seen: SeenRun | None
    now: datetime
    is_silent: bool = False

    @property
    def run_id(self) -> str:
        return self.known.run.run_id

    @property
    def condition(self) -> str:
        """Attended, detached, crashed or ended: it may have ended by being looked at."""
        return self.seen.status.condition if self.seen else self.known.condition

    @property
    def outstanding(self) -> int:
        """How many HITs are out; units that may have one, where that is only known from the registry."""
        return self.seen.status.outstanding if self.seen else self.known.tally.outstanding

    @property
    def unanswered(self) -> int:
        """How many units have ended without an answer."""
        tally = self.seen.status.tally if self.seen else None
        return (tally or self.known.tally).unanswered

    def finding(self, code: str, text: str, next: str, amount: int = 1) -> Finding:
        """Return a finding about the run: `text` comes after its name. Its level is not known yet."""
        run = self.known.run
        return Finding(
            Level.OK, code, f"{run.task_name} ({run.run_id}) {text}", next, amount, run.run_id, run.task_name
        )


def judge_run(subject: Subject) -> Iterator[Finding]:
    """Yield what is not as it should be with a run; of one at a silent endpoint, what this machine knows."""
    for rule in RULES_AT_HOME:
        yield from rule(subject)
    for rule in () if subject.is_silent else RULES:
        yield from rule(subject)


def _judge_crash(subject: Subject) -> Iterator[Finding]:
    if subject.condition != "crashed":
        return
    if subject.outstanding:
        text = (
            f"has crashed with {count_of(subject.outstanding, 'HIT')} out: nobody collects or expires them."
        )
        yield subject.finding("crashed_runs", text, "make recover")
    elif left := subject.known.tally.never_launched:
        text = f"has crashed with nothing out, and {count_of(left, 'unit')} never launched."
        yield subject.finding("halted_runs", text, f"make resume RUN={subject.run_id}")


def _judge_end(subject: Subject) -> Iterator[Finding]:
    seen = subject.seen
    if subject.condition != "ended" or seen is None:
        return
    if assignable := seen.status.hits["Assignable"]:
        text = f"has ended, and {count_of(assignable, 'HIT')} of it can still be accepted."
        yield subject.finding("orphaned_hits", text, f"make expire RUN={subject.run_id}", assignable)
    if answers := seen.status.uncollected:
        text = f"has ended, and {count_of(answers, 'answer')} to its HITs are not collected."
        yield subject.finding("uncollected", text, f"make results RUN={subject.run_id}", answers)


def _judge_process(subject: Subject) -> Iterator[Finding]:
    process = subject.known.process
    if subject.condition == "attended" and process.is_suspended and process.holder:
        pid = process.holder.pid
        text = f"is attended by process {pid}, which is suspended: nobody launches or collects."
        yield subject.finding("suspended", text, f"kill -CONT {pid}")


def _judge_budget(subject: Subject) -> Iterator[Finding]:
    bound, limit = subject.known.bound, subject.known.run.parameters.max_cost
    if limit is not None and bound > limit:
        text = f"is over its budget: ${bound} are spent or bound, and max_cost is ${limit}."
        yield subject.finding("over_budget", text, f"make account RUN={subject.run_id}")


def _judge_flow(subject: Subject) -> Iterator[Finding]:
    """Judge whether submissions come. Of answers that are not collected nobody has told when they came."""
    seen, known = subject.seen, subject.known
    if subject.condition not in ("attended", "detached") or not subject.outstanding:
        return
    if seen and seen.status.assignments["submitted"] + seen.status.assignments["completed"] > known.collected:
        return
    patience = timedelta(seconds=known.run.parameters.no_submission_patience)
    quiet = subject.now - (known.last_submission or known.run.created_at)
    if quiet > patience / 2:
        since = "for" if known.last_submission else "since its launch, for"
        text = f"has had no submission {since} {duration(quiet)}; its patience is {duration(patience)}."
        yield subject.finding("quiet_runs", text, f"make diagnose RUN={subject.run_id}")


def _judge_expiration(subject: Subject) -> Iterator[Finding]:
    seen = subject.seen
    if seen and seen.expiring and seen.expires_at and subject.condition != "ended":
        left = duration(seen.expires_at - subject.now)
        text = f"has {count_of(seen.expiring, 'HIT')} with work left that expire soon, the first in {left}."
        next = f"make status RUN={subject.run_id} ARGS=--hits"
        yield subject.finding("expiring_hits", text, next, seen.expiring)


def _judge_review(subject: Subject) -> Iterator[Finding]:
    if due := subject.seen.due if subject.seen else subject.known.due:
        count, first = due
        left = duration(first - subject.now)
        text = (
            f"has {count_of(count, 'unreviewed answer')} about to be approved by itself, the first in {left}."
        )
        yield subject.finding("due_approvals", text, f"make account RUN={subject.run_id}", count)


def _judge_units(subject: Subject) -> Iterator[Finding]:
    if unanswered := subject.unanswered:
        text = f"has {count_of(unanswered, 'unit')} that ended without an answer."
        yield subject.finding("unanswered", text, f"make runs RUN={subject.run_id}", unanswered)


RULES_AT_HOME: tuple[Callable[[Subject], Iterator[Finding]], ...] = (_judge_process, _judge_budget)
RULES: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    _judge_crash,
    _judge_end,
    _judge_flow,
    _judge_expiration,
    _judge_review,
    _judge_units,
)


def judge_pages(subject: Subject, servers: Servers) -> Iterator[Finding]:
    """Yield whether the task server of a living run is down."""
    run, kind = subject.known.run, subject.known.run.parameters.server_kind
    if subject.condition not in ("attended", "detached"):
        return
    status = servers.of_runs.get(run.run_id)
    if run.state != "running" or kind == "none" or not (status or kind in servers.looked_at):
        return
    pages = Pages(kind, status and status.server, status, bool(status and status.answers), None, False, "")
    code, problem = page_problem(pages, run.run_id)
    if code:
        next = f"make servers RUN={run.run_id}"
        if kind == "heroku":
            next = f"make heroku-status RUN={run.run_id}"
        if kind == "url":
            next = f"curl {shlex.quote(run.parameters.url.rstrip('/') + '/health')}"
        text = f"is alive, and its task server {problem}: no worker gets a page."
        yield subject.finding("servers_down", text, next)


def judge_servers(servers: Servers, conditions: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the task servers that have outlived their runs."""
    for server in servers.orphans:
        condition = conditions.get(server.run_id or "", "unknown")
        where = "at Heroku" if server.kind == "heroku" else "on this machine"
        text = f"The task server {server.name} {where} is up, and its run {server.run_id} is {condition}."
        next = f"make kill-servers NAME={server.name}"
        if server.kind == "heroku":
            next = f"make heroku-kill NAME={server.name}"
        if condition == "crashed":
            next = "make recover"
        task_name = server.detail.get("task_name")
        yield Finding(Level.OK, "orphaned_servers", text, next, 1, server.run_id, task_name)


def judge_account(account: SeenAccount, runs: Mapping[str, KnownRun]) -> Iterator[Finding]:
    """Yield whether an account has too little for what its runs still launch; for all of it if none is held.

    Work on offer is paid for from what is held, where the endpoint tells that it holds some.
    """
    here, endpoint = [runs[one.status.run.run_id] for one in account.runs], account.settings.endpoint
    if account.balance is None:
        text = f"The balance at {endpoint} could not be read: {account.trouble}"
        yield Finding(Level.UNKNOWN, NOT_SEEN, text, "make account")
        return
    is_held = account.balance.held is not None
    need = sum(run.unlaunched if is_held else run.figures.to_spend for run in here)
    if account.balance.available < need:
        text = (
            f"The account at {endpoint} has ${account.balance.available}, and ${need} are still to be spent."
        )
        yield Finding(Level.OK, "low_balances", text, "make account")


def judge_silence(silent: Silent, timeout_state: Level) -> Finding:
    """Return the finding about an endpoint that could not be looked at: it counts for its runs only."""
    runs, first = silent.runs, silent.runs[0]
    names = ", ".join(f"{run.task_name} ({run.run_id})" for run in runs)
    level, code, what = timeout_state, SILENT, "The endpoint does not answer"
    next = f"make diagnose RUN={first.run_id}"
    if silent.refused:
        level, code, what = Level.OK, REFUSED, "The key is refused"
    elif silent.answered:
        level, code, what = Level.UNKNOWN, NOT_SEEN, "The endpoint cannot be asked"
    else:
        next = start_command(silent.settings.endpoint) or next
    text = f"{what}, of {names}: {silent.reason}"
    is_one = len(runs) == 1
    return Finding(
        level, code, text, next, 1, first.run_id if is_one else None, first.task_name if is_one else None
    )


def judge_backups(known: Known, now: datetime) -> Iterator[Finding]:
    """Yield how old the last backup is; the measure tells whether that is too old."""
    if known.last_backup:
        text = f"The registry was last backed up {duration(now - known.last_backup)} ago."
        yield Finding(Level.OK, "backup_age", text, "make backup")
    elif known.begun_at:
        text = f"The registry was never backed up, since its first run {duration(now - known.begun_at)} ago."
        yield Finding(Level.OK, "backup_age", text, "make backup")


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
