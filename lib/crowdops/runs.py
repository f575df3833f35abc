"""Runs: which ones a command means, what they are doing, and how a new one is planned."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from crowdops import data, locks, output, pages, payments
from crowdops.config import Selection, Settings
from crowdops.errors import Error, UsageError
from crowdops.parameters import Parameters
from crowdops.providers.mturk import MTurk
from crowdops.questions import Page, html_question
from crowdops.registry import END_STATES, Registry, Run

CONDITIONS = ("attended", "detached", "crashed", "ended")


def condition(home: Path, run: Run) -> str:
    """Return whether a run is attended (a process holds its lock), detached, crashed or ended."""
    if run.state in END_STATES:
        return "ended"
    if locks.holder_of(home, run.run_id):
        return "attended"
    return "detached" if run.detached and run.state == "running" else "crashed"


def conditions(registry: Registry, home: Path) -> dict[str, str]:
    """Return the condition of every run in the registry, by run id."""
    return {run.run_id: condition(home, run) for run in registry.runs()}


def unattended(home: Path, runs: Sequence[Run]) -> set[str]:
    """Return the ids of those of the runs that no process holds."""
    return {run.run_id for run in runs if condition(home, run) != "attended"}


def choose(registry: Registry, settings: Settings, selection: Selection) -> tuple[Settings, list[Run]]:
    """Return the selected runs and the settings with the runs' own environment and endpoint.

    An empty selection, like --all-runs, means the runs of the environment at hand. UsageError names a
    selector that matches nothing, and runs that do not share one endpoint.
    """
    chosen = select(registry, selection)
    if selection.is_empty or selection.all_runs:
        return settings, [run for run in chosen if run.endpoint == settings.endpoint]
    endpoints = {(run.environment, run.endpoint) for run in chosen}
    if len(endpoints) > 1:
        places = ", ".join(f"{run.run_id} ({run.environment}, {run.endpoint})" for run in chosen)
        raise UsageError(f"These runs are not at one endpoint: {places}. Name those of one endpoint: --run.")
    environment, endpoint = endpoints.pop()
    return settings._replace(environment=environment, endpoint=endpoint), chosen


def select(registry: Registry, selection: Selection) -> list[Run]:
    """Return the selected runs, wherever they are; all of them if the selection is empty.

    UsageError names a selector that matches nothing.
    """
    every = registry.runs()
    if selection.is_empty or selection.all_runs:
        return every
    chosen = {run.run_id: run for glob in selection.task_names for run in _named(every, glob)}
    for run_id in selection.runs:
        chosen[run_id] = _identified(every, run_id)
    return sorted(chosen.values(), key=lambda run: run.run_id)


def _named(every: Sequence[Run], glob: str) -> list[Run]:
    found = [run for run in every if fnmatch.fnmatchcase(run.task_name, glob)]
    if not found:
        raise UsageError(f"No run has a task_name like {glob!r}. See them all: make runs")
    return found


def _identified(every: Sequence[Run], run_id: str) -> Run:
    for run in every:
        if run.run_id == run_id:
            return run
    raise UsageError(f"The registry has no run {run_id!r}. See them all: make runs")


class Plan(NamedTuple):
    """A run that could be launched: everything was read and checked, nothing was created."""

    parameters: Parameters
    data_digest: str
    estimate: payments.Estimate
    first_page: str


def plan(parameters: Parameters, settings: Settings, *, detach: bool) -> Plan:
    """Read the whole input and check every page. UsageError names the first row that cannot stand."""
    if detach and parameters.max_num_concurrent_units:
        raise UsageError(
            "--detach launches everything at once, and max_num_concurrent_units forbids it: set it to 0."
        )
    pages.check(parameters, settings)
    page = Page(parameters.template)
    units, first_page = 0, ""
    for index, row in data.iter_rows(parameters.data):
        if index == 0:
            page.check_columns(row)
        rendered = page.render(row, index + 1)
        if parameters.server_kind == "none":
            html_question(rendered, index + 1)
        first_page = first_page or rendered
        units += 1
    estimate = payments.estimate(
        *(parameters.task_reward, parameters.assignments_per_unit, units),
        masters=payments.asks_for_masters(parameters),
        environment=settings.environment,
    )
    _check_budget(parameters, settings, estimate)
    return Plan(parameters, data.digest(parameters.data), estimate, first_page)


def _check_budget(parameters: Parameters, settings: Settings, estimate: payments.Estimate) -> None:
    if parameters.max_cost is None:
        if settings.environment == "production":
            raise UsageError(f"In production max_cost is required. This run would cost ${estimate.total}.")
    elif estimate.total > parameters.max_cost:
        raise UsageError(
            f"The run would cost ${estimate.total}, over its max_cost of ${parameters.max_cost}."
        )


class Offer(NamedTuple):
    """What a command is about to launch: in a line, in full, as JSON, what it costs, and what is asked."""

    summary: str
    text: str
    document: dict[str, Any]
    estimate: payments.Estimate
    question: str


def offer(plan: Plan, settings: Settings) -> Offer:
    """Return what is to be decided about a planned run."""
    name = plan.parameters.task_name
    return Offer(
        summary=f"{name} at {settings.endpoint}: {plan.estimate.describe()}",
        text=preview_text(plan, settings),
        document=preview(plan, settings),
        estimate=plan.estimate,
        question="Launch it?",
    )


def check_account(provider: MTurk, estimate: payments.Estimate) -> Decimal:
    """Return the balance. UsageError if the endpoint or the key does not work, or the money is too little."""
    try:
        balance = provider.balance()
    except Error as error:
        raise UsageError(f"{error} Nothing was created.") from error
    if balance < estimate.total:
        raise UsageError(
            f"The account has ${balance}, and the run would cost ${estimate.total}. Nothing was created."
        )
    return balance


def new_run(plan: Plan, settings: Settings, run_id: str, *, detached: bool) -> Run:
    """Return the registry row of a planned run."""
    return Run(
        run_id=run_id,
        task_name=plan.parameters.task_name,
        environment=settings.environment,
        endpoint=settings.endpoint,
        state="launching",
        detached=detached,
        parameters=plan.parameters.as_json(),
        data_digest=plan.data_digest,
        units=plan.estimate.units,
        hit_type_id=None,
        created_at=datetime.now(UTC),
        ended_at=None,
        reason=None,
    )


def enter(registry: Registry, settings: Settings, plan: Plan, run: Run) -> Run:
    """Write a planned run into the registry: the run, its units, its page. Returns it in state 'launching'.

    From here on everything that is created can be found again. UsageError if the data changed meanwhile.
    """
    keep_template(settings, run.run_id, plan.parameters.template)
    registry.add_run(run)
    add_rows(registry, run, plan.parameters.data)
    return run


def keep_template(settings: Settings, run_id: str, template: Path) -> None:
    """Keep a run's page as it is now, before the run is written down: whole or not at all. Safe to repeat."""
    folder = settings.home / "runs" / run_id
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with output.destination(folder / "template.html") as file:
            file.write(template.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}. Nothing was created.") from error


