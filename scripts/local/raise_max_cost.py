#!/usr/bin/env python3
"""Raise the max_cost of a run that exists, so that it can launch or pay what was refused for its cost.

AMOUNT is the new max_cost in dollars and cents, fees included: all that the run may cost, not what is added.
It is never lowered: to spend no more on a run, end it. "bound" is what the run has to pay if all that is out
and not reviewed is approved. The journal keeps who raised it, and from what.

An attended run heeds it from its next look on. Bonuses that were refused: pay their file again. A run that
ended because its max_cost was reached: launch_run.py --resume RUN_ID.

Examples:
    last 12.50 --dry-run  what that would change
    pilot-1 12.50         let the only run of pilot-1 cost so much
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, columns, output


@cli.command(__doc__)
@click.argument("run_id", metavar="RUN_ID")
@click.argument("amount", metavar="AMOUNT")
@cli.with_guard
@cli.with_settings
def main(run_id: str, amount: str, settings: Settings, guard: cli.Guard) -> None:
    from crowdops.context import run_logs
    from crowdops.payments import budgets, view
    from crowdops.registry import Registry
    from crowdops.registry.selection import select

    with Registry.open(settings.home) as registry, run_logs(settings):
        [run] = select(registry, Selection((run_id,)))
        planned = budgets.plan_raise(registry, run, amount)
        if not settings.as_json:
            columns.table(view.RAISE, [planned])
        question = f"Raise max_cost of {run.run_id} to ${planned.after}?"
        is_raised = not planned.is_done and guard.allows(question)
        if is_raised:
            budgets.carry_out_raise(registry, planned)
    if settings.as_json:
        outcome = {"already": planned.is_done, "raised": is_raised, "dry_run": guard.dry_run}
        output.document({**columns.document(view.RAISE, planned), **outcome})
    elif not settings.quiet:
        output.say(view.raise_words(planned, is_raised=is_raised))


if __name__ == "__main__":
    main()
