"""The registry made again from the marks alone: runs, units, HITs, answers with their bonuses, servers.

What the marks do not tell is null and stays so: the data rows, the template, and units that never had a HIT.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from crowdops.config import settings as config
from crowdops.config.parameters import Parameters
from crowdops.config.settings import Selection
from crowdops.console import unseen
from crowdops.console.unseen import Unseen
from crowdops.context import Context
from crowdops.formats import question_xml
from crowdops.hits import reconcile, scan
from crowdops.hits.scan import AccountScan
from crowdops.payments import bonuses
from crowdops.providers.mturk.client import Definition, Hit
from crowdops.registry import Run
from crowdops.registry.selection import expand
from crowdops.results import collect
from crowdops.servers.status import ServerStatus

UNKNOWN_END = "rebuilt from its marks: whether every row of its data had been launched is not known"


class MarkedRun(NamedTuple):
    """A run as its marks show it. `at_home` says that this home has a folder or a lock of it."""

    run_id: str
    task_name: str
    hits: list[Hit]
    servers: list[ServerStatus]
    at_home: bool = False
    known: bool = False


class Rebuilt(NamedTuple):
    """How much was written. `failures` has a line for each HIT whose assignments could not be read."""

    runs: int
    units: int
    assignments: int
    bonuses: int
    servers: int
    failures: list[str]


def find(context: Context, account: AccountScan, statuses: Iterable[ServerStatus]) -> list[MarkedRun]:
    """Return every run that has left a mark on a HIT or a server, the oldest first."""
    servers: dict[str, list[ServerStatus]] = {}
    for status in statuses:
        if status.run_id and status.marked and status.exists:
            servers.setdefault(status.run_id, []).append(status)
    return [
        _marked_run(context, run_id, account.hits_by_run.get(run_id, []), servers.get(run_id, []))
        for run_id in sorted(account.hits_by_run.keys() | servers.keys())
    ]


def _marked_run(context: Context, run_id: str, hits: list[Hit], servers: list[ServerStatus]) -> MarkedRun:
    task_names = [hit.mark.task_name for hit in hits if hit.mark]
    task_names += [status.task_name or "" for status in servers]
    settings = context.settings
    return MarkedRun(
        run_id=run_id,
        task_name=task_names[0],
        hits=hits,
        servers=servers,
        at_home=settings.run_folder(run_id).exists() or (settings.home / "locks" / f"{run_id}.lock").exists(),
        known=context.registry.run(run_id) is not None,
    )


def choose(
    runs: Sequence[MarkedRun], selection: Selection, not_looked_at: Sequence[Unseen] = ()
) -> list[MarkedRun]:
    """Return the runs that a command means; without a selection those of which this home has something.

    Another home's runs may be a colleague's and alive, which nothing here can tell: they have to be named.
    UsageError for a selector that matches nothing, ProviderError if not everything could be looked at.
    """
    if selection.all_runs:
        return list(runs)
    if selection.is_empty:
        return [run for run in runs if run.at_home or run.known]
    selection = expand(selection, runs)
    for run_id in selection.runs:
        if not any(run.run_id == run_id for run in runs):
            text = f"No HIT and no server carries the mark of a run {run_id!r}."
            raise unseen.no_such(text, not_looked_at)
    named: list[MarkedRun] = []
    for glob in selection.task_names:
        matching = [run for run in runs if fnmatch.fnmatchcase(run.task_name, glob)]
        if not matching:
            text = f"No HIT and no server carries the mark of a run with a task_name like {glob!r}."
            raise unseen.no_such(text, not_looked_at)
        named += matching
    return [run for run in runs if run.run_id in selection.runs or run in named]


def rebuild(context: Context, marked_runs: Sequence[MarkedRun]) -> Rebuilt:
    """Write these runs into the registry, with all that was submitted. What it knows, it knows better.

    Only reads at the provider. Safe to repeat.
    """
    runs, units, servers = 0, 0, 0
    for marked in marked_runs:
        runs += _adopt_run(context, marked)
        units += reconcile.adopt(context.registry, marked.run_id, marked.hits)
        for status in marked.servers:
            if not status.known:
                context.registry.add_server(status.server)
                servers += 1
    before = _count_assignments(context, marked_runs)
    paid, failures = _collect(context, marked_runs)
    assignments = _count_assignments(context, marked_runs) - before
    for marked in marked_runs:
        has_ended = marked.hits and not failures and not context.registry.open_units(marked.run_id)
        if has_ended and not marked.known:
            context.registry.set_run_state(marked.run_id, "stopped", UNKNOWN_END)
    return Rebuilt(runs, units, assignments, paid, servers, failures)


def _count_assignments(context: Context, marked_runs: Sequence[MarkedRun]) -> int:
    return sum(context.registry.assignment_count(marked.run_id) for marked in marked_runs)


def _collect(context: Context, marked_runs: Sequence[MarkedRun]) -> tuple[int, list[str]]:
    """Store what was submitted, and the bonuses paid for it. Returns the number of bonuses, and failures.

    The HITs are not marked as collected: whoever attends such a run would miss them.
    """
    hits = [(marked.run_id, hit) for marked in marked_runs for hit in marked.hits]
    due = [hit for _, hit in hits if hit.answers or not hit.is_outstanding]
    outcomes = context.counted(collect.collect(context, due, mark=False), "HITs read", len(due))
    failures = [collect.describe_failure(outcome) for outcome in outcomes if outcome.error]
    answered = {hit.hit_id: run_id for run_id, hit in hits if hit.answers}
    paid, unread = bonuses.recall(context, answered)
    return paid, failures + unread


def _adopt_run(context: Context, marked: MarkedRun) -> bool:
    """Write a run down as 'running': without a process that is a crashed one, to be ended or carried on."""
    if context.registry.run(marked.run_id):
        return False
    definition = scan.read_definition(context.provider, marked.hits)
    parameters, server_id = _parameters(marked, definition), context.provider.server_id
    run = Run.new(marked.run_id, context.settings, parameters, server_id)
    run = run._replace(
        state="running",
        hit_type_id=marked.hits[0].hit_type_id if marked.hits else None,
        created_at=datetime.strptime(marked.run_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC),
    )
    return context.registry.adopt_run(run)


def _parameters(marked: MarkedRun, definition: Definition | None) -> Parameters:
    """Return the run's parameters as far as its HITs tell them; the others have their defaults."""
    given = definition or Definition("", "", "", Decimal(0), 0, 0, [], 0, 0, "")
    kind, url = _pages(marked, given)
    return Parameters(
        task_name=marked.task_name,
        task_title=given.title,
        task_description=given.description,
        task_reward=given.reward,
        task_tags=given.keywords,
        data=Path(),
        template=Path(),
        assignments_per_unit=given.max_assignments,
        assignment_duration_in_seconds=given.assignment_duration,
        task_lifetime_in_seconds=max(given.lifetime, int(_default("task_lifetime_in_seconds"))),
        auto_approval_delay_in_seconds=given.auto_approval_delay,
        max_num_concurrent_units=0,
        allowed_concurrent=0,
        maximum_units_per_worker=0,
        no_submission_patience=int(_default("no_submission_patience")),
        max_cost=None,
        server_kind=kind,
        url=url,
        app_dir=None,
        dyno_size=_default("dyno_size"),
        dynos=1,
        team="",
        qualifications=given.qualifications,
    )


def _pages(marked: MarkedRun, definition: Definition) -> tuple[str, str]:
    """Return the kind of server that has the run's pages, and the address of one that is not ours."""
    if marked.servers:
        return marked.servers[0].server.kind, ""
    address = question_xml.external_url(definition.question) if definition.question else None
    return ("url", address.partition("/unit/")[0]) if address else ("none", "")


def _default(name: str) -> str:
    return config.find(name).default or ""
