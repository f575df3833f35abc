"""Launching a planned run: written down, its pages up, its units out, and then attended to its end."""

from __future__ import annotations

from collections.abc import Callable

from crowdops.config.parameters import Parameters
from crowdops.config.settings import Settings
from crowdops.console.interrupts import Interrupts
from crowdops.console.progress import progress
from crowdops.errors import Error, ServerFailed
from crowdops.formats import marks
from crowdops.providers.mturk.client import MTurk
from crowdops.registry import Registry, Run, locks
from crowdops.runs.outcome import Ending
from crowdops.runs.plan import Plan, enter, new_run
from crowdops.runs.supervisor import Attendant
from crowdops.servers import pages


def launch(
    registry: Registry,
    provider: MTurk,
    settings: Settings,
    plan: Plan,
    presses: Interrupts,
    *,
    detach: bool,
    say: Callable[[str], None],
) -> Ending:
    """Launch a planned run and see it through, or leave it once everything is launched (`detach`).

    `presses` must have been entered: from the run's first row to its last line none may be lost.
    """
    run_id = marks.new_run_id()
    with locks.hold(settings.home, run_id):
        say(f"run {run_id}")
        run = enter(registry, settings, plan, new_run(plan, settings, run_id, detached=detach))
        found = _provide_pages(registry, settings, run, plan.parameters, presses, say)
        if found is None:
            registry.set_run_state(run_id, "finished")
            return Ending(run_id, "finished", None, [])
        bar = progress(run.units, run.task_name, quiet=settings.quiet)
        attendant = Attendant(
            *(registry, provider, run, plan.parameters, found, settings),
            *(bar, say, presses),
        )
        try:
            return attendant.launch_all() if detach else attendant.see_through()
        finally:
            bar.close()


def _provide_pages(
    registry: Registry,
    settings: Settings,
    run: Run,
    parameters: Parameters,
    presses: Interrupts,
    say: Callable[[str], None],
) -> pages.Pages | None:
    """Return the run's pages, up and answering, or None after a press; if they do not come up, the run has failed."""
    try:
        return pages.provide(registry, settings, run, parameters, say, should_stop=lambda: presses.count > 0)
    except Error as error:
        if presses.count and isinstance(error, ServerFailed):
            say(f"{error}")
            return None
        registry.set_run_state(run.run_id, "failed", str(error))
        raise
