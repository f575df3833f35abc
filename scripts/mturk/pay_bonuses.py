#!/usr/bin/env python3
"""Pay the bonuses of a file, each exactly once, however often this is run or killed.

The file is CSV with the columns assignment_id, worker_id, amount and reason; the worker reads the reason. An
amount is dollars and cents: 0.50, $0.50 or 0,50; what may be thousands, such as 1,250, is refused. A bonus is
these four together: the same row, in the same file or in another, is never paid again. The total is shown
first. Ctrl-C finishes the payments under way; the same command goes on from there.

Examples:
    bonuses.csv --dry-run  who would get what
    bonuses.csv            pay each once, after asking
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from pathlib import Path

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output
from crowdops.formats import words


@cli.command(__doc__)
@click.argument("file", metavar="FILE.CSV", type=click.Path(path_type=Path))
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(file: Path, settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.context import Context
    from crowdops.payments import bonus_plans, bonuses, view

    rows = bonus_plans.read(file)
    with Context.open(settings) as context:
        context, runs = context.choose(selection)
        plan = bonus_plans.plan_file(context.registry, rows, runs)
        if not settings.as_json:
            view.bonus_table(plan, runs)
        if not settings.quiet:
            output.say(view.bonus_words(plan) + view.others_words(context.registry, plan))
        result = plan.known
        if plan.due and guard.allows(
            f"Pay {words.count(len(plan.due), 'bonus')} for ${plan.total} with fees?"
        ):
            result += bonuses.pay(context, plan.due)
    return cli.report(settings, guard, "paid", len(plan.due), result)


if __name__ == "__main__":
    main()
