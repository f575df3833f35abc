#!/usr/bin/env python3
"""Expire the outstanding HITs of the selected runs: nobody can accept them any more.

Accepted work can still be submitted until its deadline; download_results collects it. HITs without our
mark, and HITs of other runs, are never touched. Each run is looked at at its own server; of one that could
not be looked at it is said, and the exit code is 1. Safe to repeat.
"""

if __name__ == "__main__":
    from crowdops.console import interrupts

    interrupts.leave_at_once()

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, columns, unseen


@cli.command(__doc__)
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.bulk import BulkResult
    from crowdops.context import Context
    from crowdops.hits import expire, view
    from crowdops.registry import locks

    cli.require(selection)
    with Context.open(settings) as context:
        plans, not_seen = context.reach(selection, expire.plan)
        chosen = [run for plan in plans for run in plan.runs]
        targets = [target for plan in plans for target in plan.targets]
        where = " and ".join(plan.context.settings.endpoint for plan in plans)
        if not settings.as_json:
            conditions = locks.conditions(context.registry, settings.home)
            columns.table(view.expire_columns(conditions, targets), chosen)
        result: BulkResult[expire.Target] = BulkResult(
            already=sum(plan.expired for plan in plans), failed=unseen.failures(not_seen)
        )
        if targets and guard.allows(f"Expire {len(targets)} HITs at {where}?"):
            for plan in plans:
                result += plan.context.carry_out(expire.action(plan.context), plan.targets, "expired")
    return unseen.conclude(cli.report(settings, guard, "expired", len(targets), result), not_seen)


if __name__ == "__main__":
    main()
