#!/usr/bin/env python3
"""Approve or reject submitted assignments: from a decisions file, by a rule, or one by one at a terminal.

--export writes the submitted assignments with empty columns decision (approve, reject or skip), feedback and
bonus; fill them in, with a spreadsheet if you like, and carry them out with --apply. A rule approves: all,
those that match gold answers, or those that agree with the majority of their unit; whatever it does not
approve is left alone. Without any of these: one by one, with keys; every key press is kept.

Rejections need feedback, and their number is asked for. Ctrl-C finishes the decisions under way; the same
command goes on from there.
"""

from pathlib import Path
from typing import Any

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output

FILE = click.Path(path_type=Path)


@cli.command(__doc__)
@click.option("--export", type=FILE, help="Write what is submitted as CSV, to be filled in.")
@click.option("--apply", type=FILE, help="Carry out the decisions of a file that --export wrote.")
@click.option("--approve-all", is_flag=True, help="Approve whatever is submitted.")
@click.option(
    "--approve-matching", type=FILE, help="Approve what matches gold answers: input.NAME…, answer.NAME… ."
)
@click.option("--approve-agreeing", is_flag=True, help="Approve what more than half of a unit's workers say.")
@click.option(
    "--field", multiple=True, metavar="NAME", help="With --approve-agreeing: compare only these. Repeatable."
)
@click.option(
    "--override-rejection", is_flag=True, help="With --apply: approve also what was rejected, for 30 days."
)
@cli.with_selectors
@cli.with_guard_unless("export")
@cli.with_settings
def main(
    field: tuple[str, ...],
    override_rejection: bool,
    settings: Settings,
    selection: Selection,
    guard: cli.Guard,
    **given: Any,
) -> int:
    from crowdops.bulk import BulkResult
    from crowdops.context import Context
    from crowdops.results import collect
    from crowdops.review import decisions, decisions_file, interactive, review

    way = review.choose(field, override_rejection, given)
    if way.name != "apply":
        cli.require(selection)
    with Context.open(settings) as context:
        context, chosen = context.choose(selection)
        if way.name != "apply":
            for line in collect.catch_up(context, chosen):
                output.say(line)
        if way.name == "export" and way.path:
            with output.destination(way.path) as file:
                output.say(decisions_file.export(review.submitted(context.registry, chosen), file))
            return 0
        if way.name is None:
            interactive.sit(context.registry, chosen, dry_run=guard.dry_run)
        plan = review.plan(context.registry, way, chosen)
        if not settings.as_json:
            output.table(decisions.PLAN_HEADERS, decisions.plan_rows(plan.verdicts, chosen))
        if not settings.quiet:
            output.say(plan.words)
        done = review.refused(plan)
        if not guard.dry_run:
            review.close_settled(context.registry, plan)
        if review.selected(plan) and guard.allows_typed(*review.question(plan, context.settings)):
            done = review.carry_out(context, plan, chosen)
    result = BulkResult[Any](**done._asdict())
    return cli.report(settings, guard, "carried out", review.selected(plan), result)


if __name__ == "__main__":
    main()
