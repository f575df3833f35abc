"""Launching a planned run: written down, its pages up, its units out, and then attended to its end."""

from __future__ import annotations

from crowdops.context import Context
from crowdops.errors import Error, ServerFailed
from crowdops.formats import marks
from crowdops.registry import Run, locks
from crowdops.runs import entry, supervisor
from crowdops.runs.outcome import Outcome
from crowdops.runs.plan import LaunchPlan
from crowdops.servers import pages
from crowdops.workers import blocks


def launch(
    context: Context, plan: LaunchPlan, *, detach: bool, blocked: blocks.Reading | None = None
) -> Outcome:
    """Launch a planned run and see it through, or leave it once everything is launched (`detach`).

    `blocked` says who is kept out, if that was read ahead.
    The context's interrupts must be entered: from the run's first row to its last line none may be lost.
    """
    run_id = marks.new_run_id()
    with locks.hold(context.settings.home, run_id):
        context.say(f"run {run_id}")
        run = entry.enter(context, plan, run_id, detached=detach)
        context.bear_registry(away=context.settings.registry_patience)
        run_pages = _provide_pages(context, run)
        if run_pages is None:
            context.registry.set_run_state(run_id, "finished")
            return Outcome(run_id, "finished", None)
        return supervisor.attend(context, run, run_pages, blocked=blocked)


def _provide_pages(context: Context, run: Run) -> pages.Pages | None:
    """Return the run's pages, up and answering, or None after an interrupt. Their failure is the run's."""
    try:
        return pages.provide(context, run, should_stop=lambda: context.interrupts.count > 0)
    except Error as error:
        if context.interrupts.count and isinstance(error, ServerFailed):
            context.say(f"{error}")
            return None
        context.registry.set_run_state(run.run_id, "failed", str(error))
        raise
