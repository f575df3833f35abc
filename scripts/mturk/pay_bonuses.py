#!/usr/bin/env python3
"""Pay the bonuses of a file, each exactly once, however often this is run or killed.

The file is CSV with the columns assignment_id, worker_id, amount and reason; the worker reads the reason. A
bonus is these four together: the same row, in the same file or in another, is never paid again. The total is
shown first. Ctrl-C finishes the payments under way; the same command goes on from there.
"""

from pathlib import Path

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.argument("file", metavar="FILE.CSV", type=click.Path(path_type=Path))
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(file: Path, settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.bulk import BulkResult, Tally
    from crowdops.context import Context
    from crowdops.payments import bonus_plans, bonuses

    rows = bonus_plans.read(file)
    with Context.open(settings) as context:
        context, chosen = context.choose(selection)
        plan = bonus_plans.plan_file(context.registry, rows, chosen)
        if not settings.as_json:
            output.table(bonus_plans.PLAN_HEADERS, bonus_plans.plan_rows(plan, chosen))
        if not settings.quiet:
            output.say(bonus_plans.describe(context.registry, plan, context.settings.environment))
        tally: Tally[bonus_plans.Due] = Tally()
        question = f"Pay {len(plan.due)} bonuses for ${plan.total(context.settings.environment)} with fees?"
        if plan.due and guard.allows(question):
            bar = context.progress(len(plan.due), "paid")
            tally = bonuses.pay(context, plan.due, progress=bar)
    before = BulkResult[bonus_plans.Due](already=len(plan.paid), failed=list(plan.failed))
    return cli.report(settings, guard, "paid", len(plan.due), before + tally)


if __name__ == "__main__":
    main()
