#!/usr/bin/env python3
"""Keep workers out of a task_name's runs, or out of all, by a qualification that they are not told of.

Runs that are launched afterwards are not offered to them; what is out already is. Workers are named as
arguments, in a file (one a line, or a CSV with a column worker_id), or on stdin as "-". --unblock lets them in
again, --list shows who is blocked. --hard uses the API's own block, of all work of the account, which workers
notice and which counts against them: it needs a --reason, for your own records, and asks for their number.
"""

from pathlib import Path
from typing import Any

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.argument("workers", nargs=-1, metavar="[WORKER_ID]...")
@click.option("--file", type=click.Path(path_type=Path), help="More workers.")
@click.option("--task-name", metavar="NAME", help="Block for this task_name.")
@click.option("--everywhere", is_flag=True, help="Block for every task_name.")
@click.option("--hard", is_flag=True, help="The API's own block, of the whole account.")
@click.option("--reason", default="", help="With --hard: why; kept with the block.")
@click.option("--unblock", is_flag=True, help="End the block instead.")
@click.option("--list", "only_list", is_flag=True, help="Show who is blocked, for all or for the one named.")
@cli.with_guard_unless("only_list")
@cli.with_settings
def main(
    workers: tuple[str, ...],
    file: Path | None,
    unblock: bool,
    only_list: bool,
    reason: str,
    settings: Settings,
    guard: cli.Guard,
    **where: Any,
) -> int:
    from crowdops.bulk import Tally
    from crowdops.context import Context
    from crowdops.providers.mturk.client import MTurk
    from crowdops.workers import blocks

    scope = blocks.scope(reason, needed=not only_list, unblock=unblock, **where)
    provider = MTurk(settings)
    if only_list or scope is None:
        found = blocks.survey(provider, scope)
        if settings.as_json:
            output.document({"blocked": [each._asdict() for each in found]})
        else:
            output.table(blocks.LIST_HEADERS, found)
        return 0
    named = blocks.gather(workers, file)
    verb = "unblocked" if unblock else "blocked"
    question = f"{len(named)} workers would be {verb}: {blocks.describe(scope)}."
    if not settings.quiet:
        output.say(question)
    tally: Tally[str] = Tally()
    typed = str(len(named)) if scope == blocks.HARD and not unblock else None
    if guard.allows_typed("Type their number" if typed else "Go on?", typed):
        with Context.open(settings) as context:
            act = blocks.action(context.provider, scope, reason, unblock=unblock)
            bar = context.progress(len(named), verb)
            tally = blocks.each(context, act, named, f"worker-{verb}", progress=bar)
    return cli.report(settings, guard, verb, len(named), tally)


if __name__ == "__main__":
    main()
