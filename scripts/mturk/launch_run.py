#!/usr/bin/env python3
"""Launch a run and see it through, or carry on one that crashed or was stopped.

Makes a HIT of every row of the run's data, no more than max_num_concurrent_units at once, collects what
workers submit, and ends when every unit is done. Ctrl-C once ends the run cleanly: nothing new is launched,
accepted work is waited for and collected. Ctrl-C again, when it says that it is waiting, stops at once.

--resume carries on a run that crashed, was stopped or was recovered: what is out is taken over, and what was
never launched is launched, nothing twice. RUN.TOML is needed only after a rebuild: marks lack the data. While
a run of the same run.toml or task_name is alive, a launch asks again; --yes then takes --again. --dry-run
shows units, cost, parameters and remarks on rows and page, which each launch makes, and contacts nobody.

Examples:
    run.toml --dry-run  units, cost and remarks; calls nobody
    run.toml            launch it, after asking
    --resume last       carry a crashed run on
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

import time
from pathlib import Path
from typing import Any, NamedTuple

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, output


class Options(NamedTuple):
    """What is to be launched or carried on."""

    run_toml: Path | None
    given: tuple[str, ...]
    detach: bool
    again: bool
    run_id: str | None
    ignore_data_change: bool


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
    from crowdops.config import parameters
    from crowdops.context import Context
    from crowdops.runs import launch, living, outcome, plan, resume, view
    from crowdops.runs.remainder import Resumption

    started, options = time.monotonic(), Options(**values)
    resume.check_command(**options._asdict())
    launch_plan = None
    if options.run_toml:
        loaded = parameters.load(options.run_toml, cli.pairs(options.given, "--set"))
        launch_plan = plan.plan(loaded, settings, detach=options.detach, run_toml=options.run_toml)
    resumption = None
    if options.run_id:
        resumption = Resumption(options.run_id, launch_plan, options.ignore_data_change)
        remainder = resume.prepare(settings, resumption)
        resumption = resumption._replace(run_id=remainder.run.run_id)  # whatever it was named by
        offer = view.offer_resume(remainder)
    elif launch_plan:
        offer = view.offer_launch(launch_plan, settings)
        alive = [] if options.again else living.find(settings, launch_plan.parameters)
        offer = view.offer_another(offer, alive, is_asking=not guard.yes)
    output.remark(offer.remarks, quiet=settings.quiet)
    if guard.dry_run:
        output.either(settings.as_json, offer.document, offer.text)
        return 0
    output.say(offer.summary)
    with Context.open(settings) as context:
        context = context.of(resumption and resumption.run_id)
        plan.check_account(context.provider, offer.estimate, launch_plan)
        if not guard.allows(offer.question):
            output.say("Nothing was created.")
            return 0
        with context.interrupts:
            if resumption:
                ended = resume.resume(context, resumption)
            elif launch_plan:
                ended = launch.launch(context, launch_plan, detach=options.detach)
            report = outcome.report(context, ended, time.monotonic() - started)
            output.say(view.report_text(report))
            if settings.as_json:
                output.document(view.report_document(report))
    return outcome.exit_code(report)


if __name__ == "__main__":
    main()
