#!/usr/bin/env python3
"""Launch a HIT for a worker who could not be paid otherwise, which only that worker sees and can do.

For work that was lost, or that the page did not let be submitted. The HIT says the reason and asks for one
press of a button; the submission is paid at once. It is booked under the task_name it makes up for. For one
worker: --worker, --amount, --reason; for several a CSV with the columns worker_id, amount and reason.

The same worker, amount and reason get one HIT, however often this is run or killed.
"""

from pathlib import Path

import click

from crowdops import cli, config, output


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
    settings: config.Settings,
    guard: cli.Guard,
) -> int:
    from crowdops import makeups, runs
    from crowdops.providers.mturk import MTurk
    from crowdops.registry import Registry
    from crowdops.tallies import Tally

    one = [makeups.check(worker, amount, reason, place="--worker, --amount, --reason")] if not file else []
    with Registry.open(settings.home) as registry:
        settings, chosen = runs.choose(registry, settings, config.Selection(task_names=(task_name,)))
        plan = makeups.plan(registry, settings, task_name, makeups.read(file) if file else one, chosen)
        if not settings.as_json:
            output.table(makeups.PLAN_HEADERS, makeups.plan_rows(plan, settings))
        tally: Tally[makeups.Makeup] = Tally()
        price = makeups.total(plan.due, settings.environment)
        if plan.due and guard.allows(
            f"Launch {len(plan.due)} HITs for ${price} with fees at {settings.endpoint}?"
        ):
            bar = output.progress(len(plan.due), "made", quiet=settings.quiet)
            tally, untold = makeups.make(registry, MTurk(settings), settings, plan, bar)
            for line in untold:
                output.say(line)
    return cli.report(
        *(settings, guard, "made"),
        selected=len(plan.due),
        done=tally.done,
        already=len(plan.made) + tally.already,
        failed=tally.failed,
        interrupted=tally.interrupted,
    )


if __name__ == "__main__":
    main()
