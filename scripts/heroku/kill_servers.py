#!/usr/bin/env python3
"""Delete leftover task servers at Heroku: apps of ours whose run is crashed, ended or unknown.

Without names and selectors: the leftovers of the runs in this registry. --all-runs: every leftover, of unknown
runs as well. A living run's server, an app that is not marked yet and one that serves no run are deleted only
when their NAME is given. What lacks our prefix, or was created by another account, is never deleted. Each app is
read again just before. Safe to repeat.
"""

import click

from crowdops.config.settings import Selection, Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@cli.with_selectors
@cli.with_guard
@cli.with_settings
def main(names: tuple[str, ...], settings: Settings, selection: Selection, guard: cli.Guard) -> int:
    from crowdops.bulk import BulkResult
    from crowdops.context import Context
    from crowdops.registry import locks
    from crowdops.servers import leftovers
    from crowdops.servers.heroku import backend, marks
    from crowdops.servers.status import HEADERS, as_server, row

    with Context.open(settings) as context:
        conditions = locks.conditions(context.registry, settings.home)
        seen = list(backend.survey(context, conditions))
        choice = leftovers.choose(
            seen, selection, names, known_runs=conditions, is_our_name=marks.is_our_name
        )
        if not settings.as_json:
            output.table(HEADERS, [row(status) for status in choice.targets])
        if remarks := leftovers.remarks(seen, choice):
            output.say(remarks)
        targets = choice.targets
        gone: list[str] = []
        failed: list[tuple[str, str]] = []
        if targets and not guard.allows(f"Delete {len(targets)} apps at Heroku?"):
            targets = []
        elif targets:
            gone, failed = leftovers.kill(
                targets,
                lambda status, named: backend.take_down(context, as_server(status), named=named),
                is_living=lambda run_id: leftovers.is_living(context.registry, settings.home, run_id),
                names=names,
                progress=context.progress(len(targets), "taken down"),
            )
    result = BulkResult[str](
        done=len(targets) - len(gone) - len(failed),
        already=len(choice.gone) + len(gone),
        failed=failed,
    )
    return cli.report(settings, guard, "deleted", len(choice.targets) + len(choice.gone), result)


if __name__ == "__main__":
    main()
