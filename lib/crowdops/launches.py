"""Launching a planned run: written down, its pages up, its units out, and then attended to its end."""

from __future__ import annotations

from collections.abc import Callable

from crowdops import locks, marks, pages, runs
from crowdops.attendance import Attendant
from crowdops.config import Settings
from crowdops.endings import Ending
from crowdops.errors import Error, ServerFailed
from crowdops.interrupts import Interrupts
from crowdops.output import progress
from crowdops.parameters import Parameters
from crowdops.providers.mturk import MTurk
from crowdops.registry import Registry, Run


def launch(
    registry: Registry,
    provider: MTurk,
    settings: Settings,
    plan: runs.Plan,
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
        run = runs.enter(registry, settings, plan, runs.new_run(plan, settings, run_id, detached=detach))
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
