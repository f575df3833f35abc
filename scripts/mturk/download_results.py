#!/usr/bin/env python3
"""Write every assignment of the selected runs with its data row, as CSV, JSON, JSON Lines or a table.

First collects what was submitted since somebody last looked, then writes what the registry has. In CSV, a
cell that a spreadsheet would run as a formula gets an apostrophe in front; JSON has every value as it is.
Several values of one name are joined by | in answer; answer_values of JSON lists them as they were sent.

Each run is collected at its own server. Of one that could not be looked at there is what the registry has; it
is said, and the exit code is 1.
"""

from pathlib import Path

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output, unseen


@cli.command(__doc__)
@click.option(
    "--format", "form", type=click.Choice(["csv", "json", "jsonl", "table"]), default="csv", show_default=True
)
@click.option(
    "-o", "--output", "path", type=click.Path(path_type=Path), help="File; it appears whole or not at all."
)
@click.option("--offline", is_flag=True, help="Only what the registry has; no API call.")
@cli.with_selectors
@cli.with_settings
def main(form: str, path: Path | None, offline: bool, settings: Settings, selection: Selection) -> int:
    from crowdops.context import Context
    from crowdops.registry.selection import select
    from crowdops.results import collect, export

    cli.require(selection)
    with Context.open(settings) as context:
        chosen = select(context.registry, selection)
        collected, not_seen = ([], []) if offline else context.reach(selection, collect.bring_in)
        unseen.say(not_seen)
        with output.destination(path) as file:
            export.write(context.registry, chosen, "json" if settings.as_json else form, file)
    failures = [line for lines in collected for line in lines]
    for failure in failures:
        output.say(failure)
    return unseen.conclude(cli.EXIT_FAILED if failures else 0, not_seen)


if __name__ == "__main__":
    main()
