#!/usr/bin/env python3
"""Show units of which the registry and the provider do not say the same: why, and the command that mends each.

HITs that the registry does not know, that somebody deleted or opened again, that can still be accepted although their
unit has ended, second HITs of a unit, and answers that never came in. Without selectors: every run at the endpoint.
What an attending process is about to put right by itself is left out.

--mend mends them: it takes HITs over, expires those that should be closed, collects answers, and gives up units whose
HIT is gone. Each unit is read again first. Safe to repeat, and beside a living run.
"""

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.option("--mend", "only_show", flag_value=False, default=True, help="Mend what is found.")
@cli.with_selectors
@cli.with_guard_unless("only_show")
@cli.with_settings
def main(only_show: bool, settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.bulk import Tally
    from crowdops.context import Context
    from crowdops.hits import discrepancies, repair
    from crowdops.registry import locks

    with Context.open(settings) as context:
        context, chosen = context.choose(selection)
        conditions = locks.conditions(context.registry, settings.home)
        found = discrepancies.survey(context, chosen, conditions)
        document = {"broken": discrepancies.document(found.broken), "unknown_hits": found.unknown_hits}
        if not settings.as_json and found.broken:
            output.table(discrepancies.HEADERS, discrepancies.rows(found.broken))
        if not settings.quiet:
            for line in discrepancies.remarks(found):
                output.say(line)
        if only_show:
            if settings.as_json:
                output.document(document)
            return 0
        tally: Tally[discrepancies.Broken] = Tally()
        if found.broken and guard.allows(f"Mend {len(found.broken)} units at {context.settings.endpoint}?"):
            bar = context.progress(len(found.broken), "mended")
            tally = repair.mend(context, found.broken, conditions, progress=bar)
    return cli.report(settings, guard, "mended", len(found.broken), tally, document)


if __name__ == "__main__":
    main()
