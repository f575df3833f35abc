#!/usr/bin/env python3
"""Give the server of a living run at Heroku another number or another size of dynos.

Shows what the app has, what it is to have and what that costs an hour; asks; and returns once it answers
again. Heroku starts the dynos anew when their size changes, which takes seconds. A restart, and whatever is
deployed for the run after this, takes the new dynos. Servers of crashed and ended runs, and apps that are not
ours, are left alone. Safe to repeat.

Examples:
    --run last --dynos 2                      two dynos for the newest run
    --run last --dyno-size standard-2x --yes  larger ones, without asking
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Settings
from crowdops.console import cli
from crowdops.formats import words


@cli.command(__doc__)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--run", "runs", metavar="RUN_ID", multiple=True, help="The server of this run. Repeatable.")
@click.option("--dynos", metavar="N", type=click.IntRange(1, 100), help="So many dynos.")
@click.option("--dyno-size", metavar="SIZE", help="Dynos of this size, such as standard-1x.")
@cli.with_guard
@cli.with_settings
def main(
    names: tuple[str, ...],
    runs: tuple[str, ...],
    dynos: int | None,
    dyno_size: str | None,
    settings: Settings,
    guard: cli.Guard,
) -> int:
    from crowdops.console import columns
    from crowdops.context import Context
    from crowdops.errors import UsageError
    from crowdops.servers.heroku import scale

    if dynos is None and not dyno_size:
        raise UsageError("Say what it is to have: --dynos N, --dyno-size SIZE, or both.")
    with Context.open(settings) as context:
        servers = scale.choose(context, runs, names)
        scalings = scale.plan(context, servers, dynos, dyno_size)
        if not settings.as_json:
            columns.table(scale.SCALING, scalings)

        def ask(count: int) -> bool:
            return guard.allows(f"Scale {words.count(count, 'app')} at Heroku?")

        result = scale.scale(context, scalings, ask)
    more = {"servers": columns.documents(scale.SCALING, scalings)}
    return cli.report(settings, guard, "scaled", len(scalings), result, more)


if __name__ == "__main__":
    main()
