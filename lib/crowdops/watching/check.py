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
from crowdops.providers.mturk.client import MTurk
from crowdops.watching import known, measures, rules, seen
from crowdops.watching.findings import (
    AccountFacts,
    Finding,
    Level,
    Measure,
    Report,
    RunFacts,
)
from crowdops.watching.known import Known, KnownRun
from crowdops.watching.rules import NOT_SEEN, Servers, Subject
from crowdops.watching.seen import SeenAccount, SeenRun, SeenServers, Silent
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


class Looks(NamedTuple):
    """What was seen. `servers` are as the registry has them where nobody looked."""

    accounts: list[SeenAccount]
    silent: list[Silent]
    servers: Servers
    unseen: list[Finding]
    are_servers_known: bool
    calls: int


def check(settings: Settings, selected: Selection, terms: Terms) -> Report:
    """Return what a check of the selected runs finds; without a selection, of all that want to be watched.

    Within the limit, whoever hangs. UsageError if there is no registry, or a selector matches nothing.
    """
    started, now = time.monotonic(), rules.utc_now()
    deadline = started + terms.limit
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
        looks = Looks([], [], servers, [], are_servers_known=True, calls=0)
    else:
        looks = _look(settings, selected, knowledge, servers, deadline)
    return _report(knowledge, looks, terms, now, started)


def _read(settings: Settings, selected: Selection, now: datetime) -> tuple[Known, Servers]:
    """Return what the registry knows, and the servers that have outlived their runs by that."""
    with seen.opened(settings, {}) as context:
        knowledge = known.read(context.registry, settings, selected, now)
        conditions = knowledge.conditions
        if not selected.takes_all:
            conditions = {run.run.run_id: run.condition for run in knowledge.runs}
        orphans = status.orphan_servers(context.registry, conditions)
    return knowledge, Servers(orphans, {}, {}, frozenset())


def _look(
    settings: Settings, selected: Selection, knowledge: Known, servers: Servers, deadline: float
) -> Looks:
    """Look at every endpoint and at the servers, side by side, until the deadline."""
    clients: dict[object, MTurk] = {}
    alive = [run.run for run in knowledge.runs if run.condition != "ended" or run.tally.outstanding]
    groups = seen.group(settings, alive, knowledge.conditions, clients)
    errands = [Errand(seen.look, group) for group in groups]
    of_servers = Errand(seen.look_at_servers, settings)
    accounts: list[SeenAccount] = []
    silent: list[Silent] = []
    for errand in errands:
        outcome = errand.outcome(deadline - time.monotonic())
        if outcome is None or outcome.error:
            late = f"it did not answer within {settings.timeout:g} s."
            reason = late if outcome is None else str(outcome.error)
            place = errand.item.runs[0]
            there = settings._replace(environment=place.environment, endpoint=place.endpoint)
            silent.append(Silent(there, errand.item.runs, reason, answered=outcome is not None))
            continue
        for look in outcome.get():
            (accounts if isinstance(look, SeenAccount) else silent).append(look)  # type: ignore[arg-type]
    survey = of_servers.outcome(deadline - time.monotonic())
    calls = sum(client.calls for client in list(clients.values()))
    if survey is None or survey.error:
        reason = f"not within {settings.timeout:g} s" if survey is None else str(survey.error)
        unseen = [_unseen_servers("the task servers", reason)]
        return Looks(accounts, silent, servers, unseen, are_servers_known=False, calls=calls)
    everything = survey.get()
    unseen = [_unseen_servers(one.what, one.why) for one in everything.everywhere.unseen]
    return Looks(
        accounts,
        silent,
        _servers(everything, selected, knowledge),
        unseen,
        are_servers_known=not unseen,
        calls=calls,
    )


def _unseen_servers(what: str, why: str) -> Finding:
    return Finding(Level.UNKNOWN, NOT_SEEN, f"{what} could not be looked at: {why}", "make servers")


def _servers(everything: SeenServers, selected: Selection, knowledge: Known) -> Servers:
    statuses, unseen = everything.everywhere.statuses, everything.everywhere.unseen
    chosen = None if selected.takes_all else {run.run.run_id for run in knowledge.runs}
    looked_at = {"local"} if everything.everywhere.remarks else {"local", "heroku"}
    return Servers(
        orphans=[
            one.server
            for one in statuses
            if one.orphan and one.exists and (chosen is None or one.run_id in chosen)
        ],
        of_runs={one.run_id: one for one in statuses if one.run_id},
        silent_urls=everything.silent_urls,
        looked_at=frozenset() if unseen else frozenset(looked_at),
    )


def _report(knowledge: Known, looks: Looks, terms: Terms, now: datetime, started: float) -> Report:
    by_run = {one.status.run.run_id: one for account in looks.accounts for one in account.runs}
    silent = {run.run_id for place in looks.silent for run in place.runs}
    subjects = [
        _subject(run, by_run.get(run.run.run_id), now, is_silent=run.run.run_id in silent)
        for run in knowledge.runs
    ]
    findings = _find(knowledge, looks, subjects, terms, now)
    measured = _measure(knowledge, looks, subjects, findings, terms, now)
    graded = measures.with_levels(findings, measured)
    return Report(
        at=now,
        seconds=time.monotonic() - started,
        calls=looks.calls,
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
            for account in looks.accounts
            if account.balance
        ],
        orphaned_servers=len(looks.servers.orphans) if looks.are_servers_known else None,
    )


def _subject(run: KnownRun, seen_run: SeenRun | None, now: datetime, *, is_silent: bool) -> Subject:
    return Subject(run, seen_run, seen_run.now if seen_run else now, is_silent)


def _find(
    knowledge: Known, looks: Looks, subjects: Sequence[Subject], terms: Terms, now: datetime
) -> list[Finding]:
    runs = {run.run.run_id: run for run in knowledge.runs}
    findings = [finding for subject in subjects for finding in rules.judge_run(subject)]
    findings += [finding for one in subjects for finding in rules.judge_pages(one, looks.servers)]
    findings += rules.judge_servers(looks.servers, knowledge.conditions)
    findings += [finding for one in looks.accounts for finding in rules.judge_account(one, runs)]
    findings += [rules.judge_silence(silent, terms.timeout_state) for silent in looks.silent]
    findings += looks.unseen
    findings += rules.judge_backups(knowledge, now)
    return findings


def _measure(
    knowledge: Known,
    looks: Looks,
    subjects: Sequence[Subject],
    findings: Sequence[Finding],
    terms: Terms,
    now: datetime,
) -> list[Measure]:
    kept = knowledge.last_backup or knowledge.begun_at
    balances = [account.balance.available for account in looks.accounts if account.balance]
    values: dict[str, Decimal | int | None] = {
        "runs": sum(subject.condition != "ended" for subject in subjects),
        "hits": sum(subject.outstanding for subject in subjects),
        "unreviewed": sum(_unreviewed(subject) for subject in subjects),
        "unknown_hits": sum(account.unknown_hits for account in looks.accounts),
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
        return subject.known.figures.unreviewed
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
