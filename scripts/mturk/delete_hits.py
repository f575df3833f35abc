#!/usr/bin/env python3
"""Dispose of HITs whose assignments are all reviewed and stored; say what holds the others back.

First collects what came in and was reviewed meanwhile. Results stay in the registry; at the provider nothing
is left of a deleted HIT, and its rejections can no longer be taken back. Safe to repeat.
A run that a process attends goes on: that is said, and --stop-run sends that process what Ctrl-C sends.
With --yes it begins while the account is still being listed, and shows the plan after that.

Examples:
    --run last --dry-run         which HITs would be deleted
    --task-name 'pilot-*' --yes  those of these runs, without asking
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import functools

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, columns, output, unseen
from crowdops.formats import words


@cli.command(__doc__)
@click.option("--stop-run", is_flag=True, help="Let the processes that attend these runs end them.")
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(stop_run: bool, settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.bulk import BulkResult
    from crowdops.context import Context
    from crowdops.hits import delete, view
    from crowdops.results import collect
    from crowdops.runs import stop

    cli.require(selection)
    with Context.open(settings) as context:
        at_once = guard.yes and not (guard.dry_run or stop_run)
        look = functools.partial(delete.Deletion.begin, at_once=at_once)
        plans, not_seen = context.reach(selection, look, ended=True)
        not_seen += context.unseen([plan.lost for plan in plans if plan.lost])
        chosen = [run for plan in plans for run in plan.runs]
        unread = collect.failed(line for plan in plans for line in plan.failures)
        ready = [candidate for plan in plans for candidate in plan.found]
        held = [candidate for plan in plans for candidate in plan.held]
        where = " and ".join(plan.context.settings.endpoint for plan in plans)
        if not settings.as_json:
            columns.table(view.delete_columns(ready, held), chosen)
        result: BulkResult[delete.Candidate] = BulkResult(failed=unseen.failures(not_seen) + unread)
        question = f"Delete {words.count(len(ready), 'HIT')} at {where}?"
        attended = stop.find(settings, chosen, is_asked=stop_run)
        if at_once or ((ready or (attended and stop_run)) and guard.allows(question)):
            if stop_run:
                result.failed += stop.stop(settings, attended)
            for plan in plans:
                result += plan.carry_out()
    for candidate in held if settings.verbose else ():
        output.say(f"{candidate.hit_id}: {candidate.held}")
    waiting = [{"id": candidate.hit_id, "reason": candidate.held} for candidate in held]
    more = {"held": waiting, "attended_runs": stop.document(attended)}
    return unseen.conclude(cli.report(settings, guard, "deleted", len(ready), result, more), not_seen)


if __name__ == "__main__":
    main()
