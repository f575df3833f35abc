#!/usr/bin/env python3
"""Launch a run and see it through, or carry on one that crashed.

Makes a HIT of every row of the run's data, no more than max_num_concurrent_units at once, collects what
workers submit, and ends when every unit is done. Ctrl-C once ends the run cleanly: nothing new is launched,
accepted work is waited for and collected. Ctrl-C again, when it says that it is waiting, stops at once.

--resume carries on a run that crashed: what is out is taken over, the rest is launched with the same parameters,
nothing twice. RUN.TOML is needed only when the registry was rebuilt from marks, which do not tell the data.
--dry-run shows the units, the cost, the exact parameters and the first page, and contacts nobody.
"""

import time
from pathlib import Path

import click

from crowdops.config.settings import Settings
from crowdops.console import cli, output


@cli.command(__doc__)
@click.argument("run_toml", metavar="[RUN.TOML]", required=False, type=click.Path(path_type=Path))
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="Override a parameter. Repeatable.")
@click.option(
    "--detach", is_flag=True, help="Launch everything and leave; collect later with download_results."
)
@click.option("--resume", "run_id", metavar="RUN_ID", help="Carry on a crashed run.")
@click.option("--ignore-data-change", is_flag=True, help="Resume with the rows as they were at launch.")
@cli.with_guard
@cli.with_settings
def main(
    run_toml: Path | None,
    given: tuple[str, ...],
    detach: bool,
    run_id: str | None,
    ignore_data_change: bool,
    settings: Settings,
    guard: cli.Guard,
) -> int:
    from crowdops.config import parameters
    from crowdops.context import Context
    from crowdops.runs import launch, outcome, plan, resume

    started = time.monotonic()
    resume.check_command(run_toml, run_id, changes=detach or bool(given))
    loaded = parameters.load(run_toml, cli.pairs(given, "--set")) if run_toml else None
    planned = plan.plan(loaded, settings, detach=detach) if loaded else None
    if run_id:
        settings, offer = resume.offer(settings, run_id, planned, ignore_data_change=ignore_data_change)
    else:
        assert planned is not None
        offer = plan.offer(planned, settings)
    if guard.dry_run:
        output.either(settings.as_json, offer.document, offer.text)
        return 0
    output.say(offer.summary)
    with Context.open(settings) as context:
        plan.check_account(context.provider, offer.estimate)
        if not guard.allows(offer.question):
            output.say("Nothing was created.")
            return 0
        with context.interrupts:
            if run_id:
                ending = resume.resume(context, run_id, plan=planned, ignore_data_change=ignore_data_change)
            else:
                assert planned is not None
                ending = launch.launch(context, planned, detach=detach)
            document = outcome.document(
                context.registry, ending, context.provider.calls, time.monotonic() - started
            )
            output.say(outcome.closing_words(document, ending))
            if settings.as_json:
                output.document(document)
    return outcome.exit_code(document)


if __name__ == "__main__":
    main()
