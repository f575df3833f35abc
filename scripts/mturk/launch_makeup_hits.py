#!/usr/bin/env python3
"""Launch a HIT for a worker who could not be paid otherwise, which only that worker sees and can do.

For work that was lost, or that the page did not let be submitted. The HIT says the reason and asks for one
press of a button; the submission is paid at once. It is booked under the task_name it makes up for. For one
worker: --worker, --amount, --reason; for several a CSV with the columns worker_id, amount and reason.

The same worker, amount and reason get one HIT, however often this is run or killed.
"""

from pathlib import Path

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.argument("file", metavar="[FILE.CSV]", required=False, type=click.Path(path_type=Path))
@click.option("--task-name", required=True, metavar="NAME", help="The task_name that it makes up for.")
@click.option("--worker", metavar="WORKER_ID", default="", help="One worker.")
@click.option("--amount", metavar="DOLLARS", default="", help="What the worker is to get.")
@click.option("--reason", default="", help="The worker reads it.")
@cli.with_guard
@cli.with_settings
def main(
    file: Path | None,
    task_name: str,
    worker: str,
    amount: str,
    reason: str,
    settings: Settings,
    guard: cli.Guard,
) -> int:
    from crowdops.bulk import BulkResult, Tally
    from crowdops.context import Context
    from crowdops.payments import compensation

    one = (
        [compensation.check(worker, amount, reason, place="--worker, --amount, --reason")] if not file else []
    )
    with Context.open(settings) as context:
        context, chosen = context.choose(Selection(task_names=(task_name,)))
        plan = compensation.plan(context, task_name, compensation.read(file) if file else one, chosen)
        if not settings.as_json:
            output.table(compensation.PLAN_HEADERS, compensation.plan_rows(plan, context.settings))
        tally: Tally[compensation.Makeup] = Tally()
        price = compensation.total(plan.due, context.settings.environment)
        if plan.due and guard.allows(
            f"Launch {len(plan.due)} HITs for ${price} with fees at {context.settings.endpoint}?"
        ):
            bar = context.progress(len(plan.due), "made")
            tally, untold = compensation.make(context, plan, bar)
            for line in untold:
                output.say(line)
    before = BulkResult[compensation.Makeup](already=len(plan.made))
    return cli.report(settings, guard, "made", len(plan.due), before + tally)


if __name__ == "__main__":
    main()
