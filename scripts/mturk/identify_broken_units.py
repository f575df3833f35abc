#!/usr/bin/env python3
"""Show units of which registry and provider do not say the same: why, and the command that mends each.

HITs that the registry does not know, that somebody deleted or opened again, that can still be accepted
although their unit has ended, second HITs of a unit, and answers that never came in. Without selectors: every
run at the endpoint. What an attending process is about to put right by itself is left out.

--mend mends them: it takes HITs over, expires those that should be closed, collects answers, and gives up
units whose HIT is gone. Each unit is read again first. Safe to repeat, and beside a living run.

Examples:
                       where do registry and provider differ?
    --run last --mend  put it right for one run
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, columns, combinations, output, unseen
from crowdops.formats import words


@cli.command(__doc__)
@click.option("--mend", "only_show", flag_value=False, default=True, help="Mend what is found.")
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(only_show: bool, settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.bulk import BulkResult
    from crowdops.context import Context
    from crowdops.hits import differences, reconcile
    from crowdops.hits import differences_view as view
    from crowdops.registry import locks

    if only_show:
        combinations.refuse("without --mend", dry_run=guard.dry_run, yes=guard.yes)
    with Context.open(settings) as context:
        conditions = locks.conditions(context.registry, settings.home)
        found, not_seen = context.reach(
            selection,
            lambda there, runs: (there, *differences.find_all(there, runs, conditions)),
            ambient=selection.takes_all,
        )
        unseen.say(not_seen)
        broken = [difference for _, differ, _ in found for difference in differ]
        unknown_hits = sum(count for _, _, count in found)
        where = " and ".join(there.settings.endpoint for there, _, _ in found)
        shown = {
            "broken": columns.documents(view.DIFFERENCE_COLUMNS, broken),
            "unknown_hits": unknown_hits,
            "not_looked_at": unseen.documents(not_seen),
        }
        if not settings.as_json and broken:
            columns.table(view.DIFFERENCE_COLUMNS, broken)
        if not settings.quiet:
            for line in view.difference_remarks(broken, unknown_hits):
                output.say(line)
        for line in view.mend_lines(broken) if only_show and not settings.as_json else ():
            output.say(line)
        if only_show:
            if settings.as_json:
                output.document(shown)
            return unseen.conclude(0, not_seen)
        result: BulkResult[differences.Difference] = BulkResult()
        if broken and guard.allows(f"Mend {words.count(len(broken), 'unit')} at {where}?"):
            for there, differ, _ in found:
                result += reconcile.mend(there, differ)
    return unseen.conclude(cli.report(settings, guard, "mended", len(broken), result, shown), not_seen)


if __name__ == "__main__":
    main()
