#!/usr/bin/env python3
"""Make the registry again from the marks on HITs and servers.

Writes runs, units, HITs, assignments and their answers, and servers. Merges into what is there and changes
nothing that the registry knows better. A file that cannot be opened is kept under a dated name. Without
selectors it takes the runs that this home has a folder of; runs of another home, which may be a colleague's
and alive, only when they are named, or all with --all-runs. At the provider it only reads.

What no mark tells is null: the data rows, and units that never had a HIT. A run.toml brings them back:
launch_run.py RUN.TOML --resume RUN_ID. Approvals and bonuses that were decided and not sent are not known
either. What could not be looked at, such as Heroku, is said, and the exit code is 1.

Examples:
    --dry-run                   what would be written
    --all-runs                  runs of other homes as well
    --run 20261122-114502-k3f9  this one only
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output, unseen


@cli.command(__doc__)
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be written; write nothing.")
@cli.with_selectors
@cli.with_settings
def main(dry_run: bool, settings: Settings, selection: Selection) -> int:
    from crowdops.console import columns
    from crowdops.context import Context
    from crowdops.hits import scan
    from crowdops.recovery import rebuild, view
    from crowdops.registry import backups
    from crowdops.servers.backend import survey_all

    if not dry_run and (kept := backups.set_unusable_aside(settings.home)):
        output.say(f"{kept.why}. The file is kept: {kept.path}")
    with Context.open(settings) as context:
        everywhere = survey_all(context)
        unseen.say(everywhere.unseen)
        runs = rebuild.find(context, scan.scan(context), everywhere.statuses)
        chosen = rebuild.choose(runs, selection, everywhere.unseen)
        if not settings.as_json:
            columns.table(view.MARKED, chosen)
        rebuilt = None if dry_run else rebuild.rebuild(context, chosen)
    for line in [*everywhere.remarks, *view.rebuild_remarks(runs, chosen, rebuilt)]:
        output.say(line)
    if settings.as_json:
        output.document(view.rebuild_document(chosen, rebuilt, everywhere.unseen))
    return unseen.conclude(cli.EXIT_FAILED if rebuilt and rebuilt.failures else 0, everywhere.unseen)


if __name__ == "__main__":
    main()
