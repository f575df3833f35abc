"""The registry made again from the marks alone: runs, units, HITs, assignments with answers and bonuses, servers.

What the marks do not tell is null and stays so: the data rows, the template, and units that never had a HIT.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from crowdops.config import settings as config
from crowdops.config.parameters import Parameters
from crowdops.config.settings import Selection
from crowdops.context import Context
from crowdops.errors import NotFound, UsageError
from crowdops.formats import question_xml
from crowdops.hits.scan import Sightings
from crowdops.payments import bonuses
from crowdops.providers.mturk.client import Definition, Hit, MTurk
from crowdops.registry import Run
from crowdops.results import collect
from crowdops.servers.status import ServerStatus, as_server

HEADERS = ("run", "task_name", "of this home", "known", "HITs", "open", "submitted", "servers")
UNKNOWN_END = "rebuilt from its marks: whether every row of its data had been launched is not known"


class Find(NamedTuple):
    """A run as its marks show it. `at_home` says that this home has a folder or a lock of it."""

    run_id: str
    task_name: str
    hits: list[Hit]
    servers: list[ServerStatus]
    at_home: bool
    known: bool


class Rebuilt(NamedTuple):
    """What was written. `failures` has a line for each HIT whose assignments could not be read."""

    runs: int
    units: int
    assignments: int
    bonuses: int
    servers: int
    failures: list[str]


def find(context: Context, sightings: Sightings, servers: Iterable[ServerStatus]) -> list[Find]:
    """Return every run that has left a mark, the oldest first."""
    serving: dict[str, list[ServerStatus]] = {}
    for status in servers:
        if status.run_id and status.marked and status.exists:
            serving.setdefault(status.run_id, []).append(status)
    return [
        _find(context, run_id, sightings.ours.get(run_id, []), serving.get(run_id, []))
        for run_id in sorted(sightings.ours.keys() | serving.keys())
    ]


def _find(context: Context, run_id: str, seen: list[Hit], servers: list[ServerStatus]) -> Find:
    names = [hit.mark.task_name for hit in seen if hit.mark] + [status.task_name or "" for status in servers]
    places = (context.settings.home / "runs" / run_id, context.settings.home / "locks" / f"{run_id}.lock")
    at_home = any(place.exists() for place in places)
    return Find(run_id, names[0], seen, servers, at_home, context.registry.run(run_id) is not None)


def choose(found: Sequence[Find], selection: Selection) -> list[Find]:
    """Return the runs that a command means; without a selection those that this home has a folder of, or knows.

    Another home's runs may be a colleague's and alive, which nothing here can tell: they have to be named. UsageError
    for a selector that matches nothing.
    """
    if selection.all_runs:
        return list(found)
    if selection.is_empty:
        return [each for each in found if each.at_home or each.known]
    for run_id in selection.runs:
        if not any(each.run_id == run_id for each in found):
            raise UsageError(f"No HIT and no server carries the mark of a run {run_id!r}.")
    for glob in selection.task_names:
        if not any(fnmatch.fnmatchcase(each.task_name, glob) for each in found):
            raise UsageError(
                f"No HIT and no server carries the mark of a run with a task_name like {glob!r}."
            )
    return [
        each
        for each in found
        if each.run_id in selection.runs
        or any(fnmatch.fnmatchcase(each.task_name, glob) for glob in selection.task_names)
    ]


def rows(found: Sequence[Find]) -> list[tuple[object, ...]]:
    """Return the rows of the table under HEADERS."""
    return [
        (
            *(each.run_id, each.task_name, "yes" if each.at_home else "no", "yes" if each.known else "no"),
            *(len(each.hits), sum(hit.is_outstanding for hit in each.hits)),
            *(sum(hit.submitted + hit.completed for hit in each.hits), len(each.servers)),
        )
        for each in found
    ]


def rebuild(context: Context, found: Sequence[Find]) -> Rebuilt:
    """Write these runs into the registry, with all that was submitted. What it knows already, it knows better.

    Only reads at the provider. Safe to repeat.
    """
    runs, units, servers = 0, 0, 0
    for each in found:
        runs += _adopt_run(context, each)
        for hit in each.hits:
            assert hit.mark is not None
            units += context.registry.adopt_hit(each.run_id, hit.mark.unit_index, hit.hit_id, hit.created_at)
        for status in each.servers:
            if status.server_id is None:
                context.registry.add_server(as_server(status))
                servers += 1
    before = sum(context.registry.assignment_count(each.run_id) for each in found)
    paid, failures = _collect(context, found)
    assignments = sum(context.registry.assignment_count(each.run_id) for each in found) - before
    for each in found:
        if not each.known and each.hits and not failures and not context.registry.open_units(each.run_id):
            context.registry.set_run_state(each.run_id, "stopped", UNKNOWN_END)
    return Rebuilt(runs, units, assignments, paid, servers, failures)


def _collect(context: Context, found: Sequence[Find]) -> tuple[int, list[str]]:
    """Store what was submitted, and the bonuses that were paid for it. Returns the number of bonuses, and failures.

    The HITs are not marked as collected: whoever attends such a run would miss them.
    """
    findings = [
        finding
        for each in found
        for hit in each.hits
        if hit.mark and ((finding := collect.finding(hit, hit.mark)).ended or finding.expected)
    ]
    outcomes = collect.collect(context, findings, mark=False)
    failures = [collect.describe_failure(outcome) for outcome in outcomes if outcome.error]
    worked_on = {finding.hit_id: finding.run_id for finding in findings if finding.expected}
    paid, unread = bonuses.recall(context, worked_on)
    return paid, failures + unread


def _adopt_run(context: Context, found: Find) -> bool:
    """Write a run down as 'running': if it has no process, that is a crashed one, to be ended or carried on."""
    if context.registry.run(found.run_id):
        return False
    definition = _definition(context.provider, found.hits)
    run = Run(
        run_id=found.run_id,
        task_name=found.task_name,
        environment=context.settings.environment,
        endpoint=context.settings.endpoint,
        state="running",
        detached=False,
        parameters=_parameters(found, definition),
        data_digest="",
        units=0,
        hit_type_id=found.hits[0].hit_type_id if found.hits else None,
        created_at=datetime.strptime(found.run_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC),
        ended_at=None,
        reason=None,
    )
    return context.registry.adopt_run(run)


def _definition(provider: MTurk, seen: Iterable[Hit]) -> Definition | None:
    for hit in seen:
        try:
            return provider.definition(hit.hit_id)
        except NotFound:  # deleted since it was listed; the run's others are made from the same
            continue
    return None


def _parameters(found: Find, definition: Definition | None) -> Parameters:
    """Return the run's parameters as far as its HITs tell them; the others have their defaults, and no data."""
    given = definition or Definition("", "", "", Decimal(0), 0, 0, [], 0, 0, "")
    kind, url = _pages(found, given)
    return Parameters(
        task_name=found.task_name,
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


def _pages(found: Find, definition: Definition) -> tuple[str, str]:
    """Return the kind of server that has the run's pages, and the address of one that is not ours."""
    if found.servers:
        return found.servers[0].kind, ""
    address = question_xml.external_url(definition.question) if definition.question else None
    return ("url", address.partition("/unit/")[0]) if address else ("none", "")


def _default(name: str) -> str:
    return config.find(name).default or ""


def remarks(found: Sequence[Find], chosen: Sequence[Find], rebuilt: Rebuilt | None) -> list[str]:
    """Return in words what was written, what was left out and what is to be typed next."""
    lines = []
    if rebuilt:
        lines.append(
            f"{rebuilt.runs} runs, {rebuilt.units} units, {rebuilt.assignments} assignments, {rebuilt.bonuses} bonuses"
            f" and {rebuilt.servers} servers are new in the registry."
        )
        lines += rebuilt.failures
        if any(not each.known for each in chosen):
            lines.append(
                "Their data rows are not known. A run.toml brings them back: launch_run.py RUN.TOML --resume RUN_ID."
                " To end what is open instead: make recover"
            )
    if left_out := [each for each in found if each not in chosen]:
        names = ", ".join(each.run_id for each in left_out)
        lines.append(
            f"Left out: {names}. This home has no folder of them. If they are yours: --run RUN_ID, or --all-runs."
        )
    return lines


def document(found: Sequence[Find], rebuilt: Rebuilt | None) -> dict[str, object]:
    """Return what was found, and written unless it was a dry run, as a JSON document."""
    runs: list[Mapping[str, object]] = [
        {
            "run_id": each.run_id,
            "task_name": each.task_name,
            "at_home": each.at_home,
            "known": each.known,
            "hits": len(each.hits),
            "outstanding": sum(hit.is_outstanding for hit in each.hits),
            "servers": [status.name for status in each.servers],
        }
        for each in found
    ]
    written = rebuilt._asdict() if rebuilt else None
    return {"runs": runs, "written": written, "dry_run": rebuilt is None}
