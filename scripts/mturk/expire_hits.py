#!/usr/bin/env python3
"""Expire the outstanding HITs of the selected runs: nobody can accept them any more.

Accepted work can still be submitted until its deadline; download_results collects it. HITs without our
mark, and HITs of other runs, are never touched. Each run is looked at at its own server; of one that could
not be looked at it is said, and the exit code is 1. Safe to repeat.
A run that a process attends goes on: that is said, and --stop-run sends that process what Ctrl-C sends.
With --yes it begins while the account is still being listed, and shows the plan after that.

Examples:
    --run last --dry-run         which HITs would be expired
    --run last --stop-run        end the run in its own process as well
    --task-name 'pilot-*' --yes  several runs, without asking
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
    from crowdops.hits import expire, view
    from crowdops.registry import locks
    from crowdops.runs import stop

    cli.require(selection)
    with Context.open(settings) as context:
        at_once = guard.yes and not (guard.dry_run or stop_run)
        plans, not_seen = context.reach(selection, functools.partial(expire.Expiry.begin, at_once=at_once))
        not_seen += context.unseen([plan.lost for plan in plans if plan.lost])
        chosen = [run for plan in plans for run in plan.runs]
        targets = [target for plan in plans for target in plan.found]
        where = " and ".join(plan.context.settings.endpoint for plan in plans)
        if not settings.as_json:
            conditions = locks.conditions(context.registry, settings.home)
            columns.table(view.expire_columns(conditions, targets), chosen)
        result: BulkResult[expire.Target] = BulkResult(
            already=sum(plan.expired for plan in plans), failed=unseen.failures(not_seen)
        )
        attended = stop.find(settings, chosen, is_asked=stop_run)
        may_expire = bool(targets or (attended and stop_run)) and guard.allows(
            f"Expire {words.count(len(targets), 'HIT')} at {where}?"
        )
        if may_expire and stop_run:
            result.failed += stop.stop(settings, attended)
        for plan in plans if may_expire or at_once else ():
            result += plan.carry_out()
        more = {"attended_runs": stop.document(attended)}
        code = unseen.conclude(cli.report(settings, guard, "expired", len(targets), result, more), not_seen)
        if may_expire or not (targets or guard.dry_run):
            for line in [line for plan in plans for line in plan.see_off()]:
                output.say(line)
    return code


if __name__ == "__main__":
    main()
