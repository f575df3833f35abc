#!/usr/bin/env python3
"""Launch a HIT for a worker who could not be paid otherwise, which only that worker sees and can do.

For work that was lost, or that the page did not let be submitted. The HIT says the reason and asks for one
press of a button; the submission is paid at once. It is booked under the task_name it makes up for. Workers
who get the same: --worker, --amount, --reason; else a CSV with the columns worker_id, amount and reason.

The same worker, amount and reason get one HIT, however often this is run or killed.

Examples:
    --task-name pilot-1 --worker A1B2C3 --amount 0.50 --reason 'Your HIT was deleted'  one worker
    --task-name pilot-1 workers.csv --dry-run                     those of a file: look first
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from pathlib import Path

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, combinations
from crowdops.formats import words


@cli.command(__doc__)
@click.argument("file", metavar="[FILE.CSV]", required=False, type=click.Path(path_type=Path))
@click.option("--task-name", required=True, metavar="NAME", help="The task_name that it makes up for.")
@click.option("--worker", "workers", multiple=True, metavar="WORKER_ID", help="A worker. Repeatable.")
@click.option("--amount", metavar="DOLLARS", default="", help="What each of them is to get.")
@click.option("--reason", default="", help="The worker reads it.")
@cli.with_guard
@cli.with_settings
def main(
    file: Path | None,
    workers: tuple[str, ...],
    task_name: str,
    settings: Settings,
    guard: cli.Guard,
    **makeup: str,
) -> int:
    from crowdops.context import Context
    from crowdops.payments import compensation, compensation_plans, view

    if file:
        combinations.refuse("with FILE.CSV, which holds it", worker=workers, **makeup)
        makeups = compensation_plans.read(file)
    else:
        makeups = compensation_plans.requested(workers, **makeup)
    with Context.open(settings) as context:
        context, runs = context.choose(Selection(task_names=(task_name,)))
        plan = compensation_plans.plan(context, task_name, makeups, runs)
        if not settings.as_json:
            view.makeup_table(plan)
        endpoint, result = context.settings.endpoint, plan.known
        hits = words.count(len(plan.due), "HIT")
        question = f"Launch {hits} for ${plan.total} with fees at {endpoint}?"
        if plan.due and guard.allows(question):
            result += compensation.make(context, plan)
    return cli.report(settings, guard, "made", len(plan.due), result)


if __name__ == "__main__":
    main()
