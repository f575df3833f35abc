"""Entering a run into the registry: from there on, everything that is created for it can be found again."""

from __future__ import annotations

from pathlib import Path

from crowdops.config.settings import Settings
from crowdops.console import output
from crowdops.context import Context
from crowdops.errors import UsageError, files_explained
from crowdops.formats.input_rows import InputRows
from crowdops.formats.page_template import read_source
from crowdops.registry import Registry, Run
from crowdops.runs.plan import LaunchPlan


def enter(context: Context, plan: LaunchPlan, run_id: str, *, detached: bool) -> Run:
    """Write a planned run down: its page, then the run, in state 'launching', then its units. Return it.

    UsageError if the data changed since it was planned.
    """
    keep_template(context.settings, run_id, plan.parameters.template)
    run = Run.new(run_id, context.settings, plan.parameters, context.provider.server_id)
    run = run._replace(detached=detached, data_digest=plan.data_digest, units=plan.estimate.units)
    context.registry.add_run(run)
    add_rows(context.registry, run)
    return run


def keep_template(settings: Settings, run_id: str, template: Path) -> None:
    """Keep a run's page as it is now: whole or not at all. Safe to repeat."""
    folder = settings.run_folder(run_id)
    with files_explained(f"{folder} cannot be written"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with output.destination(folder / "template.html") as file:
        file.write(read_source(template))


def add_rows(registry: Registry, run: Run) -> None:
    """Write down the units of a run that its data has and the registry lacks. Safe to repeat.

    UsageError, and the run has failed, if the data is not what the run was planned with.
    """
    path = run.parameters.data
    rows = InputRows(path)
    registry.add_units(run.run_id, rows)
    if rows.digest != run.data_digest:
        registry.set_run_state(run.run_id, "failed", "the data file changed while it was read")
        raise UsageError(f"{path} changed while it was read. No HIT was created; launch again.")
