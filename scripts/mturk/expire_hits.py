#!/usr/bin/env python3
"""Expire the outstanding HITs of the selected runs: nobody can accept them any more.

Accepted work can still be submitted until its deadline; download_results collects it. HITs without our
mark, and HITs of other runs, are never touched. Safe to repeat.
"""

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, columns


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
        context, chosen = context.choose(selection)
        targets, expired = expire.find_targets(context, chosen)
        if not settings.as_json:
            conditions = locks.conditions(context.registry, settings.home)
            columns.table(view.expire_columns(conditions, targets), chosen)
        result: BulkResult[expire.Target] = BulkResult(already=expired)
        if targets and guard.allows(f"Expire {len(targets)} HITs at {context.settings.endpoint}?"):
            result += context.carry_out(expire.action(context), targets, "expired")
    return cli.report(settings, guard, "expired", len(targets), result)


if __name__ == "__main__":
    main()
