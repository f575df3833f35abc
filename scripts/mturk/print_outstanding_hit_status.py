#!/usr/bin/env python3
"""Show what is outstanding, per run, and whether it is safe to shut down.

Assignable HITs can still be accepted, Unassignable ones have accepted work. When neither is left, nothing
more can come in. It is safe to shut down once all that came is collected, too. A run without a process that
has come so far is ended by this. Without selectors: every run at the endpoint, and at each other server where
one of your runs may have something alive. Each run is looked at at its own server, wherever that answers now;
of one that does not answer the registry's knowledge is shown, "as of" when.

--check is for cron: silent and exit 0 while no crashed run has anything outstanding, and no server of a
crashed or ended run is up by the registry; else those, and exit 4. What could not be looked at is said, and
the exit code is 1: nobody knows what is there.

Examples:
                           is it safe to shut down?
    --run last --watch 10  again every ten seconds
    --check                for cron: silent if all is well
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, columns, combinations, output, unseen


@cli.command(__doc__)
@click.option("--hits", "details", is_flag=True, help="List each outstanding HIT.")
@click.option("--all", "every", is_flag=True, help="At a terminal, too: runs that have ended.")
@click.option("--check", is_flag=True, help="Only what crashed runs left alive; exit 4 if there is any.")
@click.option("--watch", metavar="SECONDS", type=click.FloatRange(min=0.1), help="Show again and again.")
@cli.with_selectors
@cli.with_settings
def main(
    details: bool,
    every: bool,
    check: bool,
    watch: float | None,
    settings: Settings,
    selection: Selection,
) -> int:
    from crowdops.context import Context
    from crowdops.hits import status, view

    if check:
        combinations.refuse("with --check", watch=watch)
    with Context.open(settings) as context:
        for _ in cli.rounds(watch):
            account = status.survey(context, selection, details=details)
            if check:
                account = status.only_crashed(account)
            unseen.say(account.unseen)
            if settings.as_json:
                output.document(view.status_document(account, settings, context.calls, details=details))
            elif account.runs or account.orphan_servers or not check:
                output.write(f"{view.status_verdict(account, settings)}\n")
                hidden = view.hidden_runs(account, selection, every=every or check)
                shown = [run for run in account.runs if run not in hidden]
                if shown or not (check or hidden):
                    columns.table(view.STATUS_COLUMNS, shown, urgency=view.urgency)
                if details:
                    columns.table(view.HIT_COLUMNS, account.outstanding)
                for line in view.last_lines(shown, hidden):
                    output.say(line)
    is_left = check and (any(run.as_of is None for run in account.runs) or bool(account.orphan_servers))
    return unseen.conclude(cli.EXIT_LEFT_OVER if is_left else 0, account.unseen)


if __name__ == "__main__":
    main()
