#!/usr/bin/env python3
"""Give the HITs of the selected runs more time, more assignments, or both; each exactly once.

For runs that go on: attended, detached or crashed. A HIT that is done or has expired meanwhile is open again.
What was asked for is written down first: killed or interrupted, the same command goes on, and no HIT gets it
twice. Only after all of them have it, or certainly cannot, does the same command mean more. The cost is shown
first, and max_cost is the wall. HITs made with fewer than 10 assignments can never have 10.

Examples:
    --run last --hours 24 --dry-run            which HITs would be open for another day
    --run last --assignments 2                 two more answers for each unit, after asking
    --task-name 'pilot-*' --until 2026-12-24 --yes  until Christmas Eve (UTC), without asking
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, columns, output, unseen
from crowdops.formats import words


@cli.command(__doc__)
@click.option("--assignments", type=click.IntRange(1), metavar="N", help="More assignments, for each HIT.")
@click.option(
    "--hours", type=float, metavar="H", help="More hours, from a HIT's end on, or from now if later."
)
@click.option("--until", metavar="MOMENT", help="Time until then: 2026-12-24 or 2026-12-24T18:00 (UTC).")
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(
    assignments: int | None,
    hours: float | None,
    until: str | None,
    settings: Settings,
    selection: Selection,
    guard: cli.Guard,
) -> int:
    from crowdops.bulk import BulkResult
    from crowdops.context import Context
    from crowdops.registry import locks
    from crowdops.runs import extension, extension_terms, extension_view

    cli.require(selection)
    terms = extension_terms.read_terms(assignments, hours, until)
    with Context.open(settings) as context:
        plans, not_seen = context.reach(selection, lambda there, runs: extension.look(there, runs, terms))
        targets = [target for plan in plans for target in plan.found]
        chosen = [run for plan in plans for run in plan.runs]
        conditions = locks.conditions(context.registry, settings.home)
        if not settings.as_json:
            columns.table(extension_view.columns(conditions, targets), chosen)
        if not settings.quiet:
            for line in extension_view.lines(plans, terms, selection):
                output.say(line)
        refused = extension_view.over(plans, selection) + [no for plan in plans for no in plan.refused]
        result: BulkResult[extension.Target] = BulkResult(
            already=sum(plan.already for plan in plans), failed=unseen.failures(not_seen) + refused
        )
        may_extend = bool(targets) and guard.allows(
            f"Extend {words.count(len(targets), 'HIT')} for at most ${extension.cost(targets)}?"
        )
        for plan in plans if may_extend else ():
            result += plan.carry_out()
        more = extension_view.document(targets)
        code = unseen.conclude(cli.report(settings, guard, "extended", len(targets), result, more), not_seen)
        for plan in plans if may_extend or not (targets or guard.dry_run) else ():
            plan.end()
    return code


if __name__ == "__main__":
    main()
