#!/usr/bin/env python3
"""Launch what the units of runs at their end still lack, and see that through as launch_run does.

A unit lacks what it has fewer than assignments_per_unit answers that are not rejected: because it was never
launched, or its HIT ended unanswered, or answers were rejected; of a run with [quality], also because its
answers do not agree. Where its HIT can be given more time and more assignments, it is: nobody can do a HIT
twice, so that others answer. Where it cannot, because it was deleted or its pages are on a task server, a new
HIT takes its place, and whoever answered one of these units, or of those replaced before, is kept out of all
of these HITs: with few workers that can leave nobody. Not one place more is asked for than is lacking, and
max_cost is the wall over all of it.

From then on the run is like any other: Ctrl-C ends it cleanly, and after a crash launch_run --resume carries
it on, or recover ends it. Several runs are seen through one after another, each looked at again at its turn;
after Ctrl-C none is begun. With --detach none is waited for.

Examples:
    --run last --dry-run           which units lack how many answers, and what they cost
    --run last                     launch what is lacking, after asking, and wait for it
    --task-name 'pilot-*' --detach --yes  those of several runs, without a process
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, columns, output, unseen


@cli.command(__doc__)
@click.option("--detach", is_flag=True, help="Launch everything and leave. Later: download_results.")
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(detach: bool, settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.context import Context
    from crowdops.runs import top_up, top_up_view, view

    cli.require(selection)
    with Context.open(settings) as context:
        plans, not_seen = context.reach(selection, top_up.look, ended=True)
        due, refused = top_up.due(plans, detach=detach)
        failed = unseen.failures(not_seen) + top_up_view.failures(plans, selection) + refused
        if due and not settings.as_json:
            columns.table(top_up_view.COLUMNS, [one.lacks for one in due])
        for line in top_up_view.lines(plans, selection) if not settings.quiet else ():
            output.say(line)
        attempts: list[top_up.Attempt] = []
        if due and guard.allows(top_up_view.question([one.lacks for one in due])):
            for attempt in top_up.top_up_all(due, context.interrupts, detach=detach):
                attempts.append(attempt)
                if attempt.report:
                    output.say(view.report_text(attempt.report))
                elif not attempt.why_not:
                    output.say(top_up_view.lacks_nothing(attempt.run))
        failed += [(attempt.run.run_id, attempt.why_not) for attempt in attempts if attempt.why_not]
        code = max([1 if failed else 0, *(attempt.exit_code for attempt in attempts)])
        if settings.as_json:
            output.document(top_up_view.as_document(plans, attempts, failed, dry_run=guard.dry_run))
    for name, why in failed if not settings.as_json else ():
        output.say(f"{name}: {why}")
    return unseen.conclude(code, not_seen)


if __name__ == "__main__":
    main()
