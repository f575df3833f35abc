"""Runs: which ones a command means, what they are doing, and how a new one is planned."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings
from crowdops.console import output
from crowdops.context import Context
from crowdops.errors import Error, UsageError
from crowdops.formats import input_rows
from crowdops.formats.page_template import Page
from crowdops.formats.question_xml import html_question
from crowdops.payments import pricing
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Registry, Run
from crowdops.servers import pages


class Plan(NamedTuple):
    """A run that could be launched: everything was read and checked, nothing was created."""

    parameters: Parameters
    data_digest: str
    estimate: pricing.Estimate
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
    for index, row in input_rows.iter_rows(parameters.data):
        if index == 0:
            page.check_columns(row)
        rendered = page.render(row, index + 1)
        if parameters.server_kind == "none":
            html_question(rendered, index + 1)
        first_page = first_page or rendered
        units += 1
    estimate = pricing.estimate(
        *(parameters.task_reward, parameters.assignments_per_unit, units),
        masters=pricing.asks_for_masters(parameters),
        environment=settings.environment,
    )
    _check_budget(parameters, settings, estimate)
    return Plan(parameters, input_rows.digest(parameters.data), estimate, first_page)


def _check_budget(parameters: Parameters, settings: Settings, estimate: pricing.Estimate) -> None:
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
    estimate: pricing.Estimate
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


def check_account(provider: MTurk, estimate: pricing.Estimate) -> Decimal:
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
        parameters=plan.parameters,
        data_digest=plan.data_digest,
        units=plan.estimate.units,
        hit_type_id=None,
        created_at=datetime.now(UTC),
        ended_at=None,
        reason=None,
    )


def enter(context: Context, plan: Plan, run: Run) -> Run:
    """Write a planned run into the registry: the run, its units, its page. Returns it in state 'launching'.

    From here on everything that is created can be found again. UsageError if the data changed meanwhile.
    """
    keep_template(context.settings, run.run_id, plan.parameters.template)
    context.registry.add_run(run)
    add_rows(context.registry, run, plan.parameters.data)
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
    registry.add_units(run.run_id, input_rows.iter_rows(path))
    if input_rows.digest(path) != run.data_digest:
        registry.set_run_state(run.run_id, "failed", "the data file changed while it was read")
        raise UsageError(f"{path} changed while it was read. No HIT was created; launch again.")


def page_of(settings: Settings, run_id: str) -> Page:
    """Return the page template as it was when the run was launched."""
    return Page(settings.home / "runs" / run_id / "template.html")


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
