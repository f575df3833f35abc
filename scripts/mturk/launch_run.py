#!/usr/bin/env python3
"""Launch a run and see it through, or carry on one that crashed or was stopped.

Makes a HIT of every row of the run's data, no more than max_num_concurrent_units at once, collects what
workers submit, and ends when every unit is done. Ctrl-C once ends the run cleanly: nothing new is launched,
accepted work is waited for and collected. Ctrl-C again, when it says that it is waiting, stops at once.

--resume carries on a run that crashed, was stopped or was recovered: what is out is taken over, and what was
never launched is launched, nothing twice. RUN.TOML is needed only after a rebuild: marks lack the data. While
a run of the same run.toml or task_name is alive, a launch asks again; --yes then takes --again. --dry-run
shows units, cost, parameters and remarks on rows and page, which each launch makes; it asks only
the crowd server, and that only whether a worker has the [[qualifications]].

Examples:
    run.toml --dry-run  units, cost and remarks; creates nothing
    run.toml            launch it, after asking
    --resume last       carry a crashed run on
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import time
from pathlib import Path
from typing import Any

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.argument("run_toml", metavar="[RUN.TOML]", required=False, type=click.Path(path_type=Path))
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="Override a parameter. Repeatable.")
@click.option("--detach", is_flag=True, help="Launch everything and leave. Later: download_results.")
@click.option("--again", is_flag=True, help="Launch even though a run of this task_name is alive.")
@click.option("--resume", "run_id", metavar="RUN_ID", help="Carry on a crashed or stopped run.")
@click.option("--ignore-data-change", is_flag=True, help="Resume with the rows as they were at launch.")
@cli.with_guard
@cli.with_settings
def main(settings: Settings, guard: cli.Guard, **values: Any) -> int:
    from crowdops.context import Context
    from crowdops.runs import outcome, request, view

    started = time.monotonic()
    asked = request.read(settings, request.Options(**values), is_asking=not guard.yes)
    asked = request.with_crowd(asked, settings)
    output.remark(asked.offer.remarks, quiet=settings.quiet)
    if guard.dry_run:
        output.either(settings.as_json, asked.offer.document, asked.offer.text)
        return 0
    output.say(asked.offer.summary)
    with Context.open(settings) as context:
        place = request.find_place(context, asked)
        if not guard.allows(asked.offer.question):
            output.say("Nothing was created.")
            return 0
        with place.context.interrupts:
            ended = request.carry_out(place, asked)
            report = outcome.report(place.context, ended, time.monotonic() - started)
            output.say(view.report_text(report))
            if settings.as_json:
                output.document(view.report_document(report))
    return outcome.exit_code(report)


if __name__ == "__main__":
    main()
