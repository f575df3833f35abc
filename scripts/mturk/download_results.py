#!/usr/bin/env python3
"""Write every assignment of the selected runs with its data row, as CSV, TSV, JSON, JSON Lines or a table.

First collects what was submitted since somebody last looked, and brings statuses and bonuses up to date, also
those of reviews and payments elsewhere; it says with how many calls. Then writes what the registry has, as
the ending of -o says: .csv, .tsv, .json or .jsonl. In CSV and TSV, a cell that a spreadsheet would run as a
formula gets an apostrophe in front; JSON has every value as it is. Several values of one name are joined by |
in answer; answer_values of JSON lists them as they were sent. The format crowdkit is CSV with the columns
task, worker and label of one --field: the task is the unit_id of JSON, the same for a data row in every run.

Each run is collected at its own server. Of one that could not be looked at there is what the registry has; it
is said, and the exit code is 1.

Examples:
    --run last -o results.csv            the newest run, for a spreadsheet
    --task-name 'pilot-*' -o all.jsonl   several runs, for a program
    --run last --offline --format table  what is here, without a call
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from pathlib import Path

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, combinations, output, unseen
from crowdops.formats import words


@cli.command(__doc__)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "tsv", "json", "jsonl", "table", "crowdkit"]),
    help="[default: as the file ends, or csv]",
)
@click.option("--field", metavar="NAME", help="Whose labels crowdkit gets, a field of the answers.")
@click.option(
    "-o", "--output", "path", type=click.Path(path_type=Path), help="File; it appears whole or not at all."
)
@click.option("--offline", is_flag=True, help="Only what the registry has; no API call.")
@cli.with_selectors
@cli.with_settings
def main(
    form: str | None,
    field: str | None,
    path: Path | None,
    offline: bool,
    settings: Settings,
    selection: Selection,
) -> int:
    from crowdops.context import Context
    from crowdops.payments import catch_up
    from crowdops.results import export

    cli.require(selection)
    form = export.choose_format(form, path, as_json=settings.as_json)
    if form == "crowdkit":
        export.require_field(field)
    else:
        combinations.refuse("without --format crowdkit", field=field)
    with Context.open(settings) as context:
        brought = catch_up.selected(context, selection, is_offline=offline, must_reach=True)
        with output.destination(path) as file:
            count = export.write(context.registry, brought.run_ids, form, file, field)
    if path and not settings.quiet:
        output.say(f"{path}: {words.count(count, 'assignment')} as {form}.")
    return unseen.conclude_with(brought.failures, brought.unseen)


if __name__ == "__main__":
    main()
