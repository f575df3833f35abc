"""One check of all that is watched, within a time limit: what is known, what was seen, and what of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from crowdops.bulk import Errand
from crowdops.config.settings import Selection, Settings
from crowdops.errors import RegistryError, UsageError
from crowdops.hits import status
from crowdops.watching import known, looks, measures, rules, thresholds
from crowdops.watching.findings import AccountFacts, Finding, Level, Measure, Report, RunFacts
from crowdops.watching.known import Known, KnownRun
from crowdops.watching.looks import Looks
from crowdops.watching.rules import Subject
from crowdops.watching.seen import SeenRun, opened
from crowdops.watching.task_servers import Servers
from crowdops.watching.thresholds import Range


class Terms(NamedTuple):
    """How a check is made: within `limit` seconds; `timeout_state` is what an endpoint without answer means.

    `is_cached`: only the registry is asked. The ranges are by measure, in place of the usual ones.
    """

    limit: float
    timeout_state: Level
    is_cached: bool
    warning: Mapping[str, Range]
    critical: Mapping[str, Range]

    @classmethod
    def read(
        cls,
        limit: float,
        timeout_state: str,
        is_cached: bool,
        warning: Sequence[str],
        critical: Sequence[str],
    ) -> Terms:
        """Return the terms that a command was given. UsageError for what is no range of a measure."""
        return cls(
            limit,
            Level[timeout_state.upper()],
            is_cached,
            thresholds.parse_all(warning, measures.HITS, measures.KINDS, "--warning"),
            thresholds.parse_all(critical, measures.HITS, measures.KINDS, "--critical"),
        )


def check(settings: Settings, selected: Selection, terms: Terms, deadline: float) -> Report:
    """Return what a check of the selected runs finds; without a selection, of all that want to be watched.

    By the deadline, of the monotonic clock, whoever hangs. UsageError if there is no registry, or a selector
    matches nothing.
    """
    started, now = time.monotonic(), rules.utc_now()
    settings = settings._replace(timeout=terms.limit, quiet=True)
    if not (settings.home / "registry.db").exists():
        raise UsageError(
            f"no registry in {settings.home}: nothing was launched from there, or it was lost."
            " Name the home that you mean: --home or CROWDOPS_HOME; of a lost registry: make rebuild"
        )
    reading = Errand(lambda selected: _read(settings, selected, now), selected)
    outcome = reading.outcome(deadline - time.monotonic())
    if outcome is None:
        raise RegistryError(f"the registry in {settings.home} could not be read within {terms.limit:g} s.")
    knowledge, servers = outcome.get()
    if terms.is_cached:
        seen = Looks([], [], servers, [], are_servers_known=True, calls=0)
    else:
        chosen = None if selected.takes_all else {run.run.run_id for run in knowledge.runs}
        seen = looks.look(settings, knowledge, chosen, deadline, terms.timeout_state)
    return _report(knowledge, seen, terms, now, started)


def _read(settings: Settings, selected: Selection, now: datetime) -> tuple[Known, Servers]:
    """Return what the registry knows, and the servers that have outlived their runs by that."""
    with opened(settings, {}) as context:
        knowledge = known.read(context.registry, settings, selected, now)
        conditions = knowledge.conditions
        if not selected.takes_all:
            conditions = {run.run.run_id: run.condition for run in knowledge.runs}
        orphans = status.orphan_servers(context.registry, conditions)
    return knowledge, Servers(orphans, {}, frozenset())


def _report(knowledge: Known, seen: Looks, terms: Terms, now: datetime, started: float) -> Report:
    by_run = {one.status.run.run_id: one for account in seen.accounts for one in account.runs}
    silent = {run.run_id for place in seen.silent for run in place.runs}
    subjects = [
        _subject(run, by_run.get(run.run.run_id), now, is_silent=run.run.run_id in silent)
        for run in knowledge.runs
    ]
    findings = _find(knowledge, seen, subjects, terms, now)
    measured = _measure(knowledge, seen, subjects, findings, terms, now)
    graded = measures.with_levels(findings, measured)
    return Report(
        at=now,
        seconds=time.monotonic() - started,
        calls=seen.calls,
        is_cached=terms.is_cached,
        findings=graded,
        measures=measured,
        run_counts=knowledge.run_counts,
        runs=[_facts(subject) for subject in subjects],
        accounts=[
            AccountFacts(
                account.settings.environment,
                account.settings.endpoint,
                account.balance.available,
                account.balance.held,
            )
            for account in seen.accounts
            if account.balance
        ],
        orphaned_servers=len(seen.servers.orphans) if seen.are_servers_known else None,
        is_whole=not any(finding.code in rules.UNSEEN for finding in findings),
    )


def _subject(run: KnownRun, seen_run: SeenRun | None, now: datetime, *, is_silent: bool) -> Subject:
    return Subject(run, seen_run, seen_run.now if seen_run else now, is_silent)


def _find(
    knowledge: Known, seen: Looks, subjects: Sequence[Subject], terms: Terms, now: datetime
) -> list[Finding]:
    runs = {run.run.run_id: run for run in knowledge.runs}
    findings = [finding for subject in subjects for finding in rules.judge_run(subject)]
    findings += [finding for one in subjects for finding in rules.judge_pages(one, seen.servers)]
    findings += rules.judge_servers(seen.servers, knowledge.conditions)
    findings += [finding for one in seen.accounts for finding in rules.judge_account(one, runs)]
    findings += [rules.judge_silence(silent, terms.timeout_state) for silent in seen.silent]
    findings += seen.findings
    findings += rules.judge_backups(knowledge, now)
    return findings


def _measure(
    knowledge: Known,
    seen: Looks,
    subjects: Sequence[Subject],
    findings: Sequence[Finding],
    terms: Terms,
    now: datetime,
) -> list[Measure]:
    kept = knowledge.last_backup or knowledge.begun_at
    balances = [account.balance.available for account in seen.accounts if account.balance]
    values: dict[str, Decimal | int | None] = {
        "runs": sum(subject.condition != "ended" for subject in subjects),
        "hits": sum(subject.outstanding for subject in subjects),
        "unreviewed": sum(_unreviewed(subject) for subject in subjects),
        "unknown_hits": sum(account.unknown_hits for account in seen.accounts),
        "balance": min(balances, default=None),
        "to_spend": sum((subject.known.figures.to_spend for subject in subjects), Decimal(0)),
        "spent": sum((subject.known.figures.spent for subject in subjects), Decimal(0)),
        "backup_age": None if kept is None else int((now - kept).total_seconds()),
    }
    for name in measures.COUNTED:
        values[name] = sum(finding.amount for finding in findings if finding.code == name)
    return [measures.make(name, values[name], terms.warning, terms.critical) for name in measures.KINDS]


def _unreviewed(subject: Subject) -> int:
    seen_run = subject.seen
    if seen_run is None:
        return subject.known.unreviewed
    return seen_run.status.assignments["submitted"]


def _facts(subject: Subject) -> RunFacts:
    run, figures = subject.known.run, subject.known.figures
    tally = (subject.seen.status.tally if subject.seen else None) or subject.known.tally
    return RunFacts(
        run_id=run.run_id,
        task_name=run.task_name,
        state=subject.seen.status.run.state if subject.seen else run.state,
        condition=subject.condition,
        environment=run.environment,
        endpoint=run.endpoint,
        is_seen=subject.seen is not None,
        hits_outstanding=subject.outstanding,
        units=dict(zip(tally._fields[:5], tally[:5], strict=True)),
        unreviewed=_unreviewed(subject),
        spent=figures.spent,
        to_spend=figures.to_spend,
        bound=subject.known.bound,
        budget=run.parameters.max_cost,
        last_submission=subject.known.last_submission,
    )
