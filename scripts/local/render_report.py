#!/usr/bin/env python3
"""Show the numbers of runs: outcome, money, pay an hour, progress, time, agreement, workers, waits, servers.

First collects what came in and was reviewed meanwhile, as download_results does; --offline reads the registry
only. Time on task is from accepting to submitting, breaks and all. --hourly-pay is the line that pay is held
against; --topup-file writes what would lift everybody to it for approved work, as a bonus file for
pay_bonuses. --anonymous puts stable aliases in the place of worker ids.
"""

if __name__ == "__main__":
    from crowdops.console import interrupts

    interrupts.leave_at_once()

from pathlib import Path

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, combinations, output, unseen

FILE = click.Path(path_type=Path)


@cli.command(__doc__)
@click.option("--field", multiple=True, metavar="NAME", help="Only this field of the answers. Repeatable.")
@click.option("--gold", type=FILE, help="Gold answers, as for review_assignments --approve-matching.")
@click.option("--hourly-pay", metavar="DOLLARS", default="12", show_default=True, help="The line for pay.")
@click.option("--topup-file", type=FILE, help="Write the bonuses that lift everybody to that line.")
@click.option("--anonymous", is_flag=True, help="Aliases in the place of worker ids.")
@click.option("--offline", is_flag=True, help="Only what the registry has; no API call.")
@click.option("-o", "--output", "path", type=FILE, help="File; it appears whole or not at all.")
@cli.with_selectors
@cli.with_settings
def main(
    field: tuple[str, ...],
    gold: Path | None,
    hourly_pay: str,
    topup_file: Path | None,
    anonymous: bool,
    offline: bool,
    path: Path | None,
    settings: Settings,
    selection: Selection,
) -> int:
    from crowdops.context import Context
    from crowdops.payments import catch_up
    from crowdops.reporting import report

    cli.require(selection)
    if anonymous:
        combinations.refuse("with --anonymous: a bonus file needs the workers' ids", topup_file=topup_file)
    options = report.options(field, gold, hourly_pay, anonymous=anonymous)
    with Context.open(settings) as context:
        collected, missing = ([], []) if offline else context.visit(selection, catch_up.bring_up_to_date)
        not_seen = context.unseen(missing)
        unseen.say(not_seen)
        numbers = report.gather(context, selection, options)
    if path:
        with output.destination(path) as file:
            file.write(output.document_text(report.document(numbers)) + "\n")
    else:
        output.document(report.document(numbers))
    failures = [line for lines in collected for line in lines]
    for failure in failures:
        output.say(failure)
    return unseen.conclude(cli.EXIT_FAILED if failures else 0, not_seen)


if __name__ == "__main__":
    main()
