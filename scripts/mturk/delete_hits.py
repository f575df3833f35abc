#!/usr/bin/env python3
"""Dispose of HITs whose assignments are all reviewed and stored; say what holds the others back.

First collects what came in and was reviewed meanwhile. Results stay in the registry; at the provider nothing
is left of a deleted HIT, and its rejections can no longer be taken back. Safe to repeat.
"""

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, columns, output


@cli.command(__doc__)
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.bulk import BulkResult
    from crowdops.context import Context
    from crowdops.hits import delete, view
    from crowdops.results import collect

    cli.require(selection)
    with Context.open(settings) as context:
        context, chosen = context.choose(selection)
        remarks = collect.refresh(context, chosen)
        candidates = delete.find_candidates(context, chosen)
        ready = [candidate for candidate in candidates if candidate.held is None]
        held = [candidate for candidate in candidates if candidate.held]
        if not settings.as_json:
            columns.table(view.delete_columns(ready, held), chosen)
        result: BulkResult[delete.Candidate] = BulkResult()
        if ready and guard.allows(f"Delete {len(ready)} HITs at {context.settings.endpoint}?"):
            result = context.carry_out(delete.action(context), ready, "deleted")
    if settings.verbose:
        remarks += [f"{candidate.hit_id}: {candidate.held}" for candidate in held]
    for line in remarks:
        output.say(line)
    more = {"held": [{"id": candidate.hit_id, "reason": candidate.held} for candidate in held]}
    return cli.report(settings, guard, "deleted", len(ready), result, more)


if __name__ == "__main__":
    main()
