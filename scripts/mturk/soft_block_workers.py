#!/usr/bin/env python3
"""Keep workers out of a task_name's runs, or out of all, by a qualification that they are not told of.

Runs that are launched afterwards are not offered to them; what is out already is. Workers are named as
arguments, in a file (a list, or a CSV with a column worker_id), or on stdin as "-"; in a list, blanks, commas
or lines are between them, and # begins a comment. --unblock lets them in again, --list shows who is blocked.
A task_name that no run has yet needs --ahead: it could be misspelt. --hard uses the API's own block, of all
work of the account, which workers notice and which counts against them: it needs a --reason, for your own
records, and asks for their number.

Examples:
    --task-name pilot-1 A1B2C3       keep a worker out of a task
    --everywhere --file workers.csv  out of every task
    --list                           who is blocked
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from pathlib import Path
from typing import Any

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, columns, output
from crowdops.formats import words


@cli.command(__doc__)
@click.argument("workers", nargs=-1, metavar="[WORKER_ID]...")
@click.option("--file", type=click.Path(path_type=Path), help="More workers.")
@click.option("--task-name", metavar="NAME", help="Block for this task_name.")
@click.option("--everywhere", is_flag=True, help="Block for every task_name.")
@click.option("--hard", is_flag=True, help="The API's own block, of the whole account.")
@click.option("--reason", default="", help="With --hard: why; kept with the block.")
@click.option("--unblock", is_flag=True, help="End the block instead.")
@click.option("--ahead", is_flag=True, help="With --task-name: no run has it yet.")
@click.option("--list", "only_list", is_flag=True, help="Show who is blocked, for all or for the one named.")
@cli.with_guard
@cli.with_settings
def main(
    workers: tuple[str, ...],
    file: Path | None,
    only_list: bool,
    settings: Settings,
    guard: cli.Guard,
    **given: Any,
) -> int:
    from crowdops.bulk import BulkResult
    from crowdops.context import Context
    from crowdops.workers import blocks, worker_ids

    options = blocks.BlockOptions(**given)
    scope = options.scope(required=not only_list)
    options.check(is_list=only_list, WORKER_ID=workers, file=file, yes=guard.yes, dry_run=guard.dry_run)
    named = [] if only_list else worker_ids.read(workers, file)
    with Context.open(settings) as context:
        blocks.check_task_name(context, options, is_known=only_list or options.unblock)
        if only_list or scope is None:
            blocked = blocks.blocked_workers(context.provider, scope)
            columns.either(settings.as_json, "blocked", blocks.COLUMNS, blocked)
            return 0
        verb = "unblocked" if options.unblock else "blocked"
        if not settings.quiet:
            output.say(f"{words.count(len(named), 'worker')} would be {verb}: {blocks.describe(scope)}.")
        result = BulkResult[str]()
        typed = str(len(named)) if scope == blocks.HARD and not options.unblock else None
        if guard.allows_typed("Type their number" if typed else "Go on?", typed):
            if options.unblock:
                result = blocks.unblock(context, scope, named)
            else:
                result = blocks.block(context, scope, named, options.reason)
    return cli.report(settings, guard, verb, len(named), result)


if __name__ == "__main__":
    main()
