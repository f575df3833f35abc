#!/usr/bin/env python3
"""Expire the outstanding HITs of the selected runs: nobody can accept them any more.

Accepted work can still be submitted until its deadline; download_results collects it. HITs without our
mark, and HITs of other runs, are never touched. Safe to repeat.
"""

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.bulk import BulkResult
    from crowdops.context import Context
    from crowdops.hits import expire
    from crowdops.registry import locks

    cli.require(selection)
    with Context.open(settings) as context:
        context, chosen = context.choose(selection)
        targets, already = expire.targets(context, chosen)
        if not settings.as_json:
            conditions = locks.conditions(context.registry, settings.home)
            output.table(expire.PLAN_HEADERS, expire.plan_rows(chosen, conditions, targets))
        selected = len(targets)
        gone: list[expire.Target] = []
        failed: list[tuple[str, str]] = []
        if targets and not guard.allows(f"Expire {selected} HITs at {context.settings.endpoint}?"):
            targets = []
        elif targets:
            bar = context.progress(selected, "expired")
            gone, failed = expire.expire(context, targets, progress=bar)
    done = len(targets) - len(gone) - len(failed)
    result = BulkResult[expire.Target](done=done, already=already + len(gone), failed=failed)
    return cli.report(settings, guard, "expired", selected, result)


if __name__ == "__main__":
    main()
