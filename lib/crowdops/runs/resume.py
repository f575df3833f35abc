"""Carrying a crashed run on: with the same parameters, the same rows and the HITs that are out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings
from crowdops.console.progress import progress
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.formats import input_rows
from crowdops.hits import repair, replace, scan
from crowdops.payments import pricing
from crowdops.providers.mturk.client import Hit
from crowdops.registry import END_STATES, Registry, Run, locks
from crowdops.registry import locks as runs_locks
from crowdops.runs import plan as runs_plan
from crowdops.runs.outcome import Ending
from crowdops.runs.supervisor import Attendant
from crowdops.servers import pages

Say = Callable[[str], None]
# What the marks and the HITs of a run tell of its parameters; a run.toml that differs is another run's.
TOLD_BY_HITS = (
    *("task_name", "task_title", "task_description", "task_reward", "task_tags", "assignments_per_unit"),
    *("assignment_duration_in_seconds", "auto_approval_delay_in_seconds"),
)


class Remainder(NamedTuple):
    """What is left to do of a run. `missing` rows of the data never came into the registry.

    `remarks` are for people: what is not as it was when the run was launched, and does not matter.
    """

    run: Run
    parameters: Parameters
    counts: dict[str, int]
    missing: int
    estimate: pricing.Estimate
    remarks: list[str]


def check_command(run_toml: object, run_id: str | None, *, changes: bool) -> None:
    """UsageError if a command says neither what to launch nor what to resume, or wants to change what it resumes."""
    if run_id == "":
        raise UsageError("--resume needs the id of a run: make resume RUN=RUN_ID. See them: make runs")
    if run_id is None and run_toml is None:
        raise UsageError("Say what to launch: RUN.TOML, or --resume RUN_ID. Start from examples/run.toml.")
    if run_id and changes:
        raise UsageError("--resume carries a run on as it was launched: without --detach and --set.")


def find(context: Context, run_id: str, plan: runs_plan.Plan | None) -> tuple[Settings, Run]:
    """Return a run that can be carried on, and the settings with its own environment and endpoint.

    UsageError for a run that is unknown, attended (it names the process), detached or at its end.
    """
    run = context.registry.run(run_id)
    if run is None:
        raise UsageError(
            f"The registry has no run {run_id!r}. See them all: make runs. Lost registry: make rebuild"
        )
    if _is_over(run, plan):
        raise UsageError(
            f"run {run_id} is {run.state}: there is nothing to carry on. Its results: make results RUN={run_id}"
        )
    condition = runs_locks.condition(context.settings.home, run)
    holder = locks.holder_of(context.settings.home, run_id)
    if condition == "attended" and holder:
        raise UsageError(f"run {run_id} is attended by {locks.describe(holder)}; stop that process first")
    if condition == "detached":
        raise UsageError(f"run {run_id} is detached: it needs no process. Look: make status RUN={run_id}")
    return context.settings._replace(environment=run.environment, endpoint=run.endpoint), run


def _is_over(run: Run, plan: runs_plan.Plan | None) -> bool:
    """A run that was rebuilt from its marks has only ended as far as these tell; its run.toml may tell more."""
    return run.state in END_STATES and not (run.state == "stopped" and not run.data_digest and plan)


def examine(registry: Registry, run: Run, *, ignore_data_change: bool) -> Remainder:
    """Return what is left to do of a run. UsageError if its data changed, or if rows are missing and cannot be had."""
    parameters = run.parameters
    counts = registry.unit_counts(run.run_id)
    missing = run.units - sum(counts.values())
    remark = _check_data(run, parameters, missing, ignore_data_change=ignore_data_change)
    to_launch = counts.get("planned", 0) + missing
    estimate = pricing.estimate(
        *(parameters.task_reward, parameters.assignments_per_unit, to_launch),
        masters=pricing.asks_for_masters(parameters),
        environment=run.environment,
    )
    return Remainder(run, parameters, counts, missing, estimate, [remark] if remark else [])


def _check_data(run: Run, parameters: Parameters, missing: int, *, ignore_data_change: bool) -> str | None:
    if not run.data_digest:
        return (
            f"Run {run.run_id} was rebuilt from its marks: units that had no HIT are not known."
            f" To launch them as well, give its run.toml: launch_run.py RUN.TOML --resume {run.run_id}"
        )
    path = parameters.data
    is_there = path.is_file()
    if missing and (not is_there or input_rows.digest(path) != run.data_digest):
        what = "has changed" if is_there else "is gone"
        raise UsageError(
            f"run {run.run_id} was cut off before its data was read: {missing} of {run.units} rows are missing, and"
            f" {path} {what}. No HIT was created. End it (make recover), and launch anew."
        )
    if not is_there:
        return f"{path} is gone. That does not matter: the registry has its {run.units} rows."
    if input_rows.digest(path) != run.data_digest:
        if not ignore_data_change:
            raise UsageError(
                f"{path} has changed since run {run.run_id} was launched. The registry has the rows as they were:"
                " carry on with those with --ignore-data-change, or launch the new ones as a run of their own."
            )
        return f"{path} has changed. The run carries on with the rows as they were."
    return None


def offer(
    settings: Settings, run_id: str, plan: runs_plan.Plan | None, *, ignore_data_change: bool
) -> tuple[Settings, runs_plan.Offer]:
    """Return what is to be decided about carrying a run on, and the settings with the run's own endpoint. Only reads."""
    with Context.open(settings) as context:
        settings, run = find(context, run_id, plan)
        run = completed(run, plan) if plan else run
        left = examine(context.registry, run, ignore_data_change=ignore_data_change)
    words = (
        f"{run.task_name} ({run_id}) at {run.endpoint} is {run.state}: of {run.units} units"
        f" {left.counts.get('outstanding', 0)} are out, {left.counts.get('creating', 0)} have to be settled,"
        f" {left.estimate.units} are still to be launched.\n{left.estimate.describe()}"
    )
    words = "\n".join([words, *left.remarks])
    return settings, runs_plan.Offer(words, words, _document(left), left.estimate, "Carry it on?")


