#!/usr/bin/env python3
"""Expire the outstanding HITs of the selected runs: nobody can accept them any more.

Accepted work can still be submitted until its deadline; download_results collects it. HITs without our
mark, and HITs of other runs, are never touched. Safe to repeat.
"""

from crowdops import cli, config, output


@cli.command(__doc__)
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(settings: config.Settings, selection: config.Selection, guard: cli.Guard) -> int:
    from crowdops import hits, runs
    from crowdops.providers.mturk import MTurk
    from crowdops.registry import Registry

    cli.require(selection)
    with Registry.open(settings.home) as registry:
        settings, chosen = runs.choose(registry, settings, selection)
        provider = MTurk(settings)
        targets, already = hits.targets(registry, provider, chosen)
        if not settings.as_json:
            conditions = runs.conditions(registry, settings.home)
            output.table(hits.PLAN_HEADERS, hits.plan_rows(chosen, conditions, targets))
        selected, gone, failed = len(targets), [], []
        if targets and not guard.allows(f"Expire {selected} HITs at {settings.endpoint}?"):
            targets = []
        elif targets:
            bar = output.progress(selected, "expired", quiet=settings.quiet)
            gone, failed = hits.expire(registry, provider, targets, threads=settings.threads, progress=bar)
    return cli.report(
        *(settings, guard, "expired"),
        selected=selected,
        done=len(targets) - len(gone) - len(failed),
        already=already + len(gone),
        failed=failed,
    )


if __name__ == "__main__":
    main()
