#!/usr/bin/env python3
"""Show the journal: what was done to what, when, by which command and process. The newest comes last.

Every action on money or work is in it once: HITs, reviews, bonuses, blocks, messages, servers, budgets, and
what a recovery found. Options of one kind say which of them, those of different kinds all have to hold;
without any, all is shown. With --json each entry is a JSON object on a line of its own. Reads the registry
only.

With CROWDOPS_EVENTS_KEEP=90, --archive moves what is older than 90 days, of runs that have ended, to
events.jsonl in the home, in the form of --json. Nothing is moved by itself.

Examples:
    --run last                    what was done to the newest run
    --since '2 h' --kind 'hit-*'  what became of HITs in the last two hours
    --worker A1B2C3 --json        all about a worker, for a program
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from typing import Any

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, combinations


@cli.command(__doc__)
@click.option("--hit", metavar="HIT_ID", multiple=True, help="About a HIT and its assignments. Repeatable.")
@click.option("--worker", metavar="WORKER_ID", multiple=True, help="About a worker. Repeatable.")
@click.option("--kind", metavar="GLOB", multiple=True, help="Such as bonus-paid, 'hit-*'. Repeatable.")
@click.option("--since", metavar="WHEN", help="From 2026-11-22 or 2026-11-22T11:45 (UTC) on, or '2 h' ago.")
@click.option("--until", metavar="WHEN", help="Up to such a moment.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
@click.option("--follow", is_flag=True, help="The newest ten, and all that is to come, until Ctrl-C.")
@click.option("--archive", is_flag=True, help="Move old entries to a file; see above.")
@cli.with_selectors
@cli.with_settings
def main(
    last: int | None,
    follow: bool,
    archive: bool,
    settings: Settings,
    selection: Selection,
    **options: Any,
) -> None:
    from crowdops.registry import Registry, events_filter, events_view

    if archive:
        selectors = {"run": selection.runs, "task_name": selection.task_names, "all_runs": selection.all_runs}
        combinations.refuse("with --archive", **selectors, **options, last=last, follow=follow)
    with Registry.open(settings.home) as registry:
        if archive:
            events_view.archive(registry, settings)
            return
        meant = events_filter.build(registry, events_filter.Options(selection, **options), follow=follow)
        manner = events_view.Manner(last, follow, settings.as_json, selection.task_names)
        events_view.show(registry, settings, meant, manner)


if __name__ == "__main__":
    main()
