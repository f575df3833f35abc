#!/usr/bin/env python3
"""Expire the outstanding HITs of the selected runs: nobody can accept them any more.

Accepted work can still be submitted until its deadline; download_results collects it. HITs without our
mark, and HITs of other runs, are never touched. Safe to repeat.
"""

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output, progress


@cli.command(__doc__)
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.hits import expire
    from crowdops.providers.mturk.client import MTurk
    from crowdops.registry import Registry, locks
    from crowdops.registry.selection import choose

    cli.require(selection)
    with Registry.open(settings.home) as registry:
        settings, chosen = choose(registry, settings, selection)
        provider = MTurk(settings)
        targets, already = expire.targets(registry, provider, chosen)
        if not settings.as_json:
            conditions = locks.conditions(registry, settings.home)
            output.table(expire.PLAN_HEADERS, expire.plan_rows(chosen, conditions, targets))
        selected, gone, failed = len(targets), [], []
        if targets and not guard.allows(f"Expire {selected} HITs at {settings.endpoint}?"):
            targets = []
        elif targets:
            bar = progress.progress(selected, "expired", quiet=settings.quiet)
            gone, failed = expire.expire(registry, provider, targets, threads=settings.threads, progress=bar)
    return cli.report(
        *(settings, guard, "expired"),
        selected=selected,
        done=len(targets) - len(gone) - len(failed),
        already=already + len(gone),
        failed=failed,
    )


if __name__ == "__main__":
    main()
