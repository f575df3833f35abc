#!/usr/bin/env python3
"""Send a message to the workers of the selected runs, or to those of a list.

Workers of runs are those who have handed something in by now: it is collected first. The text is a file of at
most 4,096 characters. It goes out in batches of 100; whom it did not reach is named. No worker gets the same
text twice, however often this is run or killed and whatever the subject: when a batch breaks off in the
middle, its workers are named and not tried again.

Examples:
    text.txt --subject Thanks --task-name pilot-1       all who worked on it
    text.txt --subject Sorry --worker A1B2C3 --dry-run  one worker: look first
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from pathlib import Path
from typing import Any

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output
from crowdops.formats import words


@cli.command(__doc__)
@click.argument("text", metavar="TEXT_FILE", type=click.Path(path_type=Path))
@click.option("--subject", required=True, help="At most 200 characters.")
@click.option("--worker", "workers", multiple=True, metavar="WORKER_ID", help="A worker. Repeatable.")
@click.option(
    "--file", type=click.Path(path_type=Path), help="Workers: a list, or a CSV with a column worker_id."
)
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(
    text: Path,
    subject: str,
    settings: Settings,
    selection: Selection,
    guard: cli.Guard,
    **named: Any,
) -> int:
    from crowdops.context import Context
    from crowdops.results import collect
    from crowdops.workers import messages, worker_ids

    message = messages.read(text, subject)
    recipients = worker_ids.named(**named)
    if not recipients:
        cli.require(selection)
    with Context.open(settings) as context:
        context, runs = context.choose(selection)
        unread = [] if selection.is_empty else collect.refresh(context, runs)
        if not selection.is_empty:
            recipients += context.registry.workers_of([run.run_id for run in runs])
        plan = messages.plan(context, message, recipients)
        result = plan.known
        to_whom = words.count(len(plan.recipients), "worker")
        if plan.recipients and guard.allows(f"Send {message.subject!r} to {to_whom}?"):
            result += messages.send(context, message, plan.recipients)
    for line in unread:
        output.say(line)
    code = cli.report(settings, guard, "told", len(plan.recipients), result)
    return code or (cli.EXIT_FAILED if unread else 0)


if __name__ == "__main__":
    main()
