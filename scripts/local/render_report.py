#!/usr/bin/env python3
"""Write one HTML file with the numbers of runs, as charts and tables; --json has every number.

It shows how the runs ended, money against budget, what workers got an hour, answers over time, time on task,
agreement, workers, waits for approval, rejections, cost by day and servers. The file needs nothing from
elsewhere, runs nothing, and can be mailed. Its path goes to stdout; without -o it lies in the run's folder,
or in reports/ of the home for several runs, and replaces the one before.

First collects what came in and was reviewed meanwhile, as download_results does; --offline reads the registry
only. Time on task is from accepting to submitting, breaks and all. --hourly-pay is the line that pay is held
against; --topup-file writes what would lift everybody to it for approved work, as a bonus file for
pay_bonuses. --anonymous puts stable aliases in the place of worker ids.

Examples:
    --run last                          the newest run
    --task-name 'pilot-*' --offline     several runs, without a call
    --run last --topup-file topup.csv   and bonuses that lift everybody to the line
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

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
@click.option("-o", "--output", "path", type=FILE, help="The file to write; - is stdout.")
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
    from crowdops.reporting import bonus_file, report

    cli.require(selection)
    if anonymous:
        combinations.refuse("with --anonymous: a bonus file needs the workers' ids", topup_file=topup_file)
    if topup_file:
        bonus_file.check_path(topup_file, path)
    options = report.options(field, gold, hourly_pay, anonymous=anonymous)
    with Context.open(settings) as context:
        brought = catch_up.selected(context, selection, is_offline=offline)
        numbers = report.gather(context, brought.run_ids, options)
        runs = {run.run_id: run for run in context.registry.runs()}
    if topup_file:
        bonus_file.check_places(numbers.runs)
        bonus_file.write(topup_file, numbers, runs)
        output.say(bonus_file.words(topup_file, numbers))
    if settings.as_json:
        report.write_document(numbers, path)
    else:
        from crowdops.reporting import html

        if place := html.write(numbers, settings, path):
            output.write(str(place))
    return unseen.conclude_with(brought.failures, brought.unseen)


if __name__ == "__main__":
    main()
