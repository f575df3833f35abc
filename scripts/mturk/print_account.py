#!/usr/bin/env python3
"""Show the balance and, by task_name and run, what was paid and what may still have to be paid.

First collects what came in and was reviewed meanwhile. "not reviewed" is submitted work that waits for
somebody; it is approved by itself at the time shown. "still to spend" is what all that is out costs if all of
it is done and approved. Without selectors: every run at the endpoint.
"""

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
    from crowdops.payments import account
    from crowdops.results import collect

    with Context.open(settings) as context:
        context, chosen = context.choose(selection)
        unread = []
        if not offline:
            unread = collect.catch_up(context, chosen)
        balance = context.provider.account()
        found = account.read(context.registry, chosen)
    if settings.as_json:
        output.document(
            account.document(found, balance, context.settings.environment, context.settings.endpoint)
        )
    else:
        output.table(account.HEADERS, account.rows(found))
        output.say(account.describe(balance))
    for line in unread:
        output.say(line)
    return cli.EXIT_FAILED if unread else 0


if __name__ == "__main__":
    main()
