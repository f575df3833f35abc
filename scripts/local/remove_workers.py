#!/usr/bin/env python3
"""End the access of workers to the crowd server, at once.

Their links and what is signed in with them end. What they have in hand goes back to the others: let somebody
finish it by soft_block_workers first. What they submitted is reviewed as ever, and what they earned stays
owed: print_earnings lists it. Workers are named as arguments, in a file (a list, or a CSV with a column
worker_id), or on stdin as "-". invite_workers --worker-id lets one in again, but no participant of a panel.
Safe to repeat.

Examples:
    A1B2C3 --dry-run               who would be removed, with what in hand
    --file leavers.csv --yes       without asking
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from pathlib import Path

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, columns, output
from crowdops.formats import words


@cli.command(__doc__)
@click.argument("workers", nargs=-1, metavar="[WORKER_ID]...")
@click.option("--file", type=click.Path(path_type=Path), help="More workers.")
@cli.with_guard
@cli.with_settings
def main(workers: tuple[str, ...], file: Path | None, settings: Settings, guard: cli.Guard) -> int:
    from crowdops.bulk import BulkResult
    from crowdops.workers import people_view, removals, worker_ids

    named = worker_ids.read(workers, file)
    plan = removals.plan(settings, named)
    if not settings.as_json:
        if plan.leaving:
            columns.table(people_view.COLUMNS, plan.leaving)
        output.say(people_view.removal_words(plan))
    result = BulkResult[str](already=plan.already, failed=plan.unknown)
    if plan.leaving and guard.allows(f"Remove {words.count(len(plan.leaving), 'worker')}?"):
        result = removals.remove(settings, plan)
    selected = len(plan.leaving) if guard.dry_run and not settings.as_json else len(named)
    return cli.report(settings, guard, "removed", selected, result)


if __name__ == "__main__":
    main()
