#!/usr/bin/env python3
"""Rehearse a run with simulated workers, who work through the crowd server's worker site.

They are invited as "Simulated 1", "Simulated 2" … with ids that follow from the seed, so a second
rehearsal has the same workers. They take whatever the site offers them, yours and everybody else's on that
server: so they work in the environment local only. Two rehearsals at the same time need two seeds. Ctrl-C
sends the workers home: they return what is in hand, and the tally is shown.

They do what people in a browser can do and nothing else. "refused" counts what the site would not let them
do: mostly a HIT at which another worker was quicker, as with people. A page without a form or a submit
button, one that goes elsewhere than to externalSubmit, a field that needs a file: they say what is wrong and
return the unit. What a page's scripts may do when it loads (fill in assignmentId, tell the form where to go)
is done for it.

Examples:
    --workers 6 --seed 1               six, always the same
    --return-rate 0.1 --until-idle 30  some return work; done after 30 idle s
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from contextlib import closing

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, output, progress
from crowdops.formats import words


@cli.command(__doc__)
@click.option(
    "--workers", default=6, show_default=True, type=click.IntRange(1, 200), help="How many at once."
)
@click.option("--seed", default=1, show_default=True, help="Same seed, same workers and same decisions.")
@click.option(
    "--return-rate", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Share returned."
)
@click.option(
    "--abandon-rate", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Share abandoned."
)
@click.option(
    "--seconds-per-task",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Time for one unit.",
)
@click.option(
    "--until-idle",
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help="A worker leaves when there was nothing to do for so long.",
)
@cli.with_settings
def main(workers: int, settings: Settings, **habits: float) -> int:
    from crowdops.console import columns
    from crowdops.simulation import simulate
    from crowdops.simulation.view import TOTALS, show_in
    from crowdops.simulation.worker import Behaviour

    behaviour = Behaviour(**habits)  # type: ignore[arg-type]  # click made the seed an int
    with simulate.stop_on_signals() as stop:
        links = simulate.hire(settings, workers, behaviour.seed)
        with closing(progress.on_terminal(words.count(workers, "worker"), quiet=settings.quiet)) as line:
            totals = simulate.simulate(
                links,
                behaviour,
                stop=stop,
                report=output.say,
                timeout=settings.timeout,
                show=show_in(line),
            )
    if settings.as_json:
        output.document(columns.document(TOTALS, totals))
    else:
        columns.table(TOTALS, [totals])
    return cli.EXIT_INTERRUPTED if stop.is_set() else cli.EXIT_FAILED if totals.errors else 0


if __name__ == "__main__":
    main()
