"""Launching a planned run: written down, its pages up, its units out, and then attended to its end."""

from __future__ import annotations

from crowdops.config.parameters import Parameters
from crowdops.console.progress import progress
from crowdops.context import Context
from crowdops.errors import Error, ServerFailed
from crowdops.formats import marks
from crowdops.registry import Run, locks
from crowdops.runs.outcome import Ending
from crowdops.runs.plan import Plan, enter, new_run
from crowdops.runs.supervisor import Attendant
from crowdops.servers import pages


def launch(context: Context, plan: Plan, *, detach: bool) -> Ending:
    """Launch a planned run and see it through, or leave it once everything is launched (`detach`).

    `presses` must have been entered: from the run's first row to its last line none may be lost.
    """
    run_id = marks.new_run_id()
    with locks.hold(context.settings.home, run_id):
        context.say(f"run {run_id}")
        run = enter(context, plan, new_run(plan, context.settings, run_id, detached=detach))
        found = _provide_pages(context, run, plan.parameters)
        if found is None:
            context.registry.set_run_state(run_id, "finished")
            return Ending(run_id, "finished", None, [])
        bar = progress(run.units, run.task_name, quiet=context.settings.quiet)
        attendant = Attendant(context, run, plan.parameters, found, bar)
        try:
            return attendant.launch_all() if detach else attendant.see_through()
        finally:
            bar.close()


def _provide_pages(context: Context, run: Run, parameters: Parameters) -> pages.Pages | None:
    """Return the run's pages, up and answering, or None after a press; if they do not come up, the run has failed."""
    try:
        return pages.provide(context, run, parameters, should_stop=lambda: context.interrupts.count > 0)
    except Error as error:
        if context.interrupts.count and isinstance(error, ServerFailed):
            context.say(f"{error}")
            return None
        context.registry.set_run_state(run.run_id, "failed", str(error))
        raise
