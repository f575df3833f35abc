#!/usr/bin/env python3
"""Find out how many workers a run's task server stands, and advise max_num_concurrent_units and dynos.

Simulated workers open pages of the run's units, 1, 2, 4 … of them at once, until one page in twenty takes
longer than --bound-ms or a page does not come. They talk to the run's own server only, submit nothing, and
give back the leases that they take. The server must be up: local/launch_server.py or heroku/launch_server.py
starts one for a run. What is measured is what comes through from here, so measure a server at Heroku over a
good line.

Examples:
    last                          how many workers its server stands
    last --most 256 --seconds 10  further up, in longer steps
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, columns, output


@cli.command(__doc__)
@click.argument("run_id", metavar="RUN_ID")
@click.option(
    "--bound-ms", default=500.0, show_default=True, type=click.FloatRange(1), help="Time for a page."
)
@click.option(
    "--most",
    default=64,
    show_default=True,
    type=click.IntRange(1, 512),
    help="Go no further than so many workers.",
)
@click.option(
    "--seconds", default=5.0, show_default=True, type=click.FloatRange(0.1), help="Length of a step."
)
@click.option(
    "--seconds-per-task",
    default=30.0,
    show_default=True,
    type=click.FloatRange(1),
    help="Time for one unit.",
)
@cli.with_settings
def main(
    run_id: str,
    bound_ms: float,
    most: int,
    seconds: float,
    seconds_per_task: float,
    settings: Settings,
) -> int:
    from crowdops.context import Context
    from crowdops.servers import capacity, view

    with Context.open(settings) as context:
        target = capacity.target(context, run_id)
        bar = context.progress(most, "workers")
    steps = list(
        capacity.measure(target, bar, bound=bound_ms, seconds=seconds, most=most, timeout=settings.timeout)
    )
    bar.close()
    advice = capacity.advise(target, steps, bound=bound_ms, seconds_per_task=seconds_per_task)
    if settings.as_json:
        output.document(view.capacity_document(target, steps, advice, bound_ms))
    else:
        columns.table(view.step_columns(bound_ms), steps)
        output.say(advice.text)
    return 0 if advice.max_num_concurrent_units else cli.EXIT_FAILED


if __name__ == "__main__":
    main()