def _document(left: Remainder) -> dict[str, Any]:
    run = left.run
    return {
        "run_id": run.run_id,
        "task_name": run.task_name,
        "environment": run.environment,
        "endpoint": run.endpoint,
        "state": run.state,
        "units": run.units,
        "outstanding": left.counts.get("outstanding", 0),
        "to_settle": left.counts.get("creating", 0),
        "to_launch": left.estimate.units,
        "cost": left.estimate.total,
        "dry_run": True,
    }


def completed(run: Run, plan: runs_plan.Plan) -> Run:
    """Return a run that was rebuilt from its marks with what its run.toml adds. Nothing is written yet.

    UsageError if the run.toml says something else than the run's HITs.
    """
    if run.data_digest:
        if run.data_digest != plan.data_digest:
            raise UsageError(
                f"{plan.parameters.data} is not the data of run {run.run_id}. Leave RUN.TOML out: --resume does not need it."
            )
        return run
    known, given = run.parameters._asdict(), plan.parameters._asdict()
    for name in TOLD_BY_HITS:
        if known[name] != given[name]:
            raise UsageError(
                f"run {run.run_id} has {name} = {known[name]}, and the run.toml says {given[name]}."
            )
    if plan.estimate.units < run.units:
        raise UsageError(
            f"{plan.parameters.data} has {plan.estimate.units} rows, and run {run.run_id} has at least {run.units} units."
        )
    return run._replace(parameters=plan.parameters, data_digest=plan.data_digest, units=plan.estimate.units)


def resume(
    context: Context,
    run_id: str,
    *,
    plan: runs_plan.Plan | None = None,
    ignore_data_change: bool = False,
    seen: Sequence[Hit] | None = None,
) -> Ending:
    """Carry a crashed run on and see it through; a detached one gets the units that it lacks.

    `plan` comes from the run.toml of a run that was rebuilt; `seen` are the run's HITs of a walk over the account, if
    there was one. Raises UsageError as completed() and examine() do. A run that was being stopped when it crashed is seen to its end, and launches nothing.
    """
    with locks.hold(context.settings.home, run_id):
        run = context.registry.run(run_id)
        if run is None or _is_over(run, plan):
            raise UsageError(f"run {run_id} was brought to its end meanwhile.")
        rebuilt, run = not run.data_digest, completed(run, plan) if plan else run
        left = examine(context.registry, run, ignore_data_change=ignore_data_change)
        context.say(f"run {run_id}")
        if left.missing or (rebuilt and plan):
            runs_plan.keep_template(context.settings, run_id, left.parameters.template)
            runs_plan.add_rows(context.registry, run, left.parameters.data)
        if rebuilt and plan:  # last: until here, all of this would be done again
            context.registry.set_plan(run_id, run.parameters, run.data_digest, run.units)
        _adopt(context, run, seen)
        return _attend(context, left)


def _adopt(context: Context, run: Run, seen: Sequence[Hit] | None) -> None:
    if seen is None:
        seen = scan.look(context.provider).ours.get(run.run_id, [])
    adopted = repair.adopt(context, run, seen)
    if adopted.hits:
        context.say(
            f"{adopted.hits} HITs of the run were out without the registry's knowledge; they are taken over."
        )
    if adopted.gone:
        context.say(f"{adopted.gone} HITs of the run were deleted by somebody; their units have failed.")
    for line in adopted.failures:
        context.say(line)


def _attend(context: Context, left: Remainder) -> Ending:
    run, parameters = left.run, left.parameters
    stopping = run.state == "draining"
    if stopping:
        context.say(
            "It was being stopped when it crashed: its end is seen through, and nothing more is launched."
        )
        found: pages.Pages = pages.Left(context, run, parameters)
    else:
        found = _reopen(context, run, parameters)
    bar = progress(run.units, run.task_name, quiet=context.settings.quiet)
    attendant = Attendant(context, run, parameters, found, bar)
    try:
        if stopping:
            return attendant.go_on_ending()
        return attendant.launch_all() if run.detached else attendant.see_through()
    finally:
        bar.close()


def _reopen(context: Context, run: Run, parameters: Parameters) -> pages.Pages:
    """Return the run's pages, up and answering; HITs that lead to an address they had before are replaced."""
    known = [
        server.url
        for server in context.registry.servers("creating", "up", "gone")
        if server.run_id == run.run_id
    ]
    found = pages.reopen(context, run, parameters)
    if isinstance(found, pages.Served) and replace.has_moved(found.url, known):
        moved = replace.move(context, run, found.url)
        if any(moved):
            context.say(replace.describe(moved))
    return found
