#!/usr/bin/env python3
"""Show the balance and, by task_name and run, what was paid and what may still have to be paid.

First collects what came in and was reviewed meanwhile; with --offline it says as of when the figures are. Of
bonuses that were paid elsewhere it knows those that download_results has seen. "not reviewed" is submitted
work that waits for somebody; it is approved by itself at the time shown. "still to spend" is what all that is
out costs if all of it is done and approved. Without selectors: every run at the endpoint.

Examples:
                                  balance, spent, and still to be spent
    --task-name 'pilot-*' --json  of these runs, for a program
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.option(
    "--offline", is_flag=True, help="The runs as the registry has them; only the balance is asked for."
)
@cli.with_selectors
@cli.with_settings
def main(offline: bool, settings: Settings, selection: Selection) -> int:
    from crowdops.context import Context
    from crowdops.payments import account, view
    from crowdops.results import collect

    with Context.open(settings) as context:
        context, runs = context.choose(selection)
        unread = [] if offline else collect.refresh(context, runs)
        balance = context.provider.account()
        figures = account.read(context.registry, runs)
        as_of = account.as_of(context.registry, runs) if offline else None
    if settings.as_json:
        output.document(view.account_document(figures, balance, context.settings) | {"as_of": as_of})
    else:
        view.account_table(figures)
        output.say(view.balance_words(balance, as_of))
    for line in unread:
        output.say(line)
    return cli.EXIT_FAILED if unread else 0


if __name__ == "__main__":
    main()
