"""What is left to do of a crashed or stopped run, and whether its parameters and rows allow that."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.formats import input_rows, words
from crowdops.payments import pricing
from crowdops.registry import END_STATES, Registry, Run, locks, selection
from crowdops.registry.tally import tally
from crowdops.runs.plan import LaunchPlan

# What the marks and the HITs of a run tell of its parameters; a run.toml that differs is another run's.
TOLD_BY_HITS = (
    "task_name",
    "task_title",
    "task_description",
    "task_reward",
    "task_tags",
    "assignments_per_unit",
    "assignment_duration_in_seconds",
    "auto_approval_delay_in_seconds",
)


class Resumption(NamedTuple):
    """Which run is to be carried on. `plan` comes from the run.toml of a run that was rebuilt from its marks.

    With `ignore_data_change` the run goes on with its rows as they were at launch.
    """

    run_id: str
    plan: LaunchPlan | None = None
    ignore_data_change: bool = False


class Remainder(NamedTuple):
    """What is left to do of a run. `missing` rows of the data never came into the registry.

    `counts` are units by state, `remarks` for people: what has changed since the launch, and does not matter.
    """

    run: Run
    counts: dict[str, int]
    missing: int
    estimate: pricing.Estimate
    remarks: list[str]


def find(context: Context, resumption: Resumption) -> Run:
    """Return a run that can be carried on.

    UsageError for a run that is unknown, attended (it names the process), detached, or at its end with all
    of its units launched.
    """
    run = selection.find(resumption.run_id, context.registry.runs())
    if run is None:
        raise UsageError(
            f"The registry has no run {resumption.run_id!r}. See them all: make runs. Lost registry: make"
            " rebuild"
        )
    run_id = run.run_id
    if is_over(context.registry, run, resumption.plan):
        raise UsageError(_why_over(context.registry, run))
    if holder := locks.holder_of(context.settings.home, run_id):
        raise UsageError(f"run {run_id} is attended by {locks.describe(holder)}; stop that process first")
    if locks.condition(context.settings.home, run) == "detached":
        raise UsageError(f"run {run_id} is detached: it needs no process. Look: make status RUN={run_id}")
    return run


def is_over(registry: Registry, run: Run, plan: LaunchPlan | None) -> bool:
    """Return whether nothing is left to do of a run: it is at its end, and every unit was launched.

    A run that was rebuilt has ended as far as its marks tell; the plan of its run.toml may tell more.
    """
    is_rebuilt = run.state in ("stopped", "finished") and not run.data_digest
    if run.state not in END_STATES or (is_rebuilt and plan):
        return False
    return run.state == "failed" or tally(registry, run).is_over


def _why_over(registry: Registry, run: Run) -> str:
    """Return in words why there is nothing to carry on of a run."""
    if run.state == "failed":
        return (
            f"run {run.run_id} has failed: there is nothing to carry on. Launch its run.toml anew."
            f" Why it failed: {run.reason}"
        )
    counts = tally(registry, run)
    lines = [f"run {run.run_id} is {run.state}: there is nothing to carry on. {counts.describe()}."]
    if counts.unanswered:
        lines.append(f"To ask again for what has ended without an answer: make top-up RUN={run.run_id}")
    return " ".join([*lines, f"Its results: make results RUN={run.run_id}"])


def _complete(run: Run, plan: LaunchPlan) -> Run:
    """Return a run that was rebuilt from its marks with what its run.toml adds."""
    data = plan.parameters.data
    if run.data_digest:
        if run.data_digest != plan.data_digest:
            raise UsageError(
                f"{data} is not the data of run {run.run_id}. Leave RUN.TOML out: --resume does not need it."
            )
        return run
    for name in TOLD_BY_HITS:
        known, given = getattr(run.parameters, name), getattr(plan.parameters, name)
        if known != given:
            raise UsageError(f"run {run.run_id} has {name} = {known}, and the run.toml says {given}.")
    units = plan.estimate.units
    if units < run.units:
        raise UsageError(
            f"{data} has {words.count(units, 'row')}, and run {run.run_id} has at least"
            f" {words.count(run.units, 'unit')}."
        )
    return run._replace(parameters=plan.parameters, data_digest=plan.data_digest, units=units)


def examine(registry: Registry, run: Run, resumption: Resumption) -> Remainder:
    """Return what is left to do of a run, completed with the plan of its run.toml. Nothing is written yet.

    UsageError if the plan is another run's, if the run's data has changed, or if rows are missing for good.
    """
    run = _complete(run, resumption.plan) if resumption.plan else run
    counts = registry.unit_counts(run.run_id)
    missing = run.units - sum(counts.values())
    remarks = [_check_data(run, missing, ignore_data_change=resumption.ignore_data_change)]
    if unanswered := tally(registry, run).unanswered:
        are = words.choose(unanswered, "it is", "they are")
        units = words.count(unanswered, "unit")
        remarks.append(f"{units} ended without an answer; {are} not launched again.")
    to_launch = counts["planned"] + missing
    estimate = pricing.estimate(run.parameters, to_launch, run.environment)
    return Remainder(run, counts, missing, estimate, [remark for remark in remarks if remark])


def _digest(path: Path) -> str | None:
    """Return the digest of a data file; None if it is gone, or cannot be read."""
    try:
        return input_rows.digest(path) if path.is_file() else None
    except OSError:
        return None


def _check_data(run: Run, missing: int, *, ignore_data_change: bool) -> str | None:
    if not run.data_digest:
        return (
            f"Run {run.run_id} was rebuilt from its marks: units that had no HIT are not known."
            " To launch them as well, give its run.toml:"
            f" make launch FILE=RUN.TOML ARGS='--resume {run.run_id}'"
        )
    path = run.parameters.data
    digest = _digest(path)
    if digest == run.data_digest:
        return None
    if missing:
        what = "has changed" if digest else "is gone"
        then = "Launch anew." if run.state in END_STATES else "End it (make recover), and launch anew."
        raise UsageError(
            f"run {run.run_id} was cut off before its data was read: {missing} of {run.units} rows are"
            f" missing, and {path} {what}. No HIT was created. {then}"
        )
    if digest is None:
        return f"{path} is gone. That does not matter: the registry has its {words.count(run.units, 'row')}."
    if not ignore_data_change:
        raise UsageError(
            f"{path} has changed since run {run.run_id} was launched. The registry has the rows as they were:"
            " carry on with those with --ignore-data-change, or launch the new ones as a run of their own."
        )
    return f"{path} has changed. The run carries on with the rows as they were."