def add_rows(registry: Registry, run: Run, path: Path) -> None:
    """Write the units of a run from its data. UsageError, and the run has failed, if the data changed meanwhile."""
    registry.add_units(run.run_id, data.iter_rows(path))
    if data.digest(path) != run.data_digest:
        registry.set_run_state(run.run_id, "failed", "the data file changed while it was read")
        raise UsageError(f"{path} changed while it was read. No HIT was created; launch again.")


def page_of(settings: Settings, run_id: str) -> Page:
    """Return the page template as it was when the run was launched."""
    return Page(settings.home / "runs" / run_id / "template.html")


SUMMARY_HEADERS = (
    "run",
    "task_name",
    "state",
    "environment",
    "units",
    "done",
    "outstanding",
    "answers",
    "created",
)


def summary(registry: Registry, home: Path, run: Run) -> dict[str, Any]:
    """Return what the registry knows of a run, as a JSON object."""
    counts = registry.unit_counts(run.run_id)
    now = condition(home, run)
    return {
        "run_id": run.run_id,
        "task_name": run.task_name,
        "environment": run.environment,
        "endpoint": run.endpoint,
        "state": run.state,
        "condition": now,
        "attended": now == "attended",
        "units": run.units,
        "unit_states": counts,
        "assignments": registry.assignment_count(run.run_id),
        "created_at": run.created_at,
        "ended_at": run.ended_at,
        "reason": run.reason,
    }


def summary_row(found: dict[str, Any]) -> tuple[object, ...]:
    """Return a summary as the row of a table under SUMMARY_HEADERS."""
    counts = found["unit_states"]
    done = sum(counts.get(state, 0) for state in ("finished", "disposed", "expired", "failed"))
    state = found["state"] if found["condition"] == "ended" else f"{found['state']}, {found['condition']}"
    return (
        *(found["run_id"], found["task_name"], state, found["environment"], found["units"]),
        *(
            done,
            counts.get("creating", 0) + counts.get("outstanding", 0),
            found["assignments"],
            found["created_at"],
        ),
    )


def preview(plan: Plan, settings: Settings) -> dict[str, Any]:
    """Return what a launch would do, as a JSON object."""
    return {
        "environment": settings.environment,
        "endpoint": settings.endpoint,
        "task_name": plan.parameters.task_name,
        "units": plan.estimate.units,
        "assignments": plan.estimate.assignments,
        "reward": plan.estimate.reward,
        "fee": plan.estimate.fee,
        "cost": plan.estimate.total,
        "parameters": plan.parameters._asdict(),
        "first_page": plan.first_page,
        "dry_run": True,
    }


def preview_text(plan: Plan, settings: Settings) -> str:
    """Return what a launch would do, for people."""
    parameters = "\n".join(f"  {name} = {value}" for name, value in plan.parameters._asdict().items())
    return (
        f"{plan.parameters.task_name} at {settings.endpoint} ({settings.environment})\n{plan.estimate.describe()}\n\n"
        f"Parameters:\n{parameters}\n\nThe first page:\n{plan.first_page}"
    )
