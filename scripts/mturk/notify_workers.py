#!/usr/bin/env python3
"""Send a message to the workers of the selected runs, or to those of a list.

The text is a file of at most 4,096 characters. It goes out in batches of 100; whom it did not reach is named.
No worker gets the same text twice, however often this is run or killed and whatever the subject: when a batch breaks
off in the middle, its workers are named and not tried again.
"""

from pathlib import Path

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli


@cli.command(__doc__)
@click.argument("text", metavar="TEXT_FILE", type=click.Path(path_type=Path))
@click.option("--subject", required=True, help="At most 200 characters.")
@click.option("--worker", "workers", multiple=True, metavar="WORKER_ID", help="A worker. Repeatable.")
@click.option(
    "--file", type=click.Path(path_type=Path), help="Workers: one a line, or a CSV with a column worker_id."
)
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(
    text: Path,
    subject: str,
    workers: tuple[str, ...],
    file: Path | None,
    settings: Settings,
    selection: Selection,
    guard: cli.Guard,
) -> int:
    from crowdops.bulk import BulkResult, Tally
    from crowdops.context import Context
    from crowdops.workers import blocks, messages

    message = messages.read(text, subject)
    named = [*workers, *(blocks.read_workers(file) if file else [])]
    if not named:
        cli.require(selection)
    with Context.open(settings) as context:
        context, chosen = context.choose(selection)
        if not selection.is_empty:
            named += context.registry.workers_of([run.run_id for run in chosen])
        plan = messages.plan(context, message, named)
        tally: Tally[str] = Tally()
        if plan.recipients and guard.allows(f"Send {message.subject!r} to {len(plan.recipients)} workers?"):
            bar = context.progress(len(plan.recipients), "told")
            tally = messages.send(context, message, plan.recipients, bar)
    doubtful = [(worker_id, messages.DOUBTFUL) for worker_id in plan.doubtful]
    before = BulkResult[str](already=len(plan.told), failed=doubtful)
    return cli.report(settings, guard, "told", len(plan.recipients), before + tally)


if __name__ == "__main__":
    main()
