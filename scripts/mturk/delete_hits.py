#!/usr/bin/env python3
"""Dispose of HITs whose assignments are all reviewed and stored; say what holds the others back.

First collects what came in and was reviewed meanwhile. Results stay in the registry; at the provider nothing
is left of a deleted HIT, and its rejections can no longer be taken back. Safe to repeat.
"""

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.bulk import Tally
    from crowdops.context import Context
    from crowdops.hits import delete
    from crowdops.results import collect

    cli.require(selection)
    with Context.open(settings) as context:
        context, chosen = context.choose(selection)
        unread = collect.catch_up(context, chosen)
        found = delete.survey(context, chosen)
        ready = [each for each in found if each.held is None]
        held = [each for each in found if each.held]
        if not settings.as_json:
            output.table(delete.PLAN_HEADERS, delete.plan_rows(chosen, found))
        tally: Tally[delete.Disposable] = Tally()
        if ready and guard.allows(f"Delete {len(ready)} HITs at {context.settings.endpoint}?"):
            bar = context.progress(len(ready), "deleted")
            tally = delete.dispose(context, ready, progress=bar)
    for line in [*unread, *(f"{each.hit_id}: {each.held}" for each in held if settings.verbose)]:
        output.say(line)
    more = {"held": [{"id": each.hit_id, "reason": each.held} for each in held]}
    return cli.report(settings, guard, "deleted", len(ready), tally, more)


if __name__ == "__main__":
    main()
