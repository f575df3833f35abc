"""Carrying a crashed or stopped run on: with the same parameters, the same rows and the HITs that are out."""

from __future__ import annotations

from collections.abc import Sequence

from crowdops.config.settings import Settings
from crowdops.console import combinations
from crowdops.context import Context
from crowdops.errors import UsageError
from crowdops.formats import words
from crowdops.hits import reconcile, replace, scan
from crowdops.providers.mturk.client import Hit
from crowdops.registry import END_STATES, Run, locks
from crowdops.runs import entry, supervisor, without_registry
from crowdops.runs.attended import AttendedRun
from crowdops.runs.drain import Drain
from crowdops.runs.lifecycle import Lifecycle
from crowdops.runs.outcome import Outcome
from crowdops.runs.remainder import Remainder, Resumption, examine, find, is_over
from crowdops.servers import pages


def check_command(
    run_toml: object, run_id: str | None, *, ignore_data_change: bool, **changes: object
) -> None:
    """UsageError if a command says neither what to launch nor what to resume, or changes what it resumes."""
    if run_id is None:
        combinations.refuse("without --resume", ignore_data_change=ignore_data_change)
    if run_id == "":
        raise UsageError("--resume needs the id of a run: make resume RUN=RUN_ID. See them: make runs")
    if run_id is None and run_toml is None:
        raise UsageError("Say what to launch: RUN.TOML, or --resume RUN_ID. Start from examples/run.toml.")
    if run_id and any(changes.values()):
        raise UsageError("--resume carries a run on as it was launched: without --detach, --set and --again.")


def prepare(settings: Settings, resumption: Resumption) -> Remainder:
    """Return what carrying a run on would do. Only reads, and calls nobody.

    UsageError for a run that cannot be carried on.
    """
    with Context.open(settings) as context:
        run = find(context, resumption)
        return examine(context.registry, run, resumption)


def resume(context: Context, resumption: Resumption, hits: Sequence[Hit] | None = None) -> Outcome:
    """Carry a run on and see it through; a detached one gets the units that it lacks.

    A run at its end gets those that were never launched: from then on, it is as if it had crashed. `hits` are
    the run's HITs on the account's list, if that was read just now. Raises UsageError as prepare() does. One
    that was being stopped when it crashed is seen to its end, and launches nothing.
    """
    run_id, plan = resumption.run_id, resumption.plan
    with locks.hold(context.settings.home, run_id):
        run = context.registry.run(run_id)
        if run is None or is_over(context.registry, run, plan):
            raise UsageError(f"run {run_id} was brought to its end meanwhile.")
        context.bear_registry(away=context.settings.registry_patience)
        is_rebuilt = not run.data_digest
        remainder = examine(context.registry, run, resumption)
        run = remainder.run
        context.say(f"run {run_id}")
        if remainder.missing or (is_rebuilt and plan):
            entry.keep_template(context.settings, run_id, run.parameters.template)
            entry.add_rows(context.registry, run)
        if is_rebuilt and plan:  # last: until here, all of this would be done again
            context.registry.set_plan(run_id, run.parameters, run.data_digest, run.units)
        if run.state in END_STATES:
            # Without a process, a detached run that is 'running' is taken for launched.
            run = run._replace(state="launching" if run.detached else "running", reason=None)
            context.registry.reopen_run(run_id, run.state)
        _reconcile(context, run, hits)
        return _attend(context, run)


def _reconcile(context: Context, run: Run, hits: Sequence[Hit] | None) -> None:
    if hits is None:
        hits = scan.scan(context).hits_by_run.get(run.run_id, [])
    result = reconcile.reconcile(context, run, hits)
    if result.adopted:
        adopted, was = words.count(result.adopted, "HIT"), words.choose(result.adopted, "was", "were")
        are = words.choose(result.adopted, "it is", "they are")
        context.say(f"{adopted} of the run {was} out without the registry's knowledge; {are} taken over.")
    if result.deleted:
        was = words.choose(result.deleted, "was", "were")
        failed = words.choose(result.deleted, "its unit has", "their units have")
        context.say(
            f"{words.count(result.deleted, 'HIT')} of the run {was} deleted by somebody; {failed} failed."
        )
    for line in result.failures:
        context.say(line)


def _attend(context: Context, run: Run) -> Outcome:
    if run.state != "draining":
        return supervisor.attend(context, run, _reopen_pages(context, run))
    context.say(
        "It was being stopped when it crashed: its end is seen through, and nothing more is launched."
    )
    lifecycle = Lifecycle(context.interrupts, was_stopping=True, stop_reason=run.reason)
    run_pages = pages.UnattendedPages(context, run)
    with (
        AttendedRun(context, run, run_pages, lifecycle) as attended,
        without_registry.ending(attended),
    ):
        return Drain(attended).end()


def _reopen_pages(context: Context, run: Run) -> pages.Pages:
    """Return the run's pages, up and answering; HITs that lead to an address they had before are replaced."""
    servers = context.registry.servers("creating", "up", "gone", run_id=run.run_id)
    urls = {server.url for server in servers if server.url}
    run_pages = pages.reopen(context, run)
    if isinstance(run_pages, pages.ServedPages) and urls != {run_pages.url}:
        moved = replace.move(context, run, run_pages.url)
        if any(moved):
            context.say(replace.describe(moved))
    return run_pages
