#!/usr/bin/env python3
"""Approve or reject submitted assignments: from a decisions file, by a rule, or one by one at a terminal.

--export writes the submitted assignments with empty columns decision (approve, reject or skip), feedback and
bonus; fill them in, with a spreadsheet if you like, and carry them out with --apply. A rule approves: all,
those that match gold answers, or those that agree with the majority of their unit; whatever it does not
approve is left alone. Without any of these: one by one, with keys; every key press is kept.

Rejections need feedback, and their number is asked for. Ctrl-C finishes the decisions under way; the same
command goes on from there.

Examples:
    --run last --export review.csv  write what is to be decided
    --apply review.csv              carry the decisions out
    --run last                      one by one, at the terminal
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from pathlib import Path
from typing import Any

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, combinations, output

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
    "--field",
    multiple=True,
    metavar="NAME",
    help="With --approve-agreeing: compare only this field of the answers. Repeatable.",
)
@click.option(
    "--override-rejection", is_flag=True, help="With --apply: approve also what was rejected, for 30 days."
)
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(settings: Settings, selection: Selection, guard: cli.Guard, **options: Any) -> int:
    from crowdops.context import Context
    from crowdops.results import collect
    from crowdops.review import interactive, review, view

    method = review.choose(**options)
    if method.name == "export":
        combinations.refuse("with --export", dry_run=guard.dry_run, yes=guard.yes)
    if method.name != "apply":
        cli.require(selection)
    with Context.open(settings) as context:
        context, runs = context.choose(selection)
        unread = [] if method.name == "apply" else collect.refresh(context, runs)
        for line in unread if method.name in ("export", None) and not guard.dry_run else ():
            output.say(line)
        if method.name == "export":
            count = review.export(context.registry, method.path, runs)
            view.show_exported(settings, method.path, count, unread)
            return cli.EXIT_FAILED if unread else 0
        if method.name is None and not guard.dry_run:
            interactive.review(context, runs)
        plan = review.plan(context.registry, method, runs)
        if not settings.as_json:
            view.decision_table(plan.decisions, runs)
        if not settings.quiet:
            output.say(view.plan_words(plan))
        result = plan.known
        if plan.is_due and guard.allows_typed(*view.question(plan)):
            result = review.carry_out(context, plan, runs)
        if not guard.dry_run:
            review.close_finished(context.registry, plan)
        result.failed += collect.failed(unread)
    return cli.report(settings, guard, "carried out", plan.selected, result)


if __name__ == "__main__":
    main()
